// An iterator whose next() fails is not closed; one whose loop body fails, or breaks off, is.
export default async () => {
  const results = {};
  const attempt = async (name, next, body = () => {}) => {
    const log = [];
    const iterable = { [Symbol.asyncIterator]: () => ({ next, return() { log.push('closed'); return {}; } }) };
    try {
      for await (const item of iterable) {
        if (body(item)) break;
      }
    } catch (error) {
      log.push(error.message);
    }
    results[name] = log;
  };
  const item = () => Promise.resolve({ value: 1, done: false });
  let left = 3;
  await attempt('next rejects', () => Promise.reject(new Error('rejected')));
  await attempt('next throws', () => { throw new Error('thrown'); });
  await attempt('next gives no object', () => 1);
  await attempt('done throws', () => ({ get done() { throw new Error('done'); } }));
  await attempt('body throws', item, () => { throw new Error('body'); });
  await attempt('body breaks off', item, () => true);
  await attempt('runs to its end', () => ({ value: left, done: left-- === 0 }));
  const copies = await Array.fromAsync([Promise.resolve(1), 2]);
  async function* numbers() { yield* [Promise.resolve(3), 4]; }
  for await (const n of numbers()) copies.push(n);
  return { ...results, left, copies };
};
