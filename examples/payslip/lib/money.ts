/** Money as whole cents in a bigint, so that no sum and no rate is ever off by a binary fraction. */
export type Cents = bigint;

/** Reads "1234.5" as 123450n; more than two decimals are refused, not rounded. */
export function fromText(text: string): Cents {
  const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text);
  if (!match) throw new RangeError(`Not an amount with at most two decimals: ${text}`);
  return BigInt(match[1] + (match[2] ?? '').padEnd(2, '0'));
}

export function format(cents: Cents): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** `amount × part / whole` of an amount that isn't negative, half a cent rounded up. */
export function portion(amount: Cents, part: bigint, whole: bigint): Cents {
  return (2n * amount * part + whole) / (2n * whole);
}
