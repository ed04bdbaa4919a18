namespace Empty {}
namespace OnlyTypes { export type A = 1; export interface B {} }
export namespace Money {
  const cents = 100;
  export const zero = 0, [one, two] = [1, 2], { three, four: renamed } = { three: 3, four: 4 };
  export function round(value: number) { return Math.round(value * cents) / cents; }
  export class Amount { constructor(readonly value: number) {} }
  export enum Kind { Net, Gross }
  export namespace Deep.Deeper { export const level = one; }
  export async function* later() { yield round(zero); }
  export type Currency = "EUR";
  export abstract class Shape { abstract area(): number }
}
class Box { static make() { return new Box(); } }
namespace Box { export const empty = Box.make(); }
function tagged() { return tagged.tag; }
namespace tagged { export const tag = "tag"; }
enum Colour { Red, Green }
namespace Colour { export function parse(text: string) { return (Colour as any)[text]; } }
import Alias = Money.Deep.Deeper;
import Unused = Money.Currency;
export import Kind = Money.Kind;
namespace Outer { export import Inner = Money.Deep; }
export default function main() {
  return [Money, Box.empty, tagged(), Colour.parse("Red"), Alias.level, Kind.Gross, Outer.Inner.Deeper.level,
    Money.one, Money.three, Money.renamed, new Money.Amount(1), Money.round(1.005)];
}
