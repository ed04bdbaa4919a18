// What `cargo xtask bench growth` measures, in the sandbox and in Node: for each operation what makes its data, and what is
// done with it, about `n` times or once on something of size `n`. Its value is used, so that no compiler leaves it out.

const numbers = (n) => Array.from({ length: n }, (_, index) => index);
const half = (n) => n >> 1;
const scattered = (n) => {
  let state = 12345;
  return Array.from({ length: n }, () => (state = (state * 1103515245 + 12345) % 2147483648));
};
const texts = (n) => numbers(n).map((index) => `key-${index}`);
const records = (n) => scattered(n).map((id) => ({ id, name: `name ${id % 1000}` }));
const entries = (n) => texts(n).map((key, index) => [key, index]);
const dictionary = (n) => Object.fromEntries(entries(n));
const text = (n) => 'lorem ipsum, '.repeat(n / 13 + 1).slice(0, n);
const wide = (n) => 'лорем ипсум, '.repeat(n / 13 + 1).slice(0, n);
const lines = (n) => numbers(n).map((index) => `${index};some text;${index * 7}`).join('\n');
const rope = (n) => {
  let built = '';
  for (let index = 0; index < n; index++) built += index % 10;
  return built;
};
const holes = (n) => {
  const list = [];
  for (let index = 0; index < n; index++) list[index * 3] = index;
  return list;
};
const times = (n, act) => {
  let last;
  for (let index = 0; index < n; index++) last = act(index);
  return last;
};
function* counted(n) {
  for (let index = 0; index < n; index++) yield index;
}
const digits = (n) => '1234567890'.repeat(n / 10 + 1).slice(0, n);
const big = (n) => BigInt(`0x${'f1e2d3c4b5'.repeat(n / 10 + 1).slice(0, n)}`);
const nested = (n) => '['.repeat(Math.min(n, 1500)) + ']'.repeat(Math.min(n, 1500));
const nothing = () => undefined;
const count = (...all) => all.length;

