// Assigning a constant throws where it is reached, and only there.
const limit = 10;
const reached: unknown[] = [];
const attempt = (what: () => unknown) => { try { reached.push(what()); } catch (error) { reached.push((error as Error).name); } };
function never() { if (reached.length > 1e6) limit = 11; return limit; }
export default () => {
  attempt(() => { limit = 11; }); attempt(() => limit++); attempt(() => limit += 1); attempt(() => limit ??= 1); attempt(() => limit ||= 1); attempt(() => limit &&= 1);
  attempt(() => { [limit] = [1]; }); attempt(() => { ({ limit } = { limit: 1 }); }); attempt(() => { for (limit of [1]) reached.push('body'); });
  attempt(() => { for (const i = 0; i < 2; i++) reached.push(i); }); attempt(() => { for (const item of [1]) item = 2; });
  attempt(() => { const local = 1; eval; local = reached.push('value first'); }); attempt(never);
  attempt(() => { using held = null; held = 1; });
  attempt(() => { class C { static set() { C = null as any; } } C.set(); });
  attempt(() => { const f = function named() { 'use strict'; named = null as any; }; f(); });
  return [limit, reached];
};
