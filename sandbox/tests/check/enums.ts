enum Level { Low, Middle = 5, High, Text = "text", Computed = "abc".length, Shifted = 1 << 3, Both = Low | High }
const enum Fixed { A = 1, B = A * 2, C = `c` }
export enum Exported { One = 1, Two }
enum Level { More = 100, Most }
enum Quoted { "with space" = 1, 'other-one', normal = Quoted["with space"] + 1 }
enum Negative { A = -1, B, C = ~1, D = 2 ** 3, E = 7 / 2, F = 10 % 4 }
function inside() {
  enum Local { X = Level.High, Y = Fixed.B }
  return Local;
}
export default function main() {
  return [Level, Level[5], Fixed.B, Exported, Quoted, Negative, inside()];
}
