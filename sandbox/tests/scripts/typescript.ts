//@ {"input": {"lines": [{"sku": "a", "count": 2}, {"sku": "b", "count": 3}]}}
enum Level { Low = 1, High = Low << 2, Text = 'text' }
const enum Fixed { One = 1 }
namespace Money {
  export const cents = (amount: number): number => Math.round(amount * 100);
  export namespace Deep { export const name = 'deep'; }
}
abstract class Shape<T extends object = object> {
  static count = 0;
  #secret = 7;
  declare ignored: string;
  constructor(protected readonly label: string, public extra?: T) { Shape.count++; }
  get secret(): number { return this.#secret; }
  abstract area(): number;
}
class Square extends Shape {
  constructor(private side: number) { super('square'); }
  override area(): number { return this.side ** 2; }
  describe(this: Square): string { return `${this.label} ${this.area()}`; }
}
interface Input { lines: { sku: string; count: number }[] }
function isText(value: unknown): value is string { return typeof value === 'string'; }
function pick<const K extends string>(key: K): K;
function pick(key: string): string { return key; }

export default function main({ lines }: Input): unknown {
  const square = new Square(3);
  const total = lines.reduce((sum, { count }) => sum + count, 0) as number;
  const tuple = ['a', 1] as const satisfies readonly [string, number];
  return [Level.High, Level[4], Level.Text, Fixed.One, Money.cents(1.5), Money.Deep.name, square.describe(), square.secret,
    Shape.count, Object.keys(square), total!, <number>total, tuple, isText('a'), pick('k'), lines?.[5]?.sku ?? 'none'];
}
