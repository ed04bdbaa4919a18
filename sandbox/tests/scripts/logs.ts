console.log('at top level');

class Order {
  constructor(readonly id: number, private lines: unknown[] = []) {}
}

export default (): number => {
  console.debug('debug');
  console.info('info', 1, true, null, undefined, 10n, -0);
  console.warn('warn', ['a', 1, [2, [3, [4, [5]]]]], { a: { b: { c: { d: { e: 1 } } } } });
  console.error(new RangeError('not thrown').message);
  console.log();
  console.log('');
  console.log('two\nlines', '\ud800', '😀');
  console.log(new Order(1), [undefined, , 3], () => 1, class A {}, new Proxy({}, {}));
  console.log({ get secret() { throw new Error('read'); }, text: 'quoted', 'a key': 1 });
  const cyclic: any = { name: 'cyclic' };
  cyclic.self = cyclic;
  console.log(cyclic);
  console.log(Array.from({ length: 200 }, (_, n) => n));
  console.log('%s is not replaced', 'this');
  return 1;
};
