// structuredClone, as the HTML standard has it: what is copied and how, in what order, what is moved, and what is refused.
// But for the texts of messages, and where a comment says so, as Node 20 has it.
const results = {};
const it = (name, what) => {
  try {
    results[name] = what() ?? null;
  } catch (error) {
    results[name] = error instanceof DOMException ? `${error.name} ${error.code}: ${error.message}` : `${error.name}: ${error.message}`;
  }
};
const clone = structuredClone;
const names = (object) => Object.getOwnPropertyNames(object).join();

function plain() {
  it('class', () => { class A { #p = 1; x = 2; get y() { return 3; } m() {} } const copy = clone(new A()); return [copy, copy.constructor === Object, names(copy)]; });
  it('no prototype', () => Object.getPrototypeOf(clone(Object.create(null))) === Object.prototype);
  it('key __proto__', () => names(clone(JSON.parse('{"__proto__": 1}'))));
  it('not enumerable', () => names(clone(Object.defineProperty({ a: 1 }, 'b', { value: 2 }))));
  it('symbol keys', () => Object.getOwnPropertySymbols(clone({ [Symbol('id')]: 1 })).length);
  it('getter', () => clone({ net: 100, get gross() { return 119; } }));
  it('order of getters', () => { const log = []; clone({ get a() { log.push('a'); return { get x() { log.push('x'); return 1; } }; }, get b() { log.push('b'); return 2; } }); return log; });
  it('deleted by a getter', () => clone({ get a() { delete this.b; return 1; }, b: 2 }));
  it('added by a getter', () => clone({ get a() { this.z = 1; return 1; }, b: 2 }));
  it('replaced by a getter', () => clone({ get a() { this.b = { fresh: true }; return {}; }, b: { old: true } }));
  it('a getter throws', () => clone({ get a() { throw new TypeError('mine'); } }));
  it('array', () => { const a = [1, , 3]; a.total = 4; a.length = 6; const copy = clone(a); return [copy.length, Object.keys(copy), copy.total]; });
  it('array of a class', () => { class List extends Array {} return clone(List.from([1, 2])).constructor === Array; });
  it('sparse', () => { const a = []; a[4e9] = 1; const copy = clone(a); return [copy.length, Object.keys(copy)]; });
  it('frozen', () => Object.isFrozen(clone(Object.freeze({ a: 1 }))));
  it('cycle', () => { const v = { list: [] }; v.list.push(v); const copy = clone(v); return copy.list[0] === copy && copy !== v; });
  it('shared', () => { const v = {}; const copy = clone([v, v, { v }]); return copy[0] === copy[1] && copy[2].v === copy[0]; });
  // Node: a RangeError.
  it('deep', () => { let v = []; for (let n = 0; n < 50000; n++) v = [v]; return clone(v).length; });
  it('namespace objects', () => [clone(Math), clone(JSON), clone(Reflect), clone(Atomics)]);
}

function leaves() {
  it('primitives', () => [1, 'a', true, null, undefined, -0, NaN].every((v) => Object.is(clone(v), v)) && clone(5n) === 5n);
  it('wrappers', () => [1, 'ab', true, 1n].every((v) => { const copy = clone(Object(v)); return typeof copy === 'object' && copy.valueOf() === v; }));
  it('fields of a wrapper', () => names(clone(Object.assign(Object('ab'), { x: 1 }))));
  it('date', () => { const copy = clone(Object.assign(new Date(5), { x: 1 })); return [copy.getTime(), names(copy)]; });
  it('invalid date', () => String(clone(new Date(NaN))));
  it('pattern', () => { const pattern = /a(?<b>c)/dgimsy; pattern.lastIndex = 3; const copy = clone(pattern); return [String(copy), copy.lastIndex, copy.exec('AC').groups.b]; });
  it('lone surrogate', () => clone({ '\ud800': '\udfff' })['\ud800'] === '\udfff');
}

function errors() {
  for (const C of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) it(C.name, () => { const copy = clone(new C('m')); return [copy instanceof C, copy.name, copy.message, Object.prototype.toString.call(copy)]; });
  it('AggregateError', () => { const copy = clone(new AggregateError([1], 'm', { cause: 3 })); return [copy.name, copy.constructor.name, copy.message, copy.cause, 'errors' in copy]; });
  it('error of a class', () => { class My extends RangeError { extra = 1; } const copy = clone(new My('m')); return [copy.name, copy.constructor.name, 'extra' in copy]; });
  it('name of another', () => { const error = new Error('m'); error.name = 'TypeError'; return clone(error).constructor.name; });
  it('name of its own', () => { const error = new Error('m'); error.name = 'Mine'; return clone(error).name; });
  it('name that is no text', () => { const error = new TypeError('m'); error.name = 1; return clone(error).name; });
  it('no message', () => Object.hasOwn(clone(new Error()), 'message'));
  it('message made text', () => { const error = new Error('m'); error.message = { toString: () => 'text' }; return clone(error).message; });
  it('message by a getter', () => { const error = new Error('m'); Object.defineProperty(error, 'message', { get: () => 'g' }); return Object.hasOwn(clone(error), 'message'); });
  it('stack', () => { const error = new Error('m'); return clone(error).stack === error.stack && error.stack.length > 0; });
  it('cause', () => { const copy = clone(new Error('m', { cause: new TypeError('why', { cause: [1] }) })); return [copy.cause.name, copy.cause.message, copy.cause.cause, Object.keys(copy)]; });
  // Node cannot read this one again.
  it('cause of itself', () => { const error = new Error('m'); error.cause = error; const copy = clone(error); return copy.cause === copy && copy !== error; });
  it('enumerable', () => Object.keys(clone(new Error('m'))));
  // Node 20 gives an empty object.
  it('DOMException', () => { const copy = clone(new DOMException('m', 'AbortError')); return [copy instanceof DOMException, copy.name, copy.message, copy.code]; });
}

function collections() {
  it('map', () => { const key = { k: 1 }; const copy = clone({ key, map: new Map([[key, [1]], ['a', key]]) }); return [copy.map.get(copy.key), copy.map.get('a') === copy.key, copy.map.size]; });
  it('set', () => { const copy = clone(new Set([1, { a: 1 }, 'x'])); return [[...copy], copy.constructor === Set]; });
  it('fields of a map', () => Object.keys(clone(Object.assign(new Map(), { x: 1 }))));
  it('map in itself', () => { const map = new Map(); map.set(map, map); const copy = clone(map); return copy.get(copy) === copy; });
  it('order in a map', () => { const log = []; const note = (name) => ({ get [name]() { log.push(name); return 1; } }); clone(new Map([[note('k1'), note('v1')], [note('k2'), 2]])); return log; });
  it('map that grows', () => { const map = new Map(); map.set('a', { get g() { map.set('b', 1); map.delete('c'); return 1; } }); map.set('c', 1); return [...clone(map).keys()]; });
  it('in collections', () => { const copy = clone(new Map([['e', new Error('x')], ['v', new Set([new DataView(new ArrayBuffer(3))])]])); return [copy.get('e').message, [...copy.get('v')][0].byteLength]; });
}

function buffers() {
  it('buffer', () => { const buffer = new Uint8Array([1, 2, 3]).buffer; const copy = clone(buffer); new Uint8Array(buffer)[0] = 9; return [...new Uint8Array(copy)]; });
  it('resizable', () => { const copy = clone(new ArrayBuffer(4, { maxByteLength: 8 })); return [copy.resizable, copy.maxByteLength, copy.byteLength]; });
  it('view that follows', () => { const copy = clone(new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))); copy.buffer.resize(8); return copy.length; });
  it('one buffer', () => { const buffer = new ArrayBuffer(8); const copy = clone({ a: new Uint8Array(buffer), b: new DataView(buffer, 2), c: buffer }); return [copy.a.buffer === copy.b.buffer, copy.c === copy.a.buffer, copy.b.byteOffset, copy.b.byteLength]; });
  it('part', () => { const copy = clone(new Uint16Array(new ArrayBuffer(8), 2, 2)); return [copy.byteOffset, copy.length, copy.buffer.byteLength]; });
  for (const C of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array]) it(C.name, () => { const copy = clone(new C([1, 2, 250])); return [copy.constructor === C, ...copy]; });
  it('BigInt64Array', () => String(clone(new BigInt64Array([-1n, 2n]))));
  it('fields of a view', () => Object.keys(clone(Object.assign(new Uint8Array(1), { x: 1 }))));
  it('beyond the end', () => { const buffer = new ArrayBuffer(8, { maxByteLength: 8 }); const view = new Uint8Array(buffer, 4, 4); buffer.resize(2); return clone({ view }); });
  it('detached', () => { const buffer = new ArrayBuffer(8); clone(0, { transfer: [buffer] }); return clone([buffer]); });
  it('view of it', () => { const view = new Uint8Array(8); clone(0, { transfer: [view.buffer] }); return clone(view); });
}

