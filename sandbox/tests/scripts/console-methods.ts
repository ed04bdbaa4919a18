//@ {"input": {"lines": [{"name": "Chair", "price": 129.9, "count": 2}, {"name": "Lamp", "price": 49.95, "count": 1}]}}
export default function (order: any): number {
  console.table(order.lines);
  console.time('x');
  console.time('x');
  console.assert(order.lines.length > 5, 'few lines');
  console.assert(false, { all: 1 });
  console.timeLog('x', 1);
  console.timeEnd('x');
  console.timeEnd('x');
  console.countReset('x');
  console.trace('here');
  console.log(new Proxy({ a: 1 }, { get() { throw new Error('asked'); } }), { get secret() { throw new Error('asked'); } });
  console.log('two\nlines', '\ud800', '😀');
  return Object.keys(console).length;
}
