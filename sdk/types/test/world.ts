/** What the script world has and what it lacks. The compiler is the test: an expected error that isn't one is an error. */
import type { Job, Outcome } from '../outcome.d.ts';

const entry: Scriptmill.Entry<{ a: number }> = async ({ a }, ctx) => {
  await sleep(10);
  const timer: number = setTimeout((left: number) => console.log(left), 5, ctx.budget);
  clearTimeout(timer);
  queueMicrotask(() => performance.now());
  const odd = [1, 2, 3].values().filter((n) => n % 2 === 1).toArray();
  structuredClone(new ArrayBuffer(8), { transfer: [new ArrayBuffer(8)] });
  const refused = new DOMException('no', 'DataCloneError').code;
  console.table([{ a }], ['a']);
  console.assert(a > 0, 'none');
  return { a: structuredClone(a), refused, odd, key: btoa('k:s'), late: ctx.deadline !== null && Date.now() > ctx.deadline };
};

// @ts-expect-error: there is no DOM
document.title;
// @ts-expect-error: a script reaches the outside through host calls alone
fetch('https://example.com');
// @ts-expect-error: this is not Node
process.exit();
// @ts-expect-error: timers are numbers, not objects
setTimeout(() => {}).unref();
// @ts-expect-error: the context is read-only
ctx.attempt = 2;

const job: Job = { id: '1', tenant: 'acme.sales', script: { modules: [{ name: 'main.ts', source: 'export default 1' }] } };

function told(outcome: Outcome<number>): string {
  switch (outcome.status) {
    case 'succeeded': return String(outcome.value + 1) + outcome.warnings?.map((warning) => warning.path ?? warning.at?.line);
    case 'completed': return outcome.results.map((item) => (item.status === 'succeeded' ? item.value + 1 : item.error.code)).join();
    case 'failed': return `${outcome.error.origin} ${outcome.error.thrown?.stack[0]?.at?.line}`;
    case 'exhausted': return `${outcome.error.limit} ${outcome.error.allowed}`;
    case 'rejected': return `${outcome.error.path} ${outcome.diagnostics?.[0]?.frame}`;
    case 'cancelled': return outcome.error.code;
  }
}

export { entry, job, told };

const stack = new DisposableStack();
stack.defer(() => Atomics.add(new Int32Array(1), 0, 1));
stack[Symbol.dispose]();
new SuppressedError(new Error('later'), new Error('first')).suppressed;
