//@ {"input": 1}
//@ {"input": 1, "entry": "default"}
//@ {"input": 1, "entry": "named"}
//@ {"input": 1, "entry": "arrow"}
//@ {"input": 1, "entry": "later"}
//@ {"entry": "missing"}
//@ {"entry": "value"}
//@ {"entry": "hidden"}
//@ {"entry": "toString"}
type Input = number | null;

export default function main(input: Input, context: Context): unknown[] {
  return ['default', input, context === ctx, hidden(), arguments.length];
}
export function named(input: Input): unknown[] {
  return ['named', input];
}
export const arrow = (input: Input): unknown[] => ['arrow', input];
export async function later(input: Input): Promise<unknown[]> {
  await null;
  return ['later', input];
}
export const value = 5;
function hidden(): string {
  return 'hidden';
}
