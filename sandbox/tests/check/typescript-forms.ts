import type { Customer } from "./customer";
import { type Order } from "./order";
export type { Customer };
type Id<T extends string = string> = T & { readonly brand: unique symbol };
interface Shape { area(): number; [key: string]: unknown; new (x: number): Shape; get size(): number }
declare module "elsewhere" { export const nothing: number; }
declare global { interface Array<T> { extra: T } }
declare const hosted: number;
declare let alsoHosted: string, another: number;
declare function ambient(x: number): string;
declare class Hosted { method(): void }
declare enum HostedEnum { A }
declare namespace HostedNamespace { const inner: number }
abstract class Base<T> {
  abstract name: string;
  declare kind: string;
  protected readonly items: T[] = [];
  optional?: number;
  definite!: string;
  static count: number = 0;
  static { Base.count++; }
  #secret = 1;
  [key: string]: unknown;
  constructor(public id: number, private label = "x", readonly flag?: boolean) {}
  abstract area(): number;
  overloaded(a: string): string;
  overloaded(a: number): number;
  overloaded(a: any): any { return a; }
  has(other: object): other is Base<T> { return #secret in other; }
  get size(): number { return this.items.length; }
  set size(value: number) { this.items.length = value; }
  override toString(this: Base<T>): string { return `${this.id}${this.label}${this.#secret}`; }
}
class Square extends Base<number> implements Partial<Shape> {
  name = "square" as const;
  constructor(public side: number) {
    console.log("before");
    super(side);
    this.items.push(side);
  }
  area() { return this.side ** 2; }
}
function overload(a: string): void;
function overload(a: number): void;
function overload(a: unknown): asserts a is number {
  if (typeof a !== "number") throw new TypeError("no");
}
function generic<const T, U = unknown>(this: void, a: T, ...rest: U[]): [T, ...U[]] { return [a, ...rest]; }
const arrow = async <T,>(value: T): Promise<T> => value;
const assertions = (<any>arrow) as unknown as { a?: { b: { c: number } } };
const chain = assertions.a?.b!.c;
const chained = (assertions.a?.b)!.c;
const satisfied = { a: 1, b: [1, 2, 3] } satisfies Record<string, unknown>;
const instantiated = generic<number, string>;
let [tuple, ...others]: [a: number, ...b: string[]] = [1, "a"];
let target: any = {};
(target as any).x = 1;
target!.y = 2;
(<any>target) = { z: 1 };
for ((target as any) of [1, 2]) {}
({ a: target as any, b: (target as any).c } = { a: 1, b: 2 } as any);
label: for (const item of others as string[]) { if (item) continue label; }
try { overload(1); } catch (error: unknown) { console.log(error); }
const big = 1_000_000n, pattern = /(?<year>\d{4})[\p{L}--[a-z]]/v, nullish = target ??= 1;
const templated = String.raw<string>`a\u{1F600}${big}`;
export const type = 1, of = 2, as = 3, satisfies = 4, namespace = 5, declare = 6, abstract = 7;
export default function main(input: Order, ctx?: { jobId: string }): unknown {
  return [input, ctx, Square, satisfied, instantiated, tuple, chain, chained, pattern, nullish, templated, hosted];
}
