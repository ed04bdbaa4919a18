// Regular expressions.
function main() {
  const lines = Array.from({ length: 400 }, (_, i) => `2026-0${(i % 9) + 1}-1${i % 10} ERROR [unit-${i % 7}] took ${i * 3}ms at 10.0.${i % 255}.1`);
  const pattern = /^(\d{4})-(\d{2})-(\d{2}) (\w+) \[([\w-]+)\] took (\d+)ms/;
  let sum = 0;
  for (const line of lines) {
    const match = pattern.exec(line);
    sum += Number(match[6]) + match[5].length + line.replace(/\d+/g, '#').length;
  }
  return sum;
}
