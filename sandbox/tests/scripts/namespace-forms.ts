// Forms that stand close to each other, without semicolons and with comments between all parts.
namespace A /* a */ . /* b */ B /* c */ { /* d */
  export /* e */ let /* f */ x /* g */ : /* h */ number /* i */ = /* j */ 1 /* k */ , /* l */ y = x + 1 // m
  export const { p /* n */ = 3 , /* o */ q : { r = p } = {} as any } /* s */ : any /* t */ = { /* u */ }
  export let [ /* v */ s , , ...t ] = [1, 2, 3, 4]
  let a = x
  export let list = [a]
  export function over(value: string): string
  export function over(value: number): number
  export function over(value: any) { return value }
  export async function later(by = x) { return by + y }
  export function* many() { yield* [x, y] }
  export abstract class Shape { abstract area(): number; static count = x; name = `shape ${x}`; constructor(public readonly id = ++x) {} }
  export declare const ambient: number
  export declare function described(): void
  export interface I { a: typeof x }
  export type T = typeof y
  const f = () => { x++ }
  f()
  ;[x, y] = [y, x]
  export enum E { One = 1, Two = One << 1, Text = `t${Two}` }
  export const enum F { Three = E.Two + 1 }
}
namespace A.B {
  export class Square extends Shape { accessor side = x; area() { return this.side ** 2 } static made = super.count + y; override name = super.toString() + E.Two }
  export const sum = over(x) + F.Three, text = over(E.Text)
  export const closures = [1, 2].map((n) => () => x + n)
  export namespace C { export const up = () => [x, y, E.One, over(2)]; export let x2 = x; export const own = ((x: number) => x)(9) }
  export import D = C
  import Local = D
  if (x) { let y = 'block'; list.push(y as any) } else { list.length = 0 }
  try { throw x } catch { list.push(x) }
  switch (x) { case y: list.push(-1); break; default: list.push(Local.x2) }
  do { x-- } while (x > 2)
  var hoisted = x
}
namespace A { export const B2 = B.x; export let shared: number[] = []; export const push = (n: number) => { shared.push(n); shared = [...shared, -n]; return shared } }
namespace A { push(1); export const seen = shared; push(B.y) }
function scoped(n: number) {
  enum Inner { A = 1 }
  enum Inner { B = A + n, C = 5 }
  class Local { static accessor total = Inner.B; accessor own = n }
  Local.total += new Local().own
  return [Inner, Local.total]
}
function overloaded(): typeof A.B.x
function overloaded() { return A.B.x }
namespace overloaded { export let calls = 0; export namespace deep { export const call = () => { calls++; return overloaded() } } }
class Outer { static Inner = class Z { static accessor z = 1 }; method() { return class Again { static accessor w = Outer.Inner.z; static read() { return Again.w } }.read() } }
namespace Outer { export type Options = { a: 1 }; export let options: Options = { a: 1 } }
abstract class Base { protected abstract accessor size: number; accessor #hidden = 1; static of() { return new this.Sub().#hidden } static Sub = class extends Base { accessor size = 2 } }
let later: unknown;
void (A.B.later)().then((value) => { later = value })

export default async () => {
  await null
  const square = new A.B.Square()
  return [A.B, A.seen, A.shared, A.B2, [...A.B.many()], square.area(), square.name, A.B.Square.made, A.B.closures.map((f) => f()), A.B.C.up(),
    scoped(3), overloaded.deep.call(), overloaded.calls, new Outer().method(), Outer.options, Base.of(), await A.B.later(), later]
}
