// A synchronous iterator of promises is closed when one of them is rejected.
export default async () => {
  const log = [];
  const iterable = (value) => ({
    [Symbol.iterator]: () => ({
      next: () => ({ value: value(), done: false }),
      return() { log.push('closed'); return {}; },
    }),
  });
  const poisoned = Promise.resolve(1);
  Object.defineProperty(poisoned, 'constructor', { get() { throw new Error('poisoned'); } });
  for (const value of [() => Promise.reject(new Error('rejected')), () => poisoned]) {
    try {
      for await (const item of iterable(value)) log.push(item);
    } catch (error) {
      log.push(error.message);
    }
  }
  const finished = {
    [Symbol.iterator]: () => ({
      next: () => ({ value: Promise.reject(new Error('last')), done: true }),
      return() { log.push('not to be closed'); return {}; },
    }),
  };
  try {
    for await (const item of finished) log.push(item);
  } catch (error) {
    log.push(error.message);
  }
  return log;
};
