// The ways of a pattern are tried from the first to the last, however many there are and however they are nested.
export default () => {
  const many = new RegExp(Array.from({ length: 3_000 }, (_, n) => `w${n.toString(36)}x`).join('|'));
  return [
    many.test('hello world'),
    many.exec('zzw1zx')[0],
    /a|ab|abc/.exec('abc')[0],
    /(a)|(b)|(c)/.exec('xc'),
    /(?<=a|bc|d)x/.exec('bcx').index,
    /^(?:a|b|)+$/.test('abab'),
    /^(?:a|b|c)*?d$/.test('abccbad'),
    'a1b2'.replace(/a|b|\d/g, (way) => `<${way}>`),
    /(?:x|(?:y|z(?:p|q))|w)+/.exec('kyzqwx')[0],
    /(?!a|b|c)\w/.exec('abcd')[0],
    /(?:(a)|b|(c)|d){4}/.exec('abcd'),
    /|a|b/.exec('b')[0],
    /(?:a|b|c|)(?:c|d)/.exec('bd')[0],
    'Mr. Smith, Dr. Who'.match(/(?:Mr|Mrs|Dr|Prof)\. (\w+)/g),
  ];
};