const arrays = {
  push: [() => [], (list, n) => times(n, (index) => list.push(index))],
  pop: [numbers, (list, n) => times(n, () => list.pop())],
  shift: [numbers, (list, n) => times(n, () => list.shift())],
  'shift and push, as a queue': [numbers, (list, n) => times(n, (index) => (list.push(index), list.shift()))],
  'unshift': [() => [], (list, n) => times(n, (index) => list.unshift(index))],
  'unshift and pop, as a queue': [numbers, (list, n) => times(n, (index) => (list.unshift(index), list.pop()))],
  'splice(0, 1)': [numbers, (list, n) => times(n, () => list.splice(0, 1))],
  'splice(0, 100)': [numbers, (list, n) => times(n / 100, () => list.splice(0, 100))],
  'splice(0, 0, x)': [() => [], (list, n) => times(n, (index) => list.splice(0, 0, index))],
  'splice(0, 1, x)': [numbers, (list, n) => times(n, (index) => list.splice(0, 1, index))],
  'splice in the middle, 100 times': [numbers, (list) => times(100, () => list.splice(list.length >> 1, 1))],
  'splice in the middle, inserting, 100 times': [numbers, (list) => times(100, () => list.splice(list.length >> 1, 0, 1))],
  'splice(-1, 1)': [numbers, (list, n) => times(n, () => list.splice(-1, 1))],
  'splice(-100)': [numbers, (list, n) => times(n / 100, () => list.splice(-100))],
  'splice all': [numbers, (list) => list.splice(0)],
  'splice one half': [numbers, (list, n) => list.splice(half(half(n)), half(n))],
  'splice with many': [numbers, (list, n) => list.splice(half(n), 1, ...numbers(Math.min(n, 50000)))],
  'slice': [numbers, (list) => list.slice()],
  'slice in portions of 100': [numbers, (list, n) => times(n / 100, (index) => list.slice(index * 100, index * 100 + 100))],
  'concat': [numbers, (list) => list.concat(list)],
  'concat of many': [(n) => numbers(n / 10).map((index) => [index, index]), (lists) => [].concat(...lists.slice(0, 50000))],
  'indexOf': [numbers, (list) => list.indexOf(-1)],
  'lastIndexOf': [numbers, (list) => list.lastIndexOf(-1)],
  'includes': [numbers, (list) => list.includes(-1)],
  'includes of a text': [texts, (list) => list.includes('none')],
  'find': [records, (list) => list.find((record) => record.id < 0)],
  'findLast': [records, (list) => list.findLast((record) => record.id < 0)],
  'map, filter, reduce': [numbers, (list) => list.map((x) => x * 2).filter((x) => x % 3).reduce((a, b) => a + b, 0)],
  'flat': [(n) => numbers(n / 10).map(numbers.bind(null, 10)), (lists) => lists.flat()],
  'flatMap': [numbers, (list) => list.flatMap((x) => [x, x])],
  'sort numbers': [scattered, (list) => list.sort((a, b) => a - b)],
  'sort numbers, sorted': [numbers, (list) => list.sort((a, b) => a - b)],
  'sort numbers, reversed': [(n) => numbers(n).reverse(), (list) => list.sort((a, b) => a - b)],
  'sort numbers, equal': [(n) => Array(n).fill(1), (list) => list.sort((a, b) => a - b)],
  'sort numbers, few values': [(n) => scattered(n).map((x) => (x >> 8) % 8), (list) => list.sort((a, b) => a - b)],
  'sort numbers, a saw': [(n) => numbers(n).map((x) => x % 1000), (list) => list.sort((a, b) => a - b)],
  'sort numbers, an organ pipe': [(n) => numbers(n).map((x) => Math.min(x, n - x)), (list) => list.sort((a, b) => a - b)],
  'sort numbers as text': [scattered, (list) => list.sort()],
  'sort numbers as text, sorted': [numbers, (list) => list.sort()],
  'sort texts': [(n) => scattered(n).map(String), (list) => list.sort()],
  'sort texts, equal': [(n) => Array(n).fill('same'), (list) => list.sort()],
  'sort texts, localeCompare': [(n) => scattered(n).map(String), (list) => list.sort((a, b) => a.localeCompare(b))],
  'sort objects': [records, (list) => list.sort((a, b) => a.id - b.id)],
  'sort with holes': [holes, (list) => list.sort((a, b) => a - b)],
  'toSorted': [scattered, (list) => list.toSorted((a, b) => a - b)],
  'toSpliced': [numbers, (list) => list.toSpliced(0, 1)],
  'toReversed': [numbers, (list) => list.toReversed()],
  'with': [numbers, (list) => list.with(0, 1)],
  'reverse': [numbers, (list) => list.reverse()],
  'copyWithin': [numbers, (list, n) => list.copyWithin(0, half(n))],
  'fill': [numbers, (list) => list.fill(0)],
  'new Array, filled upwards': [(n) => new Array(n), (list, n) => times(n, (index) => (list[index] = index))],
  'new Array, filled downwards': [(n) => new Array(n), (list, n) => times(n, (index) => (list[n - 1 - index] = index))],
  'filled downwards': [() => [], (list, n) => times(n, (index) => (list[n - 1 - index] = index))],
  'length shortened by one': [numbers, (list, n) => times(n, () => list.length--)],
  'length to nothing': [numbers, (list) => (list.length = 0)],
  'spread': [numbers, (list) => [...list]],
  'spread of an object with many': [numbers, (list) => ({ ...list })],
  'destructuring the rest': [numbers, ([, ...rest]) => rest.length],
  'Array.from with a function': [nothing, (_, n) => numbers(n)],
  'Array.from a Set': [(n) => new Set(numbers(n)), (set) => Array.from(set)],
  'join': [numbers, (list) => list.join()],
  'holes: made': [nothing, (_, n) => holes(n)],
  'holes: forEach': [holes, (list) => list.forEach(nothing)],
  'holes: push and pop': [holes, (list, n) => times(n, () => (list.push(1), list.pop()))],
  'holes: pop': [holes, (list, n) => times(n, () => list.pop())],
  'holes: filter': [holes, (list) => list.filter(() => true)],
  'holes: delete upwards': [numbers, (list, n) => times(n, (index) => delete list[index])],
  'holes: delete downwards': [numbers, (list, n) => times(n, (index) => delete list[n - 1 - index])],
  'holes: length shortened': [holes, (list, n) => times(n, () => list.length--)],
  'entries': [numbers, (list) => { let sum = 0; for (const [index, value] of list.entries()) sum += index + value; return sum; }],
  'for in': [numbers, (list) => { let sum = 0; for (const index in list) sum += list[index]; return sum; }],
  'at(-1), pop until empty': [numbers, (list) => { let sum = 0; while (list.length) { sum += list.at(-1); list.pop(); } return sum; }],
  'a binary heap': [scattered, (list) => {
    const heap = [];
    for (const value of list) {
      let at = heap.push(value) - 1;
      while (at > 0 && heap[(at - 1) >> 1] > heap[at]) {
        const parent = (at - 1) >> 1;
        [heap[at], heap[parent]] = [heap[parent], heap[at]];
        at = parent;
      }
    }
    return heap[0];
  }],
};

