//@ {"id": "a"}
//@ {"id": "a"}
//@ {"id": "b"}
//@ {"id": "a", "tenant": "other"}
// At top level a generator of fixed seed; in the entry the same function, seeded by tenant and id.
const kept = Math.random;
const early = Math.random();
const keyed = new Map([['a', 1], ['b', 2]]);

export default (): unknown => [early, kept === Math.random, Math.random(), kept(), keyed.get('b')];
