// The same operations in Node: `node node.mjs FILTER SIZES...` prints a line of JSON for each, its name and the microseconds
// of processor time that it takes at each size: the least of several runs. What takes long is not tried at the next size.
import { operations } from './operations.js';

const ENOUGH_US = 30_000;
const LONG_US = 500_000;
const [filter, ...sizes] = process.argv.slice(2);

for (const [name, [prepare, run]] of operations) {
  if (!name.includes(filter)) continue;
  const times = [];
  for (const size of sizes.map(Number)) {
    let least = Infinity;
    let spent = 0;
    try {
      for (let runs = 0; runs < 50 && (runs < 3 || spent < ENOUGH_US) && spent < 2 * LONG_US; runs++) {
        const data = prepare(size);
        const began = process.cpuUsage();
        await run(data, size);
        const { user, system } = process.cpuUsage(began);
        least = Math.min(least, user + system);
        spent += user + system;
      }
    } catch {
      // What this Node lacks or refuses has no time.
      break;
    }
    times.push(least);
    if (least > LONG_US / 10) break;
  }
  console.log(JSON.stringify({ name, times }));
}