const objects = {
  'text keys: made': [texts, (keys) => { const all = {}; for (const key of keys) all[key] = 1; return all; }],
  'text keys: read': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { let sum = 0; for (const key of keys) sum += all[key]; return sum; }],
  'text keys: counted': [texts, (keys) => { const all = {}; for (const key of keys) all[key] = (all[key] ?? 0) + 1; return all; }],
  'text keys: grouped': [records, (list) => { const all = {}; for (const { id, name } of list) (all[name] ??= []).push(id); return all; }],
  'number keys: made upwards': [nothing, (_, n) => { const all = {}; for (let key = 0; key < n; key++) all[key] = key; return all; }],
  'number keys: made downwards': [nothing, (_, n) => { const all = {}; for (let key = n; key > 0; key--) all[key] = key; return all; }],
  'number keys: scattered': [scattered, (keys) => { const all = {}; for (const key of keys) all[key] = key; return all; }],
  'number keys: Object.keys': [(n) => { const all = {}; for (const key of scattered(n)) all[key] = key; return all; }, Object.keys],
  'keys': [dictionary, (all) => Object.keys(all)],
  'values': [dictionary, (all) => Object.values(all)],
  'entries': [dictionary, (all) => Object.entries(all)],
  'fromEntries': [entries, (list) => Object.fromEntries(list)],
  'assign': [dictionary, (all) => Object.assign({}, all)],
  'spread': [dictionary, (all) => ({ ...all })],
  'spread with one more': [dictionary, (all) => ({ ...all, one: 1 })],
  'destructuring the rest': [dictionary, ({ none, ...rest }) => rest],
  'for in': [dictionary, (all) => { let sum = 0; for (const key in all) sum += all[key]; return sum; }],
  'for in, deleting': [dictionary, (all) => { let sum = 0; for (const key in all) { sum += all[key]; delete all[key]; } return sum; }],
  'for in with a prototype': [(n) => Object.setPrototypeOf(dictionary(n), { one: 1 }), (all) => { let sum = 0; for (const key in all) sum += all[key]; return sum; }],
  'delete upwards': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { for (const key of keys) delete all[key]; return all; }],
  'delete downwards': [(n) => [dictionary(n), texts(n).reverse()], ([all, keys]) => { for (const key of keys) delete all[key]; return all; }],
  'delete and add': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { for (const key of keys) { delete all[key]; all[`${key}+`] = 1; } return all; }],
  'add and delete one': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { for (const key of keys) { all.one = 1; delete all.one; } return all; }],
  'delete and add the same': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { for (const key of keys) { delete all[key]; all[key] = 1; } return all; }],
  'number keys: delete': [(n) => { const all = {}; for (let key = 0; key < n; key++) all[key] = key; return all; }, (all, n) => times(n, (key) => delete all[key])],
  'hasOwn, in': [(n) => [dictionary(n), texts(n)], ([all, keys]) => { let sum = 0; for (const key of keys) sum += Object.hasOwn(all, key) && key in all ? 1 : 0; return sum; }],
  'freeze': [dictionary, (all) => Object.freeze(all)],
  'Object.create(null)': [texts, (keys) => { const all = Object.create(null); for (const key of keys) all[key] = 1; return all; }],
  'symbol keys': [(n) => numbers(n).map(Symbol), (keys) => { const all = {}; for (const key of keys) all[key] = 1; return Object.getOwnPropertySymbols(all); }],
  'defineProperty': [texts, (keys) => { const all = {}; for (const key of keys) Object.defineProperty(all, key, { value: 1 }); return all; }],
  'getOwnPropertyDescriptors': [dictionary, (all) => Object.getOwnPropertyDescriptors(all)],
  'Object.groupBy': [records, (list) => Object.groupBy(list, ({ name }) => name)],
  'Object.groupBy, a group each': [numbers, (list) => Object.groupBy(list, (x) => `g${x}`)],
  'Map.groupBy': [records, (list) => Map.groupBy(list, ({ name }) => name)],
  'small objects': [nothing, (_, n) => numbers(n).map((id) => ({ id, name: 'a', price: 1 }))],
  'small objects, spread': [records, (list) => list.map((record) => ({ ...record, more: 1 }))],
  'small objects, of many shapes': [nothing, (_, n) => numbers(n).map((id) => ({ [`a${id}`]: id, b: id }))],
  'class instances': [nothing, (_, n) => { class Item { #id; name = 'a'; constructor(id) { this.#id = id; } get id() { return this.#id; } } return numbers(n).map((id) => new Item(id)); }],
  'a linked list': [nothing, (_, n) => { let head = null; for (let index = 0; index < n; index++) head = { index, next: head }; let sum = 0; for (let at = head; at; at = at.next) sum += at.index; return sum; }],
  'structuredClone, wide': [records, (list) => structuredClone(list)],
  'structuredClone of a dictionary': [dictionary, (all) => structuredClone(all)],
  'structuredClone of a Map': [(n) => new Map(entries(n)), (map) => structuredClone(map)],
  'a proxy': [(n) => new Proxy({}, {}), (proxy, n) => times(n, (index) => (proxy[`k${index}`] = index))],
};

const collections = {
  'Map: set texts': [texts, (keys) => { const map = new Map(); for (const key of keys) map.set(key, 1); return map; }],
  'Map: set numbers': [scattered, (keys) => { const map = new Map(); for (const key of keys) map.set(key, 1); return map; }],
  'Map: set fractions': [(n) => numbers(n).map((x) => x + 0.5), (keys) => { const map = new Map(); for (const key of keys) map.set(key, 1); return map; }],
  'Map: set objects': [records, (keys) => { const map = new Map(); for (const key of keys) map.set(key, 1); return map; }],
  'Map: set BigInts': [(n) => numbers(n).map((x) => BigInt(x) << 70n), (keys) => { const map = new Map(); for (const key of keys) map.set(key, 1); return map; }],
  'Map: get': [(n) => [new Map(entries(n)), texts(n)], ([map, keys]) => { let sum = 0; for (const key of keys) sum += map.get(key); return sum; }],
  'Map: delete upwards': [(n) => [new Map(entries(n)), texts(n)], ([map, keys]) => { for (const key of keys) map.delete(key); return map; }],
  'Map: as a queue': [(n) => new Map(entries(n)), (map) => { while (map.size) map.delete(map.keys().next().value); return map; }],
  'Map: as a queue that is refilled': [(n) => new Map(entries(n)), (map, n) => times(n, (index) => { map.delete(map.keys().next().value); map.set(index, 1); })],
  'Map: iterate while deleting': [(n) => new Map(entries(n)), (map) => { for (const [key] of map) map.delete(key); return map; }],
  'Map: iterate while adding': [(n) => new Map([[0, 0]]), (map, n) => { for (const [key] of map) if (key < n) map.set(key + 1, 0); return map; }],
  'Map: forEach': [(n) => new Map(entries(n)), (map) => { let sum = 0; map.forEach((value) => (sum += value)); return sum; }],
  'Map: spread': [(n) => new Map(entries(n)), (map) => [...map]],
  'Map: copied': [(n) => new Map(entries(n)), (map) => new Map(map)],
  'Map: clear': [(n) => new Map(entries(n)), (map) => map.clear()],
  'Set: add': [texts, (keys) => new Set(keys)],
  'Set: spread': [(n) => new Set(texts(n)), (set) => [...set]],
  'Set: as a queue': [(n) => new Set(texts(n)), (set) => { for (const first of set) set.delete(first); return set; }],
  'Set: as a queue, next': [(n) => new Set(texts(n)), (set) => { while (set.size) { const [first] = set; set.delete(first); } return set; }],
  'Set: union, intersection, difference': [(n) => [new Set(numbers(n)), new Set(numbers(half(n)))], ([a, b]) => [a.union?.(b), a.intersection?.(b), a.difference?.(b)]],
  'WeakMap': [records, (keys) => { const map = new WeakMap(); for (const key of keys) map.set(key, 1); let sum = 0; for (const key of keys) sum += map.get(key); return sum; }],
  'WeakMap: delete': [records, (keys) => { const map = new WeakMap(keys.map((key) => [key, 1])); for (const key of keys) map.delete(key); return map; }],
  'WeakMap: many for one key': [() => ({}), (key, n) => numbers(n).map(() => new WeakMap([[key, 1]])).length],
  'WeakSet': [records, (keys) => new WeakSet(keys)],
};

const strings = {
  '+= of a character': [nothing, (_, n) => rope(n)],
  '+= of a line': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all += `line ${index} of many\n`; return all.length; }],
  '+= of a long line': [nothing, (_, n) => { const line = 'many words '.repeat(60); let all = ''; for (let index = 0; index < n / 10; index++) all += line; return all.length; }],
  '+= in front of a long line': [nothing, (_, n) => { const line = 'many words '.repeat(60); let all = ''; for (let index = 0; index < n / 10; index++) all = line + all; return all.length; }],
  '+= of a wide character': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all += 'ж'; return all.length; }],
  '+= in front': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all = 'x' + all; return all.length; }],
  '+= in front of a line': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all = `line ${index} of many\n` + all; return all.length; }],
  '+= on both sides': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all = `<${all}>`; return all.length; }],
  '+= of a property': [() => ({ all: '' }), (object, n) => times(n, () => (object.all += 'line of text')).length],
  '+= in a reduce': [texts, (list) => list.reduce((all, item) => all + item + ',', '').length],
  '+= with its length': [nothing, (_, n) => { let all = ''; while (all.length < n) all += 'x'; return all; }],
  '+= compared with another': [nothing, (_, n) => { let all = ''; let other = 0; for (let index = 0; index < n; index++) { all += 'line of text'; if (all === '') other++; } return other; }],
  'concat': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all = all.concat('x', 'y'); return all.length; }],
  'a template': [nothing, (_, n) => { let all = ''; for (let index = 0; index < n; index++) all = `${all}${index},`; return all.length; }],
  'a tagged template': [nothing, (_, n) => times(n, (index) => count`a${index}b${index}`)],
  'String.raw': [nothing, (_, n) => times(n, (index) => String.raw`a${index}\n`)],
  'push and join': [texts, (list) => { const parts = []; for (const item of list) parts.push(item); return parts.join('').length; }],
  'charAt': [text, (all) => { let sum = 0; for (let index = 0; index < all.length; index++) sum += all.charAt(index) === ',' ? 1 : 0; return sum; }],
  'charAt on a rope': [rope, (all) => { let sum = 0; for (let index = 0; index < all.length; index++) sum += all.charAt(index) === ',' ? 1 : 0; return sum; }],
  '[index], at, charCodeAt on a rope': [rope, (all) => { let sum = 0; for (let index = 0; index < all.length; index++) sum += all.charCodeAt(index) + all.at(index) + all[index]; return sum; }],
  '[index] on a rope in an object': [(n) => ({ all: rope(n) }), (object, n) => { let sum = 0; for (let index = 0; index < n; index++) sum += object.all[index] === '1' ? 1 : 0; return sum; }],
  'codePointAt, wide': [wide, (all) => { let sum = 0; for (let index = 0; index < all.length; index++) sum += all.codePointAt(index); return sum; }],
  'for of': [wide, (all) => { let sum = 0; for (const letter of all) sum += letter === ',' ? 1 : 0; return sum; }],
  'spread': [text, (all) => [...all]],
  'split in characters': [text, (all) => all.split('')],
  'split in words': [text, (all) => all.split(' ')],
  'split by a long separator': [text, (all) => all.split('ipsum, ')],
  'split, wide': [wide, (all) => all.split(', ')],
  'split and join': [text, (all) => all.split('ipsum').join('dolor')],
  'split by a pattern': [text, (all) => all.split(/,\s*/)],
  'split in lines': [lines, (all) => all.split(/\r?\n/).map((line) => line.split(';'))],
  'slice from the front, by characters': [text, (all) => { let sum = 0; while (all) { sum++; all = all.slice(1); } return sum; }],
  'slice from the front, by words': [text, (all) => { let sum = 0; while (all) { sum++; all = all.slice(13); } return sum; }],
  'substring from the back': [text, (all) => { let sum = 0; while (all) { sum++; all = all.substring(0, all.length - 1); } return sum; }],
  'slice in portions of 100': [text, (all, n) => times(n / 100, (index) => all.slice(index * 100, index * 100 + 100)).length],
  'substring by indexOf': [text, (all) => { let sum = 0; let from = 0; for (let to; (to = all.indexOf(' ', from)) >= 0; from = to + 1) sum += all.substring(from, to).length; return sum; }],
  'indexOf, none': [text, (all) => all.indexOf('dolor')],
  'indexOf, almost': [(n) => 'a'.repeat(n), (all) => all.indexOf('aaaaaaaaab')],
  'indexOf, almost, long': [(n) => ['a'.repeat(n), 'a'.repeat(half(n)) + 'b'], ([all, long]) => all.indexOf(long)],
  'indexOf, almost at first, long': [(n) => ['a'.repeat(n), 'b' + 'a'.repeat(half(n))], ([all, long]) => all.indexOf(long)],
  'lastIndexOf, none': [text, (all) => all.lastIndexOf('dolor')],
  'lastIndexOf, almost, long': [(n) => ['a'.repeat(n), 'b' + 'a'.repeat(half(n))], ([all, long]) => all.lastIndexOf(long)],
  'includes of a wide text': [wide, (all) => all.includes('долор')],
  'startsWith': [text, (all, n) => { let sum = 0; for (let index = 0; index < n; index++) sum += all.startsWith('ipsum', index) ? 1 : 0; return sum; }],
  'replace of a text': [text, (all) => all.replace('none', 'x')],
  'replaceAll': [text, (all) => all.replaceAll('ipsum', 'dolor')],
  'replaceAll of a character': [text, (all) => all.replaceAll(' ', '')],
  'replaceAll by a function': [text, (all) => all.replaceAll('ipsum', (found) => found.length)],
  'replace until none': [(n) => text(Math.min(n, 100000)), (all) => { while (all.includes(',')) all = all.replace(',', ';'); return all; }],
  'trim': [(n) => ' '.repeat(n) + 'x' + ' '.repeat(n), (all) => all.trim()],
  'padStart': [nothing, (_, n) => 'x'.padStart(n, 'abc')],
  'repeat': [nothing, (_, n) => 'abc'.repeat(n)],
  'toUpperCase': [text, (all) => all.toUpperCase()],
  'toUpperCase, wide': [wide, (all) => all.toUpperCase()],
  'normalize': [(n) => 'e\u0301'.repeat(n), (all) => all.normalize('NFC').length],
  'normalize, many marks': [(n) => 'e' + '\u0301\u0323'.repeat(n), (all) => all.normalize('NFD').length],
  'localeCompare': [(n) => [text(n), text(n) + 'x'], ([a, b]) => a.localeCompare(b)],
  'compare ropes': [(n) => [rope(n), rope(n)], ([a, b]) => a === b],
  'compare ropes by order': [(n) => [rope(n), rope(n)], ([a, b]) => a < b],
  'encodeURIComponent': [wide, (all) => decodeURIComponent(encodeURIComponent(all)).length],
  'escape': [wide, (all) => unescape(escape(all)).length],
  'btoa, atob': [text, (all) => atob(btoa(all)).length],
  'String.fromCharCode, many': [(n) => numbers(Math.min(n, 50000)), (list) => String.fromCharCode(...list).length],
  'Number of digits': [digits, (all) => Number(all)],
  'Number of digits after the point': [(n) => `0.${digits(n)}`, (all) => Number(all)],
  'parseInt': [digits, (all) => parseInt(all, 10)],
  'parseInt, base 7': [(n) => '123456'.repeat(n / 6), (all) => parseInt(all, 7)],
  'parseFloat': [(n) => `1.${'0'.repeat(n)}1`, (all) => parseFloat(all)],
  'keys of long texts': [(n) => numbers(100).map((index) => text(n / 100) + index), (keys) => { const all = {}; for (const key of keys) all[key] = 1; return all; }],
};

