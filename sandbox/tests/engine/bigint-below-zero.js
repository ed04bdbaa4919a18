// A BigInt and a number, on both sides of zero and of every magnitude: a comparison answers by value.
const values = [
  -(2n ** 70n), -(2n ** 64n), -3000000000n, -5n, -1n, 0n, 1n, 5n, 3000000000n, 2n ** 64n, 2n ** 70n,
  -Infinity, -1e22, -4e9, -2.5, -1.5, -0.5, -5e-324, -0, 5e-324, 0.5, 1.5, 2.5, 4e9, 1e22, Infinity,
];

/** The place of a value on the line of numbers, by what both kinds can be turned into without a loss of order here. */
const place = (value) => (typeof value === 'bigint' ? Number(value) : value);

export default () => {
  const wrong = [];
  for (const a of values) {
    for (const b of values) {
      if (typeof a === typeof b) continue;
      const found = [a < b, a <= b, a > b, a >= b, a == b];
      const right = [place(a) < place(b), place(a) <= place(b), place(a) > place(b), place(a) >= place(b), place(a) == place(b)];
      if (String(found) !== String(right)) wrong.push(`${a} and ${b}: ${found}`);
    }
  }
  return {
    five: [-5n < -1.5, -5n > -1.5, -1.5 > -5n],
    bigger: [-3000000000n < -1.5, -3000000000n > -4000000000, -(2n ** 64n) < -0.5],
    beyond: [2n ** 53n + 1n > 2 ** 53, -(2n ** 53n) - 1n < -(2 ** 53), 2n ** 53n == 2 ** 53],
    sorted: [-1.5, -3000000000n, -4e9, -2n].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String),
    wrong,
  };
};
