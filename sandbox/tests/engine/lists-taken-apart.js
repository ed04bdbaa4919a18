// Lists that are taken apart and put together in every way, beside the same methods on an object that is no list, which go
// element by element: both must hold the same after each step. And what is no plain list keeps its rules.
const { shift, unshift, push, pop, splice, reverse, fill, copyWithin } = Array.prototype;

let state = 1;
const random = (below) => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return (state >> 8) % below;
};

const shown = (like) => {
  const parts = [];
  for (let index = 0; index < like.length; index++) parts.push(index in like ? String(like[index]) : 'hole');
  return parts.join();
};

const steps = [
  (to) => shift.call(to),
  (to) => shift.call(to),
  (to) => pop.call(to),
  (to, a, b) => push.call(to, a, b),
  (to, a) => push.call(to, a),
  (to, a) => unshift.call(to, a),
  (to, a, b) => unshift.call(to, a, b, `${a}`),
  (to, a, b, at) => shown(splice.call(to, at, b % 4)),
  (to, a, b) => shown(splice.call(to, 0, b % 4)),
  (to, a, b, at) => shown(splice.call(to, at, b % 3, a, `${b}`)),
  (to, a, b, at) => shown(splice.call(to, at)),
  (to, a, b, at) => shown(splice.call(to, -at, 2, a)),
  (to, a) => (to.length === 0 ? 0 : (to[a % to.length] = a)),
  (to) => shown(reverse.call(to)),
  (to, a, b, at) => shown(fill.call(to, a, at, at + 2)),
  (to, a, b, at) => shown(copyWithin.call(to, 0, at)),
  (to, a) => (a % 40 === 0 ? (to.length = 0) : 0),
  (to, a) => (to[to.length] = a, to.length++, 0),
  // From here on with holes.
  (to, a, b, at) => (delete to[at], 0),
  (to) => (to.length++, 0),
];
const GAPLESS = steps.length - 2;
const APPENDS = GAPLESS - 1;

// An object's length does not follow its elements.
const model = (from) => {
  const like = { length: from.length };
  from.forEach((value, index) => (like[index] = value));
  return like;
};

const trimmed = (like) => {
  for (const key of Object.keys(like)) if (key !== 'length' && key >= like.length) delete like[key];
};

const walk = (from, count, kinds) => {
  const list = from.slice();
  const like = model(from);
  for (let step = 0; step < count; step++) {
    const which = random(kinds);
    const [a, b, at] = [random(1000), random(1000), random(like.length + 2)];
    // Setting an element beyond the end makes a list longer, and an object not.
    const plain = which === APPENDS ? (list[list.length] = a, 0) : steps[which](list, a, b, at);
    const general = steps[which](like, a, b, at);
    trimmed(like);
    if (plain !== general || shown(list) !== shown(like) || list.length !== like.length) {
      return `step ${step}, ${steps[which]}: ${plain} and ${general}; ${shown(list)} and ${shown(like)}`;
    }
  }
  const copies = [[...list], list.slice(), list.concat(), Array.from(list), structuredClone(list), JSON.parse(JSON.stringify(list)), list.map((x) => x), list.toSpliced(0, 0)];
  const expected = JSON.stringify(list);
  const other = copies.findIndex((copy) => JSON.stringify(copy) !== expected);
  return other < 0 ? 'same' : `copy ${other}: ${JSON.stringify(copies[other])} of ${expected}`;
};

const queue = (size, count) => {
  const list = [];
  let [put, taken] = [0, 0];
  for (let index = 0; index < size; index++) list.push({ put: put++ });
  for (let index = 0; index < count; index++) {
    list.push({ put: put++ });
    if (list.shift().put !== taken++) return `at ${index}`;
  }
  while (list.length > 0) if (list.shift().put !== taken++) return `at the end, ${taken}`;
  return put === taken && list.shift() === undefined ? 'in order' : `${put} and ${taken}`;
};

const refusal = (act) => {
  try {
    return act();
  } catch (error) {
    return error.name;
  }
};

