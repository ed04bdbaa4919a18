//@ {"entry": "caught"}
//@ {"entry": "afterAwait"}
//@ {"entry": "own"}
//@ {"entry": "missingNew"}
//@ {"entry": "captured"}
//@ {"entry": "renamed"}
//@ {"entry": "sites"}
//@ {"entry": "unhandled"}
//@ {"entry": "aggregate"}
//@ {"entry": "text"}
//@ {"entry": "textLater"}
//@ {"entry": "rejectedText"}
//@ {"entry": "textAgain"}
//@ {"entry": "object"}
//@ {"entry": "number"}
//@ {"entry": "nothing"}
//@ {"entry": "fields"}
//@ {"entry": "oddFields"}
//@ {"entry": "causes"}
//@ {"entry": "heldByItself"}

// Types above each place: what is printed for the engine has other lines.
interface Order {
  total: number;
}

class RuleError extends Error {
  constructor(message: string, readonly code: string, readonly details: object) {
    super(message);
    this.name = 'RuleError';
  }
}
class LimitError extends RuleError {}
class Discount {
  rate: number = 0.1;
}

function verdict(order: Order): boolean {
  /* ü 😀 */ if (order.total < 0) throw new RangeError('negative');
  return true;
}

export function caught(): string[] {
  try {
    verdict({ total: -1 });
  } catch (error) {
    return (error as Error).stack!.split('\n');
  }
  return [];
}
export async function afterAwait(): Promise<string[]> {
  try {
    await null;
    verdict({ total: -1 });
  } catch (error) {
    await null;
    return (error as Error).stack!.split('\n');
  }
  return [];
}
export function own(): void {
  throw new LimitError('no approver', 'NONE', {});
}
export function missingNew(): unknown {
  return (Discount as any)();
}
export function captured(): unknown {
  const target: any = { name: 'Target', message: 'here' };
  const inner = () => (Error as any).captureStackTrace(target, inner);
  inner();
  return target.stack;
}
export function renamed(): unknown {
  const error = new Error('first');
  error.message = 'second';
  error.name = 'Renamed';
  const plain = new Error();
  return [error.stack!.split('\n')[0], plain.stack!.split('\n')[0], String(Object.create(error).stack)];
}
export function sites(): unknown {
  (Error as any).prepareStackTrace = (_: Error, calls: any[]) =>
    calls.map(call => `${call.getFunctionName()} ${call.getFileName()}:${call.getLineNumber()}:${call.getColumnNumber()}`);
  return new Error('with sites').stack;
}
export function unhandled(): number {
  (async () => {
    await null;
    throw new Error('the mail server is down');
  })();
  return 1;
}
export function aggregate(): unknown {
  return Promise.any([Promise.reject(new Error('first mirror down')), Promise.reject('second mirror down')]);
}
export function text(): void {
  if (!0) throw 'amount missing';
}
export async function textLater(): Promise<void> {
  await null;
  throw 'amount missing';
}
export function rejectedText(): unknown {
  return Promise.reject('never thrown');
}
export function textAgain(): void {
  try {
    throw 'again';
  } catch {
    // Thrown once more, from another place.
  }
  throw 'again';
}
export function object(): void {
  throw { code: 'X', details: [1, { a: null }] };
}
export function number(): void {
  throw 42;
}
export function nothing(): void {
  throw undefined;
}
export function fields(): void {
  throw new RuleError('the credit limit is exceeded', 'CREDIT_LIMIT', { limit: 5000.1, asked: 7200, on: new Date(0) });
}
export function oddFields(): void {
  const error: any = new Error('odd');
  error.self = error;
  error.big = 1n;
  error.run = () => 1;
  error.nan = NaN;
  error.list = [undefined, 1, , 'ü"\n'];
  error.long = 'x'.repeat(20_000);
  error.status = 'succeeded';
  Object.defineProperty(error, 'hidden', { value: 1 });
  Object.defineProperty(error, 'read', { enumerable: true, get() { throw new Error('it was run'); } });
  error.deep = { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } };
  throw error;
}
export function causes(): void {
  try {
    verdict({ total: -1 });
  } catch (error) {
    throw new RuleError('not approved', 'NO', { cause: 1 }).constructor.prototype.constructor === RuleError
      ? Object.assign(new Error('outer', { cause: error }), { level: 1 })
      : 0;
  }
}
export function heldByItself(): void {
  const error: any = new AggregateError([], 'round');
  error.errors.push(error, new AggregateError([error, error], 'inner'));
  throw error;
}