function moved() {
  it('moved', () => { const buffer = new Uint8Array([1, 2]).buffer; const copy = clone({ buffer, view: new Uint8Array(buffer) }, { transfer: new Set([buffer]) }); return [buffer.byteLength, buffer.detached, [...copy.view], copy.view.buffer === copy.buffer]; });
  it('moved, written by a getter', () => { const buffer = new ArrayBuffer(2); const copy = clone({ buffer, get g() { new Uint8Array(buffer)[1] = 7; return 1; } }, { transfer: [buffer] }); return [...new Uint8Array(copy.buffer)]; });
  it('moved, not named', () => { const buffer = new ArrayBuffer(8); clone(1, { transfer: [buffer] }); return buffer.byteLength; });
  it('not moved when refused', () => { const buffer = new ArrayBuffer(8); try { clone(() => 1, { transfer: [buffer] }); } catch { /* refused */ } return buffer.byteLength; });
  it('named twice', () => { const buffer = new ArrayBuffer(8); return clone(buffer, { transfer: [buffer, buffer] }); });
  it('moved before', () => { const buffer = new ArrayBuffer(8); clone(1, { transfer: [buffer] }); return clone(1, { transfer: [buffer] }); });
  // Node: TypeErrors.
  it('a view to move', () => { const view = new Uint8Array(8); return clone(view, { transfer: [view] }); });
  it('an object to move', () => clone(1, { transfer: [{}] }));
  it('a number to move', () => clone(1, { transfer: [1] }) ?? 0);
  it('no list', () => clone(1, { transfer: 5 }));
  it('no options', () => [clone(1, null), clone(1, undefined), clone(1, {}), clone(1, { transfer: undefined })]);
  it('options that are none', () => clone(1, 1));
}

