//@ {"input": {"a": [1]}}
export async function main(input: { a: number[] }): Promise<number> {
  return input.a.length;
}
export function other(): void {}