const patterns = {
  'test, none': [text, (all) => /dolor/.test(all)],
  'test from the start': [text, (all, n) => times(n, () => /^dolor/.test(all))],
  'test from the start, two ways': [text, (all, n) => times(n, () => /^(?:dolor|sit)/.test(all))],
  'a lexer that slices': [text, (all) => { let sum = 0; while (all) { const [found] = /^\s+/.exec(all) ?? /^\w+/.exec(all) ?? /^./.exec(all); sum++; all = all.slice(found.length); } return sum; }],
  'a lexer that replaces': [(n) => text(Math.min(n, 100000)), (all) => { let sum = 0; while (all) { sum++; all = all.replace(/^\w+\W*/, ''); } return sum; }],
  'a lexer with y': [text, (all) => { const token = /\s+|\w+|./y; let sum = 0; while (token.exec(all)) sum++; return sum; }],
  'a lexer with g': [text, (all) => { const token = /\w+/g; let sum = 0; while (token.exec(all)) sum++; return sum; }],
  'exec with g, wide': [wide, (all) => { const token = /[а-я]+/g; let sum = 0; while (token.exec(all)) sum++; return sum; }],
  'exec with g and u': [wide, (all) => { const token = /\p{L}+/gu; let sum = 0; while (token.exec(all)) sum++; return sum; }],
  'exec on a rope': [rope, (all) => { const token = /9/g; let sum = 0; while (token.exec(all)) sum++; return sum; }],
  'lastIndex set': [text, (all, n) => { const token = /ipsum|lorem/g; let sum = 0; for (let index = 0; index < n; index += 13) { token.lastIndex = index; sum += token.exec(all)?.index ?? 0; } return sum; }],
  'match with g': [text, (all) => all.match(/\w+/g)],
  'matchAll': [text, (all) => [...all.matchAll(/(\w)(\w+)/g)]],
  'matchAll with names': [lines, (all) => [...all.matchAll(/^(?<id>\d+);(?<name>[^;]*);(?<more>.*)$/gm)].map(({ groups }) => groups.id)],
  'replace with g': [text, (all) => all.replace(/\s+/g, ' ')],
  'replace with g, $1': [text, (all) => all.replace(/(\w+), /g, '$1; ')],
  'replace with g by a function': [text, (all) => all.replace(/\w+/g, (word) => word.length)],
  'replace with g of nothing': [text, (all) => all.replace(/(?:)/g, '-')],
  'search': [text, (all) => all.search(/[A-Z]/)],
  'case ignored': [text, (all) => all.match(/IPSUM/gi)],
  'a class, repeated': [(n) => 'x'.repeat(n), (all) => /^[a-z]*$/.test(all)],
  'a group, repeated': [(n) => 'xy'.repeat(n), (all) => /^(?:xy)*$/.test(all)],
  'a captured group, repeated': [(n) => 'xy'.repeat(n), (all) => /^(xy)*$/.test(all)],
  'alternatives, repeated': [text, (all) => /^(?:\w|,|\s)*$/.test(all)],
  'lazy': [(n) => 'x'.repeat(n) + 'y', (all) => /^x*?y/.test(all)],
  'dot star': [lines, (all) => all.match(/.*;.*/g)],
  'trailing space': [text, (all) => all.replace(/\s+$/, '')],
  'lookbehind': [text, (all) => all.match(/(?<=lorem )\w+/g)],
  'lookahead': [text, (all) => all.match(/\w+(?=,)/g)],
  'a back reference': [text, (all) => all.match(/(\w)\1/g)],
  'lines with m': [lines, (all) => all.match(/^\d+/gm)],
  'a literal in a loop': [texts, (list) => { let sum = 0; for (const item of list) sum += /^key-(\d+)$/.exec(item)[1].length; return sum; }],
  'new RegExp in a loop': [texts, (list) => { let sum = 0; for (const item of list) sum += new RegExp(`^${item}$`).test(item) ? 1 : 0; return sum; }],
  'many alternatives': [(n) => [new RegExp(texts(n / 10).join('|')), text(100)], ([pattern, all]) => pattern.test(all)],
};

