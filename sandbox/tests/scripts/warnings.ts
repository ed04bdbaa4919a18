//@ {"entry": "forgottenAwait"}
//@ {"entry": "notAwaited"}
//@ {"entry": "inForEach"}
//@ {"entry": "chained"}
//@ {"entry": "timers"}
//@ {"entry": "raced"}
//@ {"entry": "members"}
//@ {"entry": "many"}
//@ {"entry": "unhandled"}
//@ {"entry": "quiet"}
async function loadRate(tier: string): Promise<number> {
  await sleep(5);
  return tier === 'gold' ? 0.9 : 1;
}
async function notify(): Promise<void> {
  await sleep(5);
  throw new Error('mail server is down');
}
export async function forgottenAwait(): Promise<unknown> {
  const rate: any = loadRate('gold');
  console.log('rate', rate);
  return { price: 100 * rate, rate };
}
export async function notAwaited(): Promise<unknown> {
  notify();
  return { ok: true };
}
export const inForEach = (): number => {
  [1, 2].forEach(async (ms) => {
    await sleep(ms);
  });
  return 2;
};
export async function chained(): Promise<number> {
  notify().catch(() => {});
  Promise.all([loadRate('a'), loadRate('b')]);
  sleep(1).then(() => console.log('never'));
  return 3;
}
export const timers = (): number => {
  setTimeout(function later() {}, 1);
  setTimeout(() => {}, 1, 'x');
  clearTimeout(setTimeout(() => {}, 1));
  setInterval(() => {}, 1);
  return 4;
};
const late = (ms: number) => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), ms));
export const raced = (): Promise<unknown> =>
  Promise.race([sleep(1), late(100), loadRate('c'), sleep(50).then(() => 'slow'), (async () => await late(70))()]);
export const members = (): unknown => ({
  nan: NaN, infinite: [1, -Infinity], 'a key': { undef: undefined, call() {}, symbol: Symbol('s') }, list: [undefined, , () => 1],
  map: new Map([[1, 2]]), set: new Set(), date: new Date(NaN), error: new TypeError('no'), bytes: new Uint8Array(2), pattern: /x/,
});
export const many = (): unknown => Array.from({ length: 25 }, () => NaN);
export const unhandled = (): number => {
  Promise.reject(new Error('nobody waits'));
  Promise.reject('a text');
  return 5;
};
export const quiet = (): unknown => {
  JSON.stringify({ undef: undefined, map: new Map() });
  return { date: new Date(0), money: { toJSON: () => NaN }, text: new String('s'), none: null, list: [[]], get computed() { return 1; } };
};
