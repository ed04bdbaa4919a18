/** Product configuration with mathjs: formulas that an author typed, with units, matrices and exact fractions. */
import { all, create, type MathNode } from 'mathjs';

interface Input {
  values: Record<string, number | string>;
  formulas: Record<string, string>;
  /** Hours of each of three steps for each of three products, and the hours that there are. */
  steps: number[][];
  capacity: number[];
}

const math = create(all, {});
// A formula may compute, but neither import functions nor change the settings.
const forbidden = () => { throw new Error('not allowed in a formula'); };
const { parse, unit, matrix, lusolve, format, fraction } = math;
math.import({ import: forbidden, createUnit: forbidden, config: forbidden }, { override: true });

export default function (input: Input) {
  const scope: Record<string, unknown> = Object.fromEntries(
    Object.entries(input.values).map(([name, value]) => [name, typeof value === 'string' ? unit(value) : value]),
  );
  const results = Object.entries(input.formulas).map(([name, formula]) => {
    try {
      const node = parse(formula);
      const names = node.filter((part: MathNode) => part.type === 'SymbolNode').map(String);
      const value = node.compile().evaluate(scope);
      scope[name] = value;
      return { name, value: format(value, { precision: 12 }), uses: [...new Set(names)].sort() };
    } catch (error) {
      return { name, error: (error as Error).message };
    }
  });

  return {
    results,
    production: lusolve(matrix(input.steps), input.capacity).valueOf(),
    discount: fraction('1/3').add(fraction('0.125')).toFraction(),
    slope: math.derivative('0.5 x^2 + 3 x', 'x').toString(),
  };
}