const json = {
  'parse, wide': [(n) => JSON.stringify(records(n)), (all) => JSON.parse(all)],
  'parse, numbers': [(n) => JSON.stringify(scattered(n)), (all) => JSON.parse(all)],
  'parse, a dictionary': [(n) => JSON.stringify(dictionary(n)), (all) => JSON.parse(all)],
  'parse, number keys': [(n) => JSON.stringify(Object.fromEntries(scattered(n).map((x) => [x, 1]))), (all) => JSON.parse(all)],
  'parse, a long text': [(n) => JSON.stringify(text(n)), (all) => JSON.parse(all)],
  'parse, escapes': [(n) => JSON.stringify('"\n'.repeat(n)), (all) => JSON.parse(all)],
  'parse, wide characters': [(n) => JSON.stringify([wide(n)]), (all) => JSON.parse(all)],
  'parse, a rope': [(n) => { let all = '[1'; for (let index = 0; index < n; index++) all += `,${index}`; return all + ']'; }, (all) => JSON.parse(all)],
  'parse, deep': [nested, (all) => JSON.parse(all)],
  'parse, lines': [(n) => records(n).map((record) => JSON.stringify(record)).join('\n'), (all) => all.split('\n').map((line) => JSON.parse(line))],
  'parse with a reviver': [(n) => JSON.stringify(records(n)), (all) => JSON.parse(all, (_, value) => value)],
  'parse with a reviver that deletes': [(n) => JSON.stringify(dictionary(n)), (all) => JSON.parse(all, (key, value) => (key ? undefined : value))],
  'stringify, wide': [records, (list) => JSON.stringify(list)],
  'stringify, numbers': [scattered, (list) => JSON.stringify(list)],
  'stringify, a dictionary': [dictionary, (all) => JSON.stringify(all)],
  'stringify, a long text': [wide, (all) => JSON.stringify(all)],
  'stringify, a rope': [rope, (all) => JSON.stringify(all)],
  'stringify, deep': [(n) => JSON.parse(nested(n)), (all) => JSON.stringify(all)],
  'stringify, indented': [records, (list) => JSON.stringify(list, null, 2)],
  'stringify with a function': [records, (list) => JSON.stringify(list, (_, value) => value)],
  'stringify with names': [(n) => [dictionary(n), texts(n)], ([all, names]) => JSON.stringify(all, names)],
  'stringify with toJSON': [(n) => numbers(n).map((x) => new Date(x)), (list) => JSON.stringify(list)],
};