function refused() {
  it('nothing', () => clone());
  it('function', () => clone(() => 1));
  it('named function', () => clone({ order: { lines: [{ price: function total() {} }] } }));
  it('class itself', () => clone({ a: class Foo {} }));
  it('symbol', () => clone({ 'a key': [Symbol('x')] }));
  it('symbol as an object', () => clone(Object(Symbol('x'))));
  it('promise', () => clone({ order: Promise.resolve() }));
  it('proxy', () => clone([new Proxy({}, {})]));
  it('weak', () => clone(new WeakMap()));
  it('generator', () => clone((function* () {})()));
  it('iterator', () => clone([].values()));
  it('arguments', () => clone((function () { return arguments; })(1)));
  it('strict arguments', () => clone((function () { 'use strict'; return arguments; })(1)));
  it('the global object', () => clone(globalThis));
  it('in a map', () => clone(new Map([['a', 1], ['b', { f() {} }]])));
  it('in a set', () => clone({ all: new Set([1, () => 1]) }));
  it('in a cause', () => clone(new Error('m', { cause: { f() {} } })));
  it('with NUL and a long name', () => clone({ ['\0' + 'n'.repeat(500)]: () => 1 }));
  it('length and name', () => [structuredClone.length, structuredClone.name]);
}

export default () => {
  for (const part of [plain, leaves, errors, collections, buffers, moved, refused]) part();
  return results;
};
