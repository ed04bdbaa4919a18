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
    weak: typeof weak.deref(), entries: Object.entries({ ...wide[3], ...shared.point }).length,
  };
};