const others = {
  'typed array: fill, reverse': [(n) => new Float64Array(n), (list) => list.fill(1).reverse()],
  'typed array: set': [(n) => new Uint8Array(n), (list) => list.set(new Uint8Array(list))],
  'typed array: set a list': [(n) => [new Uint8Array(n), numbers(n)], ([to, list]) => to.set(list)],
  'typed array: subarray': [(n) => new Uint8Array(n), (list, n) => times(n, (index) => list.subarray(index, index + 10)).length],
  'typed array: sort': [(n) => Float64Array.from(scattered(n)), (list) => list.sort()],
  'typed array: sort, sorted': [(n) => Float64Array.from(numbers(n)), (list) => list.sort()],
  'typed array: sort, compared': [(n) => Float64Array.from(scattered(n)), (list) => list.sort((a, b) => b - a)],
  'typed array: from a list': [numbers, (list) => Float64Array.from(list)],
  'typed array: indexOf': [(n) => new Int32Array(n), (list) => list.indexOf(1)],
  'DataView': [(n) => new DataView(new ArrayBuffer(n * 4)), (view, n) => times(n, (index) => view.setUint32(index * 4, index))],
  'BigInt: times': [big, (value) => value * value],
  'BigInt: plus': [big, (value) => value + value],
  'BigInt: divide': [(n) => [big(n), big(n / 2)], ([value, by]) => value / by],
  'BigInt: toString': [big, (value) => value.toString().length],
  'BigInt: toString(16)': [big, (value) => value.toString(16).length],
  'BigInt: parse': [digits, (all) => BigInt(all)],
  'BigInt: shift': [big, (value) => value << 1000n],
  'BigInt: small ones': [nothing, (_, n) => { let sum = 0n; for (let index = 0n; index < n; index++) sum += index * index; return sum; }],
  'Date: parse': [(n) => numbers(n).map((x) => new Date(x * 86400000).toISOString()), (list) => list.map((item) => new Date(item).getTime())],
  'Date: format': [(n) => numbers(n).map((x) => new Date(x * 86400000)), (list) => list.map((item) => item.toISOString() + item.getMonth())],
  'Date: setDate': [() => new Date(0), (date, n) => times(n, () => date.setDate(date.getDate() + 1))],
  'generator': [nothing, (_, n) => { let sum = 0; for (const value of counted(n)) sum += value; return sum; }],
  'generator: yield*': [nothing, (_, n) => { function* inner() { yield* counted(n); } let sum = 0; for (const value of inner()) sum += value; return sum; }],
  'generators, many': [nothing, (_, n) => numbers(n).map(() => counted(1)).map((one) => one.next())],
  'iterator: map, filter, take': [nothing, (_, n) => { const made = counted(n); return made.map ? made.map((x) => x * 2).filter((x) => x % 3).take(n).toArray() : n; }],
  'destructuring': [(n) => numbers(n).map((x) => [x, { x }]), (list) => { let sum = 0; for (const [a, { x }] of list) sum += a + x; return sum; }],
  'await in a loop': [nothing, async (_, n) => { let sum = 0; for (let index = 0; index < n; index++) sum += await index; return sum; }],
  'Promise.all': [numbers, async (list) => (await Promise.all(list.map(async (x) => x))).length],
  'Promise.allSettled': [numbers, async (list) => (await Promise.allSettled(list.map(async (x) => x))).length],
  'then, chained': [nothing, async (_, n) => { let chain = Promise.resolve(0); for (let index = 0; index < n; index++) chain = chain.then((x) => x + 1); return chain; }],
  'then, many on one': [nothing, async (_, n) => { let go; const gate = new Promise((resolve) => (go = resolve)); const all = numbers(n).map(() => gate.then((x) => x)); go(1); return (await Promise.all(all)).length; }],
  'for await': [nothing, async (_, n) => { async function* each() { for (let index = 0; index < n; index++) yield index; } let sum = 0; for await (const value of each()) sum += value; return sum; }],
  'closures': [nothing, (_, n) => { const all = []; for (let index = 0; index < n; index++) all.push(() => index); let sum = 0; for (const one of all) sum += one(); return sum; }],
  'closures over one': [nothing, (_, n) => { let shared = 0; const all = []; for (let index = 0; index < n; index++) all.push(() => shared++); for (const one of all) one(); return shared; }],
  'bind': [nothing, (_, n) => numbers(n).map((x) => count.bind(null, x)).length],
  'f(...many)': [(n) => numbers(Math.min(n, 50000)), (list) => count(...list)],
  'apply': [(n) => numbers(Math.min(n, 50000)), (list) => Math.max.apply(null, list)],
  'push(...many)': [(n) => numbers(Math.min(n, 50000)), (list) => [].push(...list)],
  'arguments': [nothing, (_, n) => { function last() { return arguments[arguments.length - 1]; } return times(n, (index) => last(1, 2, index)); }],
  'try and catch': [nothing, (_, n) => times(n, (index) => { try { throw new Error('no'); } catch (error) { return error.message; } })],
  'recursion': [nothing, (_, n) => times(n / 1000, () => { const down = (left) => (left ? down(left - 1) + 1 : 0); return down(1000); })],
  'recursion with a deep error': [nothing, (_, n) => { const down = (left) => { if (!left) throw new Error('deep'); down(left - 1); }; return times(n / 1000, () => { try { down(1000); } catch (error) { return error.stack.length; } }); }],
  'memory kept and thrown away': [records, (list, n) => { let last; for (let index = 0; index < n; index++) last = { index, list: [index] }; return last.index + list.length; }],
  'cycles': [nothing, (_, n) => times(n, (index) => { const one = { index }; one.self = one; return index; })],
  'Symbol.for': [texts, (list) => list.map(Symbol.for).length],
  'toFixed, toString': [nothing, (_, n) => { let sum = 0; for (let index = 0; index < n; index++) sum += (index / 7).toFixed(2).length + String(index / 7).length; return sum; }],
};

const groups = { arrays, objects, collections, strings, patterns, json, others };
export const operations = new Map(
  Object.entries(groups).flatMap(([group, all]) => Object.entries(all).map(([name, one]) => [`${group}: ${name}`, one])),
);

/** The sandbox's entry: the fuel of one operation, without what its data costs; the names of all operations without one. */
export default async ({ name, size }, ctx) => {
  if (name === undefined) return [...operations.keys()];
  const [prepare, run] = operations.get(name);
  const data = prepare(size);
  const before = ctx.budget;
  const value = run(data, size);
  if (value instanceof Promise) await value;
  return before - ctx.budget;
};
