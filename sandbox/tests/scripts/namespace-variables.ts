// `export let` in a namespace: every use is one of the object's property.
namespace Live {
  export let x = 1, y: number, z: string | undefined = undefined;
  export var { a, b: [b = 2, ...rest], ...others } = { a: 1, b: [undefined, 8, 9] as any[], c: 3, d: 4 };
  export let [first, , third = first, { nested: { deep = 'deep' } = {} as any } = {} as any] = [10, 11, undefined, undefined] as any[];
  export let definite!: number;
  export const f = () => x, g = function () { return typeof y; };
  export const computed = 'key';
  export let { [computed]: picked = 'none' } = { key: 'picked' } as Record<string, string>;
  export function change(): unknown[] {
    const log: unknown[] = [];
    x = 5; x += 2; x++; ++x; log.push(x--, x, -x, typeof x);
    y ??= 7; z ||= 'z'; z &&= z + '!';
    [x, y] = [y, x]; ({ x, y: a, q: b = x } = { x: 3, y: 4 } as any);
    ({ x = 6, ...others } = { left: 1 } as any); [rest[0], ...rest] = [1, 2, 3];
    for (x of [1, 2]) log.push({ x }); for (z in { k1: 1, k2: 2 }) log.push(z);
    for (x = 0; x < 2; x++) log.push(() => x);
    for ([x, y] of [[4, 5]]) log.push(x + y); for ({ x, y: first } of [{ x: 1, y: 2 }]) log.push(x, first);
    (x as number) = 20; (<any>y) = 21; x! += 1; (x)++;
    const object = { x, y, nested: { z }, get x2() { return x; }, [`${x}`]: x, f() { return x; } };
    log.push(object, object.f(), `${x} ${y}`, { x: 'own' }, object?.x, [...rest], new Array(x % 3).length);
    const inner = (x: number) => { let y = x; y++; return [x, y]; };
    log.push(inner(1), ((z = x) => z)(), (() => { try { throw 1; } catch (x) { return x; } })());
    label: for (const x of [1]) { log.push(x); continue label; }
    class Sub { x = x; static s = x; [`m${x}`]() { return x; } #p = x; get p() { return this.#p; } }
    log.push(new Sub(), Sub.s, new Sub().p, Object.getOwnPropertyNames(Sub.prototype));
    delete (others as any).left; void x; y = (x, y); log.push(x ? y : z, x === 1 || y, !x, x ** 2, x in { 21: 1 });
    async () => { for await (x of []) { y = await x; } };
    function* generator() { x = yield x; yield* [x, y]; }
    const made = generator(); made.next(); log.push(made.next('sent' as any), [...made]);
    log.push(String.raw`${x}`, ((text: any, ...values: any[]) => values)`${x}${y}`);
    return log;
  }
}
namespace Live { export let later = x + 1; later++; x = later; export let w = f; w = () => -1; export const seen = [w(), f(), picked]; }

export default () => {
  const before = { ...Live };
  Live.x = 100;
  const outside = Live.f();
  const log = Live.change().map((item) => typeof item === 'function' ? (item as any)() : item);
  return { before, keys: Object.keys(Live), outside, log, after: { ...Live }, typeOfY: Live.g() };
};
