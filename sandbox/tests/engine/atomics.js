// Atomics on buffers of both kinds: every operation, what is refused, and no waiting.
const thrown = (what) => { try { return String(what()); } catch (error) { return error.name; } };
const operations = (buffer) => {
  const found = [];
  for (const C of [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
    const view = new C(buffer);
    view[0] = 5;
    found.push([Atomics.add(view, 0, 250), Atomics.sub(view, 0, 1), Atomics.and(view, 0, 0x7e), Atomics.or(view, 0, 1), Atomics.xor(view, 0, 3), Atomics.exchange(view, 0, -1),
      Atomics.compareExchange(view, 0, -1, 7), Atomics.load(view, 0), Atomics.store(view, 0, 3.7), view[0]].join());
  }
  for (const C of [BigInt64Array, BigUint64Array]) {
    const view = new C(buffer);
    view[0] = 5n;
    found.push([Atomics.add(view, 0, -6n), Atomics.exchange(view, 0, 2n ** 63n), Atomics.load(view, 0), Atomics.store(view, 0, 1n)].join());
  }
  return found;
};

export default () => {
  const fixed = new Int32Array([1, 2]).buffer.transferToImmutable();
  const view = new Int32Array(fixed);
  const own = new Int32Array(2), shared = new Int32Array(new SharedArrayBuffer(8));
  return {
    own: operations(new ArrayBuffer(8)),
    same: String(operations(new SharedArrayBuffer(8))) === String(operations(new ArrayBuffer(8))),
    immutable: ['add', 'and', 'exchange', 'or', 'store', 'sub', 'xor', 'compareExchange'].map((name) => thrown(() => Atomics[name](view, 0, 9, 9))),
    left: [...view, Atomics.load(view, 1)],
    range: thrown(() => Atomics.load(own, 2)),
    kind: thrown(() => Atomics.add(new Float64Array(1), 0, 1)),
    wait: [thrown(() => Atomics.wait(own, 0, 0)), thrown(() => Atomics.wait(shared, 0, 0, 1)), thrown(() => Atomics.wait(shared, 0, 1, 0))],
    notify: [Atomics.notify(own, 0), Atomics.notify(shared, 0, 1)],
    grown: (() => {
      const buffer = new SharedArrayBuffer(4, { maxByteLength: 1 << 16 });
      const view = new Int32Array(buffer);
      view[0] = 7;
      buffer.grow(1 << 16);
      view[view.length - 1] = 8;
      return [buffer.growable, buffer.byteLength, view.length, Atomics.load(view, 0), view[1], view.at(-1), thrown(() => buffer.grow(4)), thrown(() => buffer.grow(1 << 17))];
    })(),
    more: [typeof Atomics.waitAsync, Atomics.isLockFree(4), Atomics.isLockFree(3), String(Atomics), thrown(() => Atomics.pause())],
  };
};
