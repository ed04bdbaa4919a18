// What a script puts on the prototypes must not show in, or forge, what our glue makes.
JSON.stringify = () => '"forged"';
JSON.parse = () => 'forged';
Promise.prototype.then = () => 'forged';
Promise.prototype.constructor = null;
Object.defineProperty(Array.prototype, 0, { set() { throw new Error('seen'); }, configurable: true });
Object.defineProperty(Object.prototype, 'name', { set() { throw new Error('seen'); }, configurable: true });
Array.prototype[Symbol.iterator] = null;
export default async () => {
  await null;
  return { list: [{ name: 'a' }, [1]], n: 1 };
};
