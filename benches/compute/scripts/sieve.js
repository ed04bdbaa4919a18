// Reads and writes of an array of small integers.
function main() {
  const limit = 40000;
  const composite = new Array(limit + 1).fill(false);
  let count = 0;
  for (let n = 2; n <= limit; n++) {
    if (composite[n]) continue;
    count++;
    for (let multiple = n * 2; multiple <= limit; multiple += n) composite[multiple] = true;
  }
  return count;
}
