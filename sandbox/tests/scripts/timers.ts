//@ {"entry": "order"}
//@ {"entry": "sleeps"}
//@ {"entry": "interval"}
//@ {"entry": "cancelled"}
//@ {"entry": "microtasks"}
//@ {"entry": "failing"}
//@ {"entry": "leftOver"}
//@ {"entry": "endless", "wallMs": 60}
//@ {"entry": "tooLate", "wallMs": 60}
//@ {"entry": "notAFunction"}
export async function order(): Promise<string[]> {
  const seen: string[] = [];
  const later = (name: string, ms: number) =>
    new Promise<void>((resolve) => setTimeout((text: string) => { seen.push(text); resolve(); }, ms, name));
  await Promise.all([later('third', 30), later('first', 10), later('second', 20), later('second too', 20)]);
  return seen;
}
export async function sleeps(): Promise<unknown[]> {
  const start = Date.now();
  await Promise.all([sleep(30), sleep(10), sleep(20)]);
  const together = Date.now() - start;
  await sleep(5);
  return [together, Date.now() - start, await sleep(0), await sleep(-1)];
}
export function interval(): Promise<number[]> {
  const start = Date.now();
  return new Promise((resolve) => {
    const times: number[] = [];
    const handle = setInterval(() => {
      times.push(Date.now() - start);
      if (times.length === 4) {
        clearInterval(handle);
        resolve(times);
      }
    }, 5);
  });
}
export async function cancelled(): Promise<string[]> {
  const seen: string[] = [];
  const first = setTimeout(() => seen.push('cancelled'), 1);
  setTimeout(() => clearTimeout(second), 1);
  const second = setTimeout(() => seen.push('cancelled by another'), 2);
  clearTimeout(first);
  clearTimeout(first);
  clearTimeout(undefined);
  clearTimeout(12345);
  await sleep(5);
  return seen;
}
export async function microtasks(): Promise<string[]> {
  const seen: string[] = [];
  setTimeout(() => {
    seen.push('timer');
    queueMicrotask(() => seen.push('microtask of the timer'));
  }, 0);
  setTimeout(() => seen.push('next timer'), 0);
  queueMicrotask(() => seen.push('microtask'));
  Promise.resolve().then(() => seen.push('promise'));
  seen.push('now');
  await sleep(1);
  return seen;
}
export async function failing(): Promise<void> {
  setTimeout(() => {
    throw new Error('in a timer');
  }, 1);
  await sleep(10);
}
export function leftOver(): string {
  setTimeout(() => console.log('never'), 1);
  return 'returned before the timer';
}
export async function endless(): Promise<void> {
  setInterval(() => {}, 1);
  await new Promise(() => {});
}
export async function tooLate(): Promise<void> {
  await sleep(3_600_000);
}
export function notAFunction(): void {
  setTimeout('code' as any, 1);
}
