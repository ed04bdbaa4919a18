export default (): unknown => {
  const source: any = {
    date: new Date(0), map: new Map([['a', new Set([1])]]), list: [1, , 3], big: 5n, text: '\ud800', none: undefined,
    bytes: new Uint8Array([1, 2]), pattern: /a/gi,
  };
  source.self = source;
  const copy = structuredClone(source);
  let refused = '';
  try {
    structuredClone(() => 1);
  } catch (error) {
    refused = (error as Error).name;
  }
  return [
    copy !== source, copy.self === copy, copy.date.toISOString(), [...copy.map.get('a')], 1 in copy.list, copy.big === 5n,
    copy.text, 'none' in copy, copy.bytes.join(), String(copy.pattern), refused,
  ];
};
