// An async iterator is closed, and what return() gives is awaited, however its loop is left; but not when next() failed.
// What is expected is what Node 20 gives; of Array.fromAsync, which it has not, what ECMA-262 says.
const out = [];
const tick = () => new Promise(r => r());
const ticks = async n => { while (n--) await null; };
function resource(name, n = 9, opts = {}) {
  let i = 0;
  return { [Symbol.asyncIterator]() { out.push(name + ' open'); return {
    async next() { if (opts.failAt === i) throw new Error('next'); return i < n ? { value: i++, done: false } : { value: undefined, done: true }; },
    get return() {
      if (opts.noReturn) return undefined;
      if (opts.nullReturn) return null;
      if (opts.getterThrows) { out.push('getter'); throw new Error('getter'); }
      return function () {
        out.push(name + ' closing');
        if (opts.returnThrows) throw new Error('return threw');
        return (async () => { await ticks(3); out.push(name + ' closed'); if (opts.returnRejects) throw new Error('return rejected'); return opts.primitive ? 1 : {}; })();
      };
    } }; } };
}
async function* gen(name) { try { for (let i = 0; i < 9; i++) yield i; } finally { await ticks(3); out.push(name + ' closed'); } }
const results = {};
async function attempt(label, f) {
  out.length = 0;
  let r;
  try { r = 'value ' + JSON.stringify(await f()); } catch (e) { r = 'error ' + (e?.constructor === Error ? e.message : e?.name); }
  results[label] = r + ' | ' + out.join(', ');
}

