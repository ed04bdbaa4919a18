// Lists of every kind of element, sorted as they are and by a comparator.
const next = (seed) => (seed * 1103515245 + 12345) % 2147483648;

const numbers = (count, from) => {
  const all = [];
  for (let seed = from; all.length < count; ) all.push((seed = next(seed)) % 997 - 400);
  return all;
};

const digest = (list) => Array.from(list).reduce((sum, item, index) => (sum * 31 + Number(item) * (index + 1)) % 1000003, 7);
const isSorted = (list) => list.every((item, index) => index === 0 || list[index - 1] <= item);

export default () => {
  const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array];
  const typed = kinds.map((Kind) => {
    const list = Kind.from(numbers(300, Kind.BYTES_PER_ELEMENT), (n) => n / 2);
    return [Kind.name, digest(list.toSorted()), isSorted(list.toSorted()), digest(list.toSorted((a, b) => b - a)), digest(list.sort((a, b) => (a % 10) - (b % 10)))];
  });
  const big = [BigInt64Array, BigUint64Array].map((Kind) => {
    const list = Kind.from(numbers(50, 3), (n) => BigInt(n) * 12345678901n);
    return [Kind.name, list.toSorted().slice(0, 3).join(), list.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)).slice(0, 3).join()];
  });
  const special = new Float64Array([0, NaN, -0, 3, -Infinity, -0, 0, Infinity, NaN, -1]).sort();
  const lengths = Array.from({ length: 40 }, (_, length) => [Int16Array.from(numbers(length, 9)).sort(), numbers(length, 9).sort((a, b) => a - b)].map(digest).join());
  const rows = numbers(500, 5).map((key, index) => ({ key: key % 20, index, text: String(key) }));
  const shrinking = new Int32Array(new ArrayBuffer(40, { maxByteLength: 40 }));
  shrinking.set(numbers(10, 2));
  shrinking.sort((a, b) => (shrinking.buffer.resize(12), a - b));
  return {
    typed,
    big,
    special: Array.from(special, (n) => (Object.is(n, -0) ? '-0' : String(n))).join(' '),
    lengths,
    stable: digest(rows.toSorted((a, b) => a.key - b.key).map((row) => row.index)),
    texts: rows.map((row) => row.text).sort().slice(0, 9).join(' '),
    equal: digest(new Uint8Array(200).fill(7).sort()),
    falling: digest(Int32Array.from({ length: 999 }, (_, n) => -n).sort()),
    organ: digest(Float32Array.from({ length: 999 }, (_, n) => Math.min(n, 999 - n)).sort()),
    shrunk: shrinking.length,
  };
};