// At top level: what the image holds is taken apart in the job.
const kept = Array.from({ length: 100 }, (_, index) => index);
const shifted = Array.from({ length: 100 }, (_, index) => ({ index }));
for (let count = 0; count < 40; count++) shifted.shift();

export default () => {
  const walks = new Set();
  for (let size = 0; size < 60; size++) walks.add(walk(Array.from({ length: size * 3 }, (_, index) => index), 300, size % 3 ? GAPLESS : steps.length));

  class Special extends Array {}
  const special = Special.from([1, 2, 3, 4, 5]);
  const part = special.splice(0, 2);

  const frozen = Object.freeze([1, 2, 3]);
  const fixed = Object.defineProperty([1, 2, 3], 'length', { writable: false });
  const sealed = Object.seal([1, 2, 3]);
  const final = Object.preventExtensions([1, 2, 3]);

  const species = [1, 2, 3, 4];
  species.constructor = { [Symbol.species]: function () { return { kind: 'own' }; } };
  const own = species.splice(0, 2);

  const getters = [1, 2, 3, 4];
  const calls = [];
  Object.defineProperty(getters, 1, { get: () => (calls.push('get'), 'two'), set: (value) => calls.push(value), configurable: true });
  const gotten = getters.splice(0, 1);

  const holes = [1, , 3, , 5];
  Array.prototype[1] = 'from the prototype';
  const gaps = holes.splice(0, 2);
  const after = shown(holes);
  const short = [1, 2, 3];
  const first = short.shift();
  delete Array.prototype[1];

  const seen = [];
  const proxy = new Proxy([1, 2, 3], {
    get: (target, key) => (seen.push(String(key)), target[key]),
    set: (target, key, value) => (seen.push(`${String(key)}=${value}`), (target[key] = value), true),
    deleteProperty: (target, key) => (seen.push(`-${key}`), delete target[key]),
  });
  const traced = proxy.splice(0, 1);

  // A value whose conversion changes the list while it is spliced.
  const moving = [1, 2, 3, 4, 5, 6];
  const moved = moving.splice({ valueOf: () => (moving.length = 2, 0) }, 3);

  const iterated = [1, 2, 3, 4, 5, 6];
  const visited = [];
  for (const value of iterated) {
    visited.push(value);
    if (visited.length < 3) iterated.shift();
  }

  const items = [];
  while (kept.length > 0) items.push(kept.splice(0, 7).length);
  for (let count = 0; count < 200; count++) shifted.push({ index: 100 + count });
  const order = shifted.every(({ index }, at) => index === at + 40);
  shifted.splice(0, 250);

  function many() { shift.call(arguments); return [...arguments, arguments.length].join(); }
  const spread = Array.from({ length: 50 }, (_, index) => index);
  for (let count = 0; count < 45; count++) spread.shift();

  return {
    walks: [...walks],
    queues: [queue(0, 10), queue(10, 1000), queue(1000, 5000), queue(3000, 10)],
    special: [part instanceof Special, part.length, special.length, shown(special)],
    refused: [
      refusal(() => frozen.splice(0, 1)), refusal(() => frozen.shift()), shown(frozen),
      refusal(() => fixed.splice(0, 1)), refusal(() => fixed.shift()), shown(fixed), fixed.length,
      refusal(() => sealed.splice(0, 1)), refusal(() => sealed.shift()), shown(sealed),
      refusal(() => shown(final.splice(0, 1))), refusal(() => final.shift()), shown(final), refusal(() => final.push(1)),
    ],
    own: [own.kind, own[0], own[1], own.length, shown(species)],
    getters: [shown(gotten), shown(getters), calls.join()],
    holes: [shown(gaps), after, first, shown(short)],
    proxy: [shown(traced), seen.join(' ')],
    moved: [shown(moved), shown(moving)],
    visited: visited.join(),
    image: [items.join(), order, shifted.map(({ index }) => index).join()],
    spread: [many(...spread), Math.max(...spread), spread.join()],
    large: [refusal(() => splice.call({ length: 2 ** 53 - 1 }, 2 ** 53 - 3, 1).length), refusal(() => [].splice.call({ length: 5, 0: 'a' }, 0, 5).length)],
  };
};
