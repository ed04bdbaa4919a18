// A classic script: `accessor` is written out here as well, and the lines stay the author's.
class Counter {
  accessor count = 0
  static accessor made = 1
  up() { return ++this.count; }
}
function main() {
  using held = { [Symbol.dispose]() { counter.up(); } };
  const counter = new Counter();
  counter.up();
  Counter.made++;
  if (counter.count === 1) return [counter.count, Counter.made, main.caller === undefined, missing.name];
}
