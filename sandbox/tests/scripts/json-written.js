// What JSON.stringify gives of objects that are not as plain as they look, or not for long.
const log = [];
const withAccessor = { a: 1, get b() { return (log.push('b'), 2); } };
const hidden = Object.defineProperty({ a: 1, b: 2 }, 'a', { enumerable: false });
const deleted = { a: 1, b: 2, c: 3 };
delete deleted.b;
deleted.d = 4;
function growing() {
  const object = { first: { toJSON: () => { object.added = 1; object.last = 'changed'; delete object.middle; return 'first'; } }, middle: 1, last: 2 };
  return object;
}
function shrinking() {
  const list = [1, { toJSON: () => { list.length = 2; return 'cut'; } }, 3, 4];
  return list;
}
function unhashed() {
  const object = { a: 1, b: 2, c: { toJSON: () => { for (let i = 0; i < 40; i++) object[`k${i}`] = i; return 'c'; } }, d: 4 };
  delete object.b;
  object.e = 5;
  return object;
}
function converted() {
  const object = { a: { toJSON: () => (Object.defineProperty(object, 'last', { get: () => 'got', enumerable: true }), 'a') }, b: 1, last: 2 };
  return object;
}
function compacted() {
  const object = { a: { toJSON: () => { for (let i = 0; i < 18; i++) delete object[`k${i}`]; return 'a'; } } };
  for (let i = 0; i < 20; i++) object[`k${i}`] = i;
  return object;
}
function frozenLater() {
  const object = { a: { toJSON: () => { Object.freeze(object); return 1; } }, b: 2 };
  return object;
}
export default () => {
  const big = {};
  for (let i = 0; i < 30; i++) big[`key${i}`] = i;
  const values = {
    order: { b: 1, 1: 'one', a: 2, 0: 'zero', 4294967294: 'index', 4294967295: 'text', '01': 'text' },
    symbol: { [Symbol('s')]: 1, a: Symbol('v'), b: undefined, c: () => 1, d: null },
    withAccessor, hidden, deleted, growing: growing(), shrinking: shrinking(), unhashed: unhashed(), converted: converted(), compacted: compacted(), frozen: frozenLater(),
    holes: [, 1, undefined, () => 1, Symbol('x'), NaN, -0, Infinity],
    boxed: [new Number(3), new String('s'), new Boolean(false), Object(Symbol.iterator)],
    date: new Date(0), map: new Map([[1, 2]]), error: new Error('e'), bytes: new Uint8Array([1, 2]), proxy: new Proxy({ a: 1 }, {}), arrayProxy: new Proxy([1, 2], {}),
    inherited: Object.create({ a: 1 }, { b: { value: 2, enumerable: true } }), nothing: Object.create(null), array: Object.assign([1], { extra: 2 }),
    texts: ['', 'plain', 'é', '€', '😀', '\ud800', 'a"b\\c', '\n\t\b\f\r\u0001\u001f', '12345678"', '1234567\u0007', '\u007f\u0080\u2028', 'x'.repeat(20) + '"' + 'é'.repeat(9)],
    numbers: [0, 1, -1, 0.1, 1e21, 1e-7, 123456789.125, 2 ** 53, -(2 ** 31)],
    rope: 'a'.repeat(600) + log.join() + 'b'.repeat(600) + '"', big, empty: [{}, [], '', null, true, false], same: Array.from({ length: 4 }, (_, i) => ({ x: i, y: [i], z: { x: i } })),
  };
  const texts = [JSON.stringify(values), JSON.stringify(values, null, 1), JSON.stringify(values, ['a', 'b', 'order', 1, 'same', 'x']), JSON.stringify(values, (key, value) => (key === 'b' ? undefined : value))];
  Array.prototype.toJSON = function () { return `array of ${this.length}`; };
  Object.prototype.toJSON = function (key) { return `${key}: ${Object.keys(this).length} keys`; };
  texts.push(JSON.stringify([{ a: 1 }]), JSON.stringify({ a: 1 }));
  delete Array.prototype.toJSON;
  delete Object.prototype.toJSON;
  return { texts, log: log.length };
};
