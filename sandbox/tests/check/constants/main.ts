import base, { rate, type Kind } from "./tax.ts";
import * as tax from "./tax.ts";

const limit = 10;
const [first, { second = 2, ...rest }] = [1, {} as any];
limit = 11;
limit++;
limit += 1;
limit ??= 1;
(limit as number) = 12;
(<any>limit) = 13;
limit! = 14;
[first] = [1];
({ second, x: rest.y, z: rest } = {} as any);
for (limit of [1, 2]) {}
for (const index = 0; index < 3; index++) {}
for (const item of [1]) item = 2;
rate = 1;
base = 1;
tax = 1;
tax.rate = 1;
rest.allowed = 1;
export let changes = 1;
changes = 2;
export function later() {
  limit = 1;
  { let limit = 2; limit = 3; }
  const shadow = (limit: number) => (limit = 4);
  return shadow;
}
