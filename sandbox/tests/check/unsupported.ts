function logged(target: any, context: any) {
  return target;
}
@logged
class Order {
  @logged total = 1;
  @logged sum() {
    return 1;
  }
  accessor price = 1;
  static accessor rate = 1;
}
export default function main() {
  using file = open();
  await_using();
  return file;
}
async function await_using() {
  await using file = open();
  for (using item of [open()]) item;
}
function open(): any {}
namespace Counter {
  export let count = 0;
  export var other = 1, another = 2;
  export const fixed = 1;
  let inner = 2;
}
import fs = require("./fs");
import type ts = require("./ts");
import data from "./data.ts" with { type: "json" };
export { data as again } from "./data.ts" with { type: "json" };
export * from "./data.ts" with { type: "json" };
const lazily = import("./data.ts", { with: { type: "json" } });
console.log(Order, Counter, fs, data, lazily);