export default async () => {
  const variants = { plain: {}, noReturn: { noReturn: 1 }, nullReturn: { nullReturn: 1 }, getterThrows: { getterThrows: 1 }, returnThrows: { returnThrows: 1 }, returnRejects: { returnRejects: 1 }, primitive: { primitive: 1 }, nextFails: { failAt: 1 } };
  for (const [k, o] of Object.entries(variants)) {
    await attempt(k + ' throw', async () => { for await (const x of resource('r', 9, o)) { if (x === 1) throw new Error('body'); } });
    await attempt(k + ' break', async () => { for await (const x of resource('r', 9, o)) { if (x === 1) break; } return 'after'; });
    await attempt(k + ' return', async () => { for await (const x of resource('r', 9, o)) { if (x === 1) return x; } });
    await attempt(k + ' end', async () => { for await (const x of resource('r', 3, o)) { } return 'end'; });
    await attempt(k + ' rejected await', async () => { for await (const x of resource('r', 9, o)) { if (x) await Promise.reject(new Error('rej')); } });
    await attempt(k + ' destructuring', async () => { for await (const { a: { b } } of resource('r', 9, o)) { } });
    await attempt(k + ' finally', async () => { try { for await (const x of resource('r', 9, o)) { if (x) throw new Error('body'); } } finally { out.push('finally'); } });
    await attempt(k + ' catch', async () => { try { for await (const x of resource('r', 9, o)) { if (x) throw new Error('body'); } } catch (e) { out.push('caught ' + e.message); } return 'go on'; });
    await attempt(k + ' inner catch', async () => { for await (const x of resource('r', 3, o)) { try { if (x) throw new Error('body'); } catch (e) { out.push('caught ' + e.message); } } return 'go on'; });
    await attempt(k + ' nested', async () => { for await (const x of resource('a', 9, o)) for await (const y of resource('b', 9, o)) { if (y) throw new Error('body'); } });
    await attempt(k + ' nested continue', async () => { outer: for await (const x of resource('a', 2, o)) for await (const y of resource('b', 9, o)) { if (y) continue outer; } return 1; });
    await attempt(k + ' nested break', async () => { outer: for await (const x of resource('a', 3, o)) for await (const y of resource('b', 9, o)) { if (y) break outer; } return 1; });
    await attempt(k + ' nested sync', async () => { for (const z of [1, 2]) for await (const y of resource('b', 9, o)) { for (const q of [1]) if (y) throw new Error('deep'); } });
    await attempt(k + ' generator throw', async () => { async function* g() { for await (const x of resource('r', 9, o)) { if (x) throw new Error('body'); yield x; } } for await (const v of g()) out.push('v' + v); });
    await attempt(k + ' generator consumer throws', async () => { async function* g() { for await (const x of resource('r', 9, o)) { yield x; } } for await (const v of g()) { if (v) throw new Error('consumer'); } });
    await attempt(k + ' delegate', async () => { async function* g() { yield* resource('r', 9, o); } for await (const v of g()) { if (v) throw new Error('consumer'); } });
    await attempt(k + ' gen.throw no throw method', async () => { async function* g() { yield* resource('r', 9, o); } const it = g(); await it.next(); await it.throw(new Error('thrown in')); });
    await attempt(k + ' gen.throw in loop', async () => { async function* g() { for await (const x of resource('r', 9, o)) { yield x; } } const it = g(); await it.next(); await it.throw(new Error('thrown in')); });
    await attempt(k + ' gen.return in loop', async () => { async function* g() { for await (const x of resource('r', 9, o)) { yield x; } } const it = g(); await it.next(); return await it.return(7); });
    await attempt(k + ' assignment head throws', async () => { const o2 = { set x(v) { throw new Error('setter'); } }; for await (o2.x of resource('r', 9, o)) ; });
    await attempt(k + ' closures', async () => { const fs = []; try { for await (const x of resource('r', 9, o)) { fs.push(() => x); if (x === 2) throw new Error('body'); } } catch (e) { out.push(e.message); } return fs.map(f => f()); });
    await attempt(k + ' rethrow in finally inside', async () => { for await (const x of resource('r', 9, o)) { try { throw new Error('one'); } finally { throw new Error('two'); } } });
    await attempt(k + ' return in finally inside', async () => { for await (const x of resource('r', 9, o)) { try { throw new Error('one'); } finally { return 5; } } });
    await attempt(k + ' throw undefined', async () => { for await (const x of resource('r', 9, o)) throw undefined; });
    await attempt(k + ' throw in switch', async () => { for await (const x of resource('r', 9, o)) { switch (x) { case 1: throw new Error('sw'); default: continue; } } });
    await attempt(k + ' return await reject', async () => { for await (const x of resource('r', 9, o)) { return Promise.reject(new Error('returned')); } });
  }
  await attempt('gen', async () => { for await (const x of gen('g')) if (x) throw new Error('body'); });
  await attempt('sync of promises', async () => { for await (const x of { *[Symbol.iterator]() { try { yield 1; yield 2; } finally { out.push('sync closed'); } } }) throw new Error('body'); });
  await attempt('top', async () => { const f = async x => { if (x) throw new Error('called'); }; for await (const x of gen('g')) await f(x); });
  await attempt('fromAsync map throws', () => Array.fromAsync(gen('g'), x => { if (x > 1) throw new Error('map'); return x; }));
  await attempt('fromAsync map rejects', () => Array.fromAsync(gen('g'), async x => { if (x > 1) throw new Error('map'); return x; }));
  await attempt('fromAsync ok', () => Array.fromAsync(gen('g'), async x => x * 2));
  await attempt('fromAsync sync', () => Array.fromAsync([1, Promise.resolve(2), 3]));
  await attempt('fromAsync like', () => Array.fromAsync({ length: 2.7, 0: 'a', 1: Promise.resolve('b') }, (x, i) => x + i));
  await attempt('fromAsync next fails', () => Array.fromAsync(resource('r', 9, { failAt: 1 })));
  await attempt('fromAsync resource', () => Array.fromAsync(resource('r', 3)));
  await attempt('fromAsync string', () => Array.fromAsync('abc'));
  await attempt('fromAsync sync rejects', () => Array.fromAsync((function* () { try { yield 1; yield Promise.reject(new Error('r')); } finally { out.push('closed'); } })()));
  return results;
};
