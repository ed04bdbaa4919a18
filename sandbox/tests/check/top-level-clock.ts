const started = Date.now();
const today = new Date();
const text = Date();
const fixed = new Date(2024, 0, 1);
const random = Math.random();
const tick = performance.now();
class Job {
  static made = new Date();
  created = new Date();
  static { Math.random(); }
  [Math.random()] = 1;
}
const later = () => Date.now();
const bound = Math.random;
{
  const Date = { now: () => 1 };
  Date.now();
}
export default function main() {
  return [started, today, text, fixed, random, tick, Job, later, bound, Date.now(), Math.random()];
}
