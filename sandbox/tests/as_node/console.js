// Values of all kinds, and calls with formats: each is one line of the log, as Node prints it.
class Order { constructor(){ this.id = 7; this.lines = [{name:'Chair',price:129.9},{name:'Lamp',price:49.95}]; } }
class Base {} class Derived extends Base { static x = 1; get total() { return 1; } }
class Plain { }
Plain.prototype[Symbol.toStringTag] = 'Nice';
class MyMap extends Map {} class MyArr extends Array {} class MySet extends Set {} class MyDate extends Date {} class MyRe extends RegExp {} class MyPromise extends Promise {} class MyU8 extends Uint8Array {}
const circ = { name: 'c' }; circ.self = circ; circ.list = [circ, { circ }];
const two = { a: {}, b: {} }; two.a.b = two.b; two.b.a = two.a;
const arr = [1, 2]; arr.push(arr);
const arrProps = [1, 2]; arrProps.x = 'y'; arrProps[-1] = 'neg';
const nullProto = Object.assign(Object.create(null), { a: 1 });
const fnProps = Object.assign(function named() {}, { a: 1, b: [1] });
const sparse = []; sparse[5] = 1; sparse[1000000] = 2; sparse[4000000000] = 3;
const hidden = Object.defineProperty({ a: 1 }, 'h', { value: 2 });
const sealed = Object.freeze({ a: 1 });
const date = new Date(1700000000000);
const dateProps = Object.assign(new Date(0), { x: 1 });
const reProps = Object.assign(/a/g, { x: 1 });
const mapIt = new Map([['a', 1], ['b', { c: 2 }]]);
const acc = { get g() { return 1; }, set s(v) {}, get b() { return 1; }, set b(v) {} };
const symDesc = { [Symbol()]: 1, [Symbol('a b')]: 2, [Symbol.iterator]: 3 };
const long = 'lorem ipsum dolor sit amet '.repeat(5);
const custom = { [Symbol.for('nodejs.util.inspect.custom')]() { return 'custom!'; } };
const customObj = { [Symbol.for('nodejs.util.inspect.custom')]() { return { shown: 1 }; } };
const values = [
  1, -0, 0, 1.5, NaN, -Infinity, 1e21, 1e-7, 10n, -5n, true, null, undefined, 'text', "it's", 'a "b"', Symbol('s'), Symbol(), Symbol.iterator,
  [], {}, [[]], [{}], { a: {} }, { a: [] }, [undefined, null], [1, , 3], [, ], [, , 1], sparse, [1, 2, 3, 4, 5, 6, 7], Array(3), Array(150).fill(0),
  Array.from({ length: 101 }, (_, i) => i), Array.from({ length: 27 }, (_, i) => 'item ' + i), Array.from({ length: 10 }, (_, i) => ({ i })), Array.from({ length: 120 }, (_, i) => i % 2 ? 'x' : i),
  Array.from({ length: 30 }, (_, i) => i * 1000), [1.5, 22.25, 333.125, 4, 5, 6, 7, 8], ['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff', 'ggggggg'], [1n, 2n, 3n, 4n, 5n, 6n, 70000n], [-1, -22, 3, 4, 5, 6, 7],
  { a: 1, b: 'two', c: [3], d: { e: { f: { g: 1 } } } }, { 'a-b': 1, '1a': 2, a1: 3, $x: 4, _y: 5, 'ü': 6, 12: 7, '': 8, "it's": 9, '__proto__x': 1 }, { ['__proto__']: 1 },
  { a: "it's", b: 'say "hi"', c: `both ' and "`, d: `all ' " \``, e: 'line\nbreak', f: 'tab\t\u0001\u007f\u0080', g: '\ud800', h: '😀', i: 'back\\slash' },
  { long }, [long, long], { short: 1, long, nested: { long } }, { text: 'a\n'.repeat(20) }, ['multi\nline that is quite long so that it does not fit into a line of seventy or so', 'x'],
  { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12, m: 13, n: 14, o: 15, p: 16, q: 17, r: 18 },
  { customer: { name: 'Ada', tier: 'gold' }, lines: [{ name: 'Chair', price: 129.9, count: 2 }, { name: 'Lamp', price: 49.95, count: 1 }], status: 'open', due: '2026-03-31T10:00:00Z' },
  [[1, 2, [3, 4, [5, [6]]]], { a: { b: { c: { d: 1 } } } }], { a: [{ b: { c: {} } }] }, { a: [[['deep']]] },
  new Order(), Order, Derived, Base, class {}, class extends Base {}, new Derived(), new Plain(), Order.prototype, Derived.prototype, Object.prototype, Array.prototype, Function.prototype,
  function f() {}, () => {}, async () => {}, async function af() {}, function* g() {}, async function* ag() {}, fnProps, Math.max, (function () {}).bind(null), function () {}, [function f() {}, () => 1],
  Object.create(null), nullProto, Object.create({ a: 1 }), Object.create(Base.prototype), Object.create(nullProto), Object.setPrototypeOf([1], null), Object.setPrototypeOf(new Map([[1, 2]]), null),
  circ, two, arr, arrProps, [circ, circ], { x: circ, y: circ },
  new Map(), new Map([['a', 1], [{ k: 1 }, [1, 2]]]), new Set(), new Set([1, 'a', { b: 1 }]), new Map([[new Map([[1, 2]]), new Set([new Set([1])])]]), new Set(Array.from({ length: 120 }, (_, i) => i)),
  new Map(Array.from({ length: 101 }, (_, i) => [i, i])), new WeakMap(), new WeakSet(), mapIt.keys(), mapIt.values(), mapIt.entries(), new Set([1, 2]).values(), new Set([5]).entries(), [1, 2][Symbol.iterator](), 'ab'[Symbol.iterator](),
  (function* () {})(), Object.assign(new Map([[1, 2]]), { extra: 1 }), new MyMap([[1, 2]]), new MySet([1]), MyArr.from([1, 2]), new MyArr(), new MyDate(0), new MyRe('a'), new MyU8(3),
  Promise.resolve(1), Promise.resolve({ a: [1] }), new Promise(() => {}), MyPromise.resolve(4), [Promise.resolve('x')], { p: new Promise(() => {}) }, Object.assign(Promise.resolve(1), { x: 1 }),
  date, new Date(NaN), [date], { date }, dateProps, /re/gi, [/x/], reProps,
  new Number(3), new Number(-0), new String('abc'), new Boolean(false), Object(Symbol('b')), Object(7n), Object.assign(new String('ab'), { x: 1 }), [new String("it's")],
  new Uint8Array([1, 2, 3]), new Uint8Array(0), new Float64Array([1.5, -0]), new BigInt64Array([1n, -2n]), new Uint8ClampedArray(200), new Int16Array(7), new ArrayBuffer(4), new Uint8Array([1, 255]).buffer, new ArrayBuffer(120), new SharedArrayBuffer(2), new DataView(new ArrayBuffer(3), 1),
  { bytes: new Uint8Array([1, 2]), buf: new ArrayBuffer(2) }, Object.assign(new Uint8Array(2), { x: 1 }),
  acc, [acc], symDesc, hidden, sealed, custom, [custom], { custom }, customObj, [customObj],
  new Proxy({ a: 1 }, {}), new Proxy([1, 2], {}), new Proxy(function pf() {}, {}), [new Proxy({ a: 1 }, { get() { throw 1; } })],
  (function () { return arguments; })(1, 'two'), globalThis.JSON, globalThis.Math, globalThis.Reflect, globalThis.Atomics, { [Symbol.toStringTag]: 'Own' }, { a: undefined, b: null, c: NaN },
  [['a', 1], ['b', 2]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[], [[]], [[[]]], [[[[]]]]], { f() {}, g: () => {}, async h() {}, *i() {}, j: class {} }, { 'key with space': { 'another-one': [1] } },
  [1.0, 2.5, 'mixed', null, undefined, true, { a: 1 }], [{ a: 1, b: 2 }, { a: 3, b: 4 }], { a: { b: 1 }, c: { d: 2 }, e: { f: 3 } }, { fn: fnProps }, [[{ a: { b: 1 } }]], 'x'.repeat(200), ['x'.repeat(200)], { s: 'x'.repeat(11000) },
];
const lists = [
  ['%s', 'a'], ['%s %s', 'a'], ['%s', 'a', 'b'], ['%d', 42], ['%d', '42.5'], ['%d', 'x'], ['%d', 5n], ['%d', {}], ['%i', 42.9], ['%i', '7px'], ['%f', '1.5abc'], ['%f', 'x'], ['%j', { a: [1] }], ['%j', circ], ['%j', undefined],
  ['%o', { a: { b: { c: { d: { e: 1 } } } } }], ['%O', { a: { b: { c: { d: 1 } } } }], ['%o', [1, 2]], ['%c styled', 'color: red'], ['%%'], ['%% %s', 'a'], ['100%', 1], ['%x', 1], ['%', 'a'], ['a%'], ['%s', null], ['%s', undefined], ['%s', Symbol('a')],
  ['%s', { a: { b: 1 } }], ['%s', [1, [2, [3]]]], ['%s', new Date(0)], ['%s', () => 1], ['%s', -0], ['%s', 12n], ['%s', new Order()], ['%s', { toString() { return 'own'; } }], ['%s', class A { toString() { return 'x'; } }], ['%s', new (class B { toString() { return 'b!'; } })()], ['%s', 'a', { b: 1 }, [2]],
  ['a', 'b', 1], ['a', { b: 1 }], [1, '%s', 'x'], [{ a: 1 }, '%d', 2], ['%s%s%s', 1, 2], ['%d%%', 50], ['%d %s %j %%', 1, 'x', { y: 1 }, 'rest'], [], [''], ['%s', true], ['%i', 9007199254740993n], ['%d', true], ['%f', null], ['%d', null], ['%d', ''], ['%O %O', { a: 1 }], ['%o', function ff(a) {}], ['%s', new Error('no stack here').message],
];

export default () => {
  for (const value of values) console.log(value);
  for (const list of lists) console.log(...list);
};
