// Long BigInts are multiplied, divided, written and read by faster methods than short ones. The digests are Node's.
let state = 12345;
const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);

/** A BigInt of so many hexadecimal digits: of any, of ones alone, or with many zeros inside. */
const number = (digits, kind) => {
  const digit = () => (kind === 1 ? 'f' : kind === 2 && random() % 64 > 0 ? '0' : (random() >>> 28).toString(16));
  return BigInt('0x1' + Array.from({ length: digits - 1 }, digit).join(''));
};

const digest = (text) => {
  let sum = 2166136261;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 16777619) >>> 0;
  return sum;
};

export default () => {
  const found = [];
  // Around the lengths at which the methods change, and far beyond them.
  for (const [long, short] of [[300, 8], [330, 310], [480, 470], [960, 481], [2_000, 700], [9_001, 9_000], [20_000, 1_111]]) {
    for (const kind of [0, 1, 2]) {
      const [a, b] = [number(long, kind), -number(short, kind)];
      const [times, quotient, rest] = [a * b, a / b, a % b];
      if (quotient * b + rest !== a) throw new Error(`${long} and ${short}, ${kind}: not what was divided`);
      found.push(digest([times, quotient, rest].map((each) => each.toString(16)).join()));
    }
  }
  for (const digits of [20, 500, 3_000, 12_000, 40_000]) {
    for (const kind of [0, 1, 2]) {
      const value = number(digits, kind);
      const text = value.toString();
      if (BigInt(text) !== value) throw new Error(`${digits}, ${kind}: not what was written`);
      found.push(digest(text + value.toString(7) + (-value).toString(36)));
    }
  }
  for (const exponent of [10, 100, 3_000, 30_000]) {
    const power = 10n ** BigInt(exponent);
    found.push([power, power - 1n, power + 1n].map((each) => digest(each.toString())));
  }
  return found;
};
