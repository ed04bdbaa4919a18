// The values of enums are computed as TypeScript computes them; texts have no way back.
const prefix = 'pre', size = 2 * 3, template = `${prefix}-${size}`, typed: string = 'typed', asserted = 'a' as const;
declare function unknown(): any;
const given = () => 'given';
enum E {
  A, B = 1 << 4, C, D = B | C, F = ~D, G = -1.5, H, I = 'text', J = I + '!', K = `${I}${B}`, L = prefix, M = `${prefix}${size}x`,
  N = template, O = 'a'.length, P = 7 % 4, Q = 2 ** 10, R = 1 / 4, S = (1 + 2) * 3, T = E.S, U = E['I'], V = 1e21, W = 0.1 + 0.2,
  X = -0, Y = 5 >>> 1, Z = -5 >> 1, AA = -5 >>> 28, AB = 3 ^ 5, AC = 6 & 3, AD = +'1'.length,
  Some = `${given()}`, More = 'x' + given(), Typed = typed as any, Asserted = asserted as any,
}
enum E { Again = B + 1, Next, Text = I + J }
const enum Fixed { One = E.B, Two = One * 2, Three = `${Two}` }
enum Other { FromFixed = Fixed.Two, FromE = E.K, 'with space' = 3, 'é' = 4, normal = Other['with space'] + 1, __proto = 9, "quo\"te\n" = 'a\u2028\\"' }
enum Never { Never = 1 / 0, Less = -1 / 0, Nothing = 0 / 0, Big = 1e999, Name = Infinity, Not = NaN }
enum Twice { A = 1, B = 1, C = A }
namespace Space { export const text = 'from space'; export enum Inner { A = text, B = 5 } export const n = 3; }
namespace Space { export enum Inner { C = B + n, D = `${text}!` } }
enum Far { A = Space.Inner.C, B = Space.text, C = Space.Inner['B'] }
function local() {
  enum Local { A = Far.A + 1, B = size }
  { enum Local { A = 'block' } if (Local.A !== 'block') throw 1; }
  return Local;
}
enum Computed { A = Math.max(1, 2), B = A * 2, C = ((x) => x + A)(1), D = [A, B].length, E = { A, B }.A, F = Computed.A + 1, G = ((Computed: number) => A + Computed)(5), H = Object.keys(Computed).length }
enum Unknown { A = 1 + [].length, B = A + 1, C = B + given().length, D = 'x' + A, F = 1 + 'x' + A, G = -A, H = `${A}`.length + 1 }
enum Lone { A = '\ud800', B = 'b' }
enum Single { Only }
enum Empty {}

export default () => {
  const text = (value: any): any => typeof value === 'number' && (!isFinite(value) || Object.is(value, -0)) ? String(1 / value) + value : value;
  const all = (object: any) => Object.entries(object).map(([name, value]) => [name, text(value)]);
  return [E, Fixed, Other, Twice, Space, Far, local(), Computed, Single, Empty, Unknown].map(all)
    .concat([all(Never)], [[Lone.A.length, Object.keys(Lone)]] as any);
};
