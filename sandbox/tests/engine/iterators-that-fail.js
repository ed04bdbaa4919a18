// Who takes from an iterator does not close it when it failed itself (its next(), done or value), and closes it when what is
// done with a value fails.
const iterator = (mode) => {
  let n = 0;
  const it = {
    closed: 0,
    [Symbol.iterator]() { return this; },
    next() {
      if (++n === 2 && mode === 'next') throw new Error('next');
      if (n === 2 && mode === 'primitive') return 1;
      if (n === 2 && mode === 'done') return { get done() { throw new Error('done'); } };
      if (n === 2 && mode === 'value') return { done: false, get value() { throw new Error('value'); } };
      return { done: n > 3, value: [{}, n] };
    },
    return() { it.closed++; return {}; },
  };
  return it;
};
const takers = {
  map: (it) => new Map(it),
  set: (it) => new Set(it),
  weakMap: (it) => new WeakMap(it),
  arrayFrom: (it) => Array.from(it),
  bytesFrom: (it) => Uint8Array.from(it),
  bytes: (it) => new Uint8Array(it),
  spread: (it) => [...it],
  call: (it) => Math.max(...it),
  destructured: (it) => { const [a, b, c, d] = it; },
  rest: (it) => { const [a, ...b] = it; },
  fromEntries: (it) => Object.fromEntries(it),
  aggregate: (it) => new AggregateError(it),
  forOf: (it) => { for (const value of it); },
  yieldStar: (it) => [...(function* () { yield* it; })()],
  group: (it) => Object.groupBy(it, () => 1),
  groupMap: (it) => Map.groupBy(it, () => 1),
  mapped: (it) => [...Iterator.from(it).map((value) => value)],
  reduced: (it) => Iterator.from(it).reduce((value) => value),
};
const failing = {
  arrayFrom: (it) => Array.from(it, () => { throw new Error('mine'); }),
  map: (it) => new Map({ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }), return: it.return }) }),
  destructured: (it) => { const [{ x: { y } }] = it; },
  group: (it) => Object.groupBy(it, () => { throw new Error('mine'); }),
  groupKey: (it) => Object.groupBy(it, () => ({ toString() { throw new Error('mine'); } })),
  groupMap: (it) => Map.groupBy(it, () => { throw new Error('mine'); }),
  mapped: (it) => [...Iterator.from(it).map(() => { throw new Error('mine'); })],
};
const ended = (take, it) => { try { take(it); return 'ran'; } catch (error) { return error.name; } };

export default () => {
  const wrong = [];
  for (const [name, take] of Object.entries(takers)) {
    for (const mode of ['next', 'primitive', 'done', 'value', 'none']) {
      const it = iterator(mode);
      const end = ended(take, it);
      const right = mode === 'none' ? 'ran' : mode === 'primitive' ? 'TypeError' : 'Error';
      if (it.closed !== 0 || (end !== right && name !== 'bytesFrom' && name !== 'bytes')) wrong.push(`${name} ${mode}: ${end}, closed ${it.closed}`);
    }
  }
  for (const [name, take] of Object.entries(failing)) {
    const it = iterator('none');
    const end = ended(take, it);
    if (it.closed !== 1 || end === 'ran') wrong.push(`${name} fails: ${end}, closed ${it.closed}`);
  }
  const strict = Object.groupBy([1], function () { 'use strict'; return String(this); });
  return { wrong, strict: Object.keys(strict) };
};
