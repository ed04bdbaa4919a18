// Objects that grow the same way, change their ways, and share what the top level made.
class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
  get sum() {
    return this.x + this.y;
  }
}
const origin = new Point(0, 0);
const shared = { list: [1, 2, 3], nested: { deep: { value: 1 } }, text: 'text', point: origin };
const registry = new Map([['origin', origin]]);
const weak = new WeakRef(shared.nested);
const names = Array.from({ length: 40 }, (_, i) => `name${i}`);
const grow = (count, from = 0) => {
  const object = {};
  for (let i = from; i < from + count; i++) object[names[i % names.length]] = i;
  return object;
};
const sources = {
  plain: { a: 1, b: { c: 2 } }, indexed: { b: 1, 1: 'one', a: 2, 0: 'zero' }, accessor: { a: 1, get b() { return this.a + 1; } }, frozen: Object.freeze({ a: 1 }), hidden: Object.defineProperty({ a: 1, b: 2 }, 'a', { enumerable: false }),
  symbol: { [Symbol.iterator]: 1, a: 2 }, nothing: Object.create(null, { a: { value: 1, enumerable: true } }), instance: new Point(1, 2), inherited: Object.create({ a: 1 }), list: [1, , 3], text: 'ab', number: 1, none: null, empty: {}, own: JSON.parse('{"__proto__": 1, "a": 2}'), proxy: new Proxy({ a: 1 }, {}),
};
const shortened = { a: 1, b: 2, c: 3 };
delete shortened.b;
function copies() {
  const spread = Object.entries({ ...sources, shortened }).map(([name, source]) => {
    const copy = { ...source };
    const seen = { ...source, a: 'later', added: true };
    const { a, ...rest } = source ?? {};
    copy.b = 'changed';
    return [name, Object.entries(Object.getOwnPropertyDescriptors(copy)).map(([key, { value, get, writable, enumerable, configurable }]) => [key, typeof get, value, writable, enumerable, configurable]), Object.entries(seen), a, rest, Object.getOwnPropertySymbols(copy).length, Object.getPrototypeOf(copy) === Object.prototype];
  });
  return [spread, Object.keys(sources.plain), Object.entries({ a: 1, a: 2, __proto__: null, ['b']: 3, get b() { return 4; }, b: 5, 7: 6 }), Object.isFrozen({ ...sources.frozen }), ({ __proto__: { inherited: 8 }, own: 1 }).inherited];
}
export default () => {
  const rows = [];
  for (let i = 0; i < 300; i++) {
    const row = { id: i, name: names[i % 7], point: new Point(i, -i), tags: [i] };
    if (i % 3 === 0) row.third = true;
    if (i % 5 === 0) delete row.name;
    if (i % 7 === 0) Object.defineProperty(row, 'id', { value: -i, enumerable: i % 2 === 0 });
    if (i % 13 === 0) Object.setPrototypeOf(row, { inherited: i });
    if (i % 11 === 0) Object.freeze(row);
    Reflect.set(row, 'late', i);
    rows.push(row);
  }
  const wide = [grow(40), grow(40), grow(17), grow(16), grow(15, 3), grow(40)];
  // Cycles, and more than a collection of them needs to begin.
  let last = shared;
  for (let i = 0; i < 60_000; i++) {
    const node = { i, row: rows[i % rows.length], origin, last: null, text: `${i} ${'x'.repeat(100)}` };
    node.self = node;
    if (i % 20_000 === 0) last = Object.assign(node, { last });
  }
  const chain = [];
  for (let node = last; node; node = node.last) chain.push(node.i ?? node.text);
  // What the top level made may change, and be let go of.
  shared.list.push(4);
  shared.nested = null;
  shared.point = new Point(1, 2);
  registry.delete('origin');
  origin.x = 5;
  delete origin.y;
  names[0] += '!';
  Point.prototype.z = 3;
  return {
    rows: rows.filter((_, i) => i % 23 === 0 || i < 4), keys: [...new Set(rows.map((row) => Object.keys(row).join()))], inherited: rows.filter((row) => row.inherited !== undefined).length,
    wide: wide.map((object) => [Object.keys(object).length, Object.keys(object).at(-1), Object.values(object).at(-1)]), chain, shared, origin, size: registry.size, first: names[0], sum: new Point(3, 4).sum + rows[2].point.z,
    copies: copies(), weak: typeof weak.deref(), entries: Object.entries({ ...wide[3], ...shared.point }).length,
  };
};
