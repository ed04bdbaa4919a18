/** Income tax in brackets and contributions up to a ceiling. The numbers are made up; the arithmetic isn't. */
import { fromText, portion, type Cents } from './money.ts';

export interface Rules {
  /** For each tax class, brackets from the lowest on: `percent` of what lies between `from` and the next one's. */
  brackets: Record<string, { from: string; percent: string }[]>;
  contributions: { name: string; percent: string; ceiling: string }[];
}

const percentOf = (amount: Cents, percent: string) => portion(amount, fromText(percent), 100_00n);
const min = (a: Cents, b: Cents) => (a < b ? a : b);

export function incomeTax(gross: Cents, taxClass: string, rules: Rules): Cents {
  if (!Object.hasOwn(rules.brackets, taxClass)) throw new RangeError(`There is no tax class ${taxClass}`);
  const brackets = rules.brackets[taxClass];
  return brackets.reduce((tax, bracket, index) => {
    const from = fromText(bracket.from);
    const next = brackets[index + 1];
    const upTo = next ? min(gross, fromText(next.from)) : gross;
    return upTo > from ? tax + percentOf(upTo - from, bracket.percent) : tax;
  }, 0n);
}

export function contributions(gross: Cents, rules: Rules): { name: string; amount: Cents }[] {
  return rules.contributions.map(({ name, percent, ceiling }) => ({ name, amount: percentOf(min(gross, fromText(ceiling)), percent) }));
}
