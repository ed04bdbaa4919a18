// `using` and `await using` release what they declare, in every place where they may stand.
const log: unknown[] = [];
const open = (name: string, fails = false) => ({ name, [Symbol.dispose]() { log.push(`close ${name}`); if (fails) throw new Error(`no ${name}`); } });
const later = (name: string) => ({ name, async [Symbol.asyncDispose]() { await null; log.push(`later ${name}`); } });
using top = open('top');
await using topLater = later('top');
function block() { using a = open('a'), b = open('b'); log.push(`in ${a.name}${b.name}`); { using c: { name: string } = open('c'); } return 'returned'; }
function loops() {
  for (using item of [open('1'), open('2')]) { if (item.name === '1') continue; log.push('body'); }
  for (using item = open('head'), i = null as any; ; ) { log.push('once'); break; }
  switch (1 as number) { case 1: { using inSwitch = open('switch'); log.push('case'); } }
  try { using tried = open('tried'); throw new Error('thrown'); } catch (error) { log.push((error as Error).message); } finally { using last = open('finally'); }
}
function failing() { try { using a = open('x', true); using b = open('y', true); throw new Error('body'); } catch (error: any) { return [error.name, error.error.message, error.suppressed.name, error.suppressed.error.message, error.suppressed.suppressed.message]; } }
async function asyncBlock() { await using a = later('async'); using b = open('sync'); await using c = open('awaited'); await using nothing = null; for await (await using d of [later('d')]) log.push('loop'); for (await using e of [later('e')]) log.push(e.name); return log.length; }
function* generator() { using g = open('generator'); yield 1; yield 2; }
class Holder { static { using s = open('static block'); } method() { using m = open('method'); return m.name; } }
const arrow = () => { using a = open('arrow'); return a.name; };
namespace Space { using inside = open('namespace'); export const name = inside.name; }
var using = 'a name'; using = using + '!'; const object = { using, await: 1 };
function notDisposable() { try { using a = 5 as any; return 'wrong'; } catch (error) { return (error as Error).name; } }
export default async () => {
  const early = log.splice(0);
  block(); loops(); const failed = failing(); await asyncBlock(); for (const n of generator()) { log.push(n); break; } new Holder().method(); arrow();
  return { early, log, failed, name: Space.name, object, not: notDisposable() };
};
