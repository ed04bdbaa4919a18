//@ {"entry": "mine"}
//@ {"entry": "afterDepth"}
//@ {"entry": "afterDepthWithin"}
//@ {"entry": "afterParse"}
//@ {"entry": "getter"}
//@ {"entry": "thrownOn"}
//@ {"entry": "caughtBefore"}
//@ {"entry": "bigint"}
//@ {"entry": "cyclic"}
//@ {"entry": "tooDeep"}
// Only what JSON itself refuses is not JSON; an error of the script's own is the script's, whatever JSON refused before.
const deep = (make, depth = 20000) => { let value = 0; for (let n = 0; n < depth; n++) value = make(value); return value; };
const tried = (what) => { try { what(); return 'nothing thrown'; } catch (error) { return `${error.name}: ${error.message}`; } };

export const mine = () => ({ toJSON() { tried(() => JSON.stringify(12n)); throw new RangeError('no price'); } });
export const afterDepth = () => { tried(() => JSON.stringify(deep((value) => [value]))); throw new Error('mine'); };
export const afterDepthWithin = () => ({ toJSON() { tried(() => JSON.stringify(deep((value) => [value]))); throw new Error('mine'); } });
export const afterParse = () => ({ toJSON() { tried(() => JSON.parse('['.repeat(20000))); throw new Error('mine'); } });
export const getter = () => ({ get total() { tried(() => JSON.stringify(12n)); throw new TypeError('no total'); } });
export const thrownOn = () => ({ toJSON: () => JSON.stringify(12n) });
export const caughtBefore = () => { tried(() => JSON.stringify(12n)); return { n: 12n }; };
export const bigint = () => ({ n: 12n });
export const cyclic = () => { const value = {}; value.self = value; return value; };
export const tooDeep = () => deep((value) => [value]);
