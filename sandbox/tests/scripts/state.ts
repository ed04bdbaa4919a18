//@ {"entry": "change"}
//@ {"entry": "look"}
//@ {"entry": "change"}
// No job sees what another one did.
let count = 0;
const list: number[] = [];
const seen = new Map<string, number>();

export function change(): unknown {
  count++;
  list.push(count);
  seen.set('a', count);
  (Object.prototype as any).polluted = 'yes';
  (globalThis as any).left = 'behind';
  Array.prototype.push = () => 99;
  return look();
}
export function look(): unknown {
  return [count, list, [...seen], ({} as any).polluted ?? null, (globalThis as any).left ?? null, [].push(1 as never)];
}
