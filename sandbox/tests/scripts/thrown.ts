//@ {"entry": "error"}
//@ {"entry": "causes"}
//@ {"entry": "own"}
//@ {"entry": "rejected"}
//@ {"entry": "later"}
//@ {"entry": "text"}
//@ {"entry": "object"}
//@ {"entry": "number"}
//@ {"entry": "nothing"}
//@ {"entry": "symbol"}
//@ {"entry": "aFunction"}
//@ {"entry": "aPromise"}
//@ {"entry": "circle"}
//@ {"entry": "surrogate"}
//@ {"entry": "many"}
//@ {"entry": "endless"}
interface Order {
  id: string;
  total: number;
}

class Refused extends Error {
  constructor(readonly order: Order, cause?: unknown) {
    super(`order ${order.id} is refused`, { cause });
    this.name = 'Refused';
  }
}

type Check = (order: Order) => asserts order is Order;

function limit(order: Order): number {
  if (order.total > 100) {
    throw new RangeError('😀 over the limit');
  }
  return order.total;
}

export function error(): number {
  return limit({ id: 'a', total: 101 } as Order);
}

export function causes(): number {
  try {
    return error();
  } catch (cause) {
    throw new Refused({ id: 'b', total: 101 }, cause);
  }
}

enum Kind { A = 'a' }

export const own = (): never => { throw Object.assign(new Refused({ id: Kind.A, total: 1 }), { code: 'MINE' }); };
export const rejected = (): Promise<never> => Promise.reject(new TypeError('rejected'));
export async function later(): Promise<void> {
  await null;
  /* 😀 */ await inner();
}
async function inner(): Promise<void> {
  await sleep(1);
  throw new Error('after a while');
}
export const text = (): never => { throw 'only text'; };
export const object = (): never => { throw { status: 404, nested: { a: [1, 2] } }; };
export const number = (): never => { throw 42; };
export const nothing = (): never => { throw undefined; };
export const symbol = (): never => { throw Symbol('unique'); };
export const surrogate = (): never => { throw new Error('a \ud800 b'); };
export const many = (): never => { throw new AggregateError([new Error('one'), new Error('two')], 'many'); };
export const aFunction = (): never => { throw () => 1; };
export const aPromise = (): never => { throw Promise.resolve(1); };
export const circle = (): never => { const held: unknown[] = []; held.push(held); throw held; };
export const endless = (): never => {
  const error = new Error('own cause');
  error.cause = error;
  throw error;
};
