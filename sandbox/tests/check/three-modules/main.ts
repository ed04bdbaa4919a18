import { rateOf, type Country } from "./lib/tax.js";
import { round } from "./lib/index.ts";
import type { Unused } from "./types";
export default function main(input: { net: number; country: Country }) {
  return round(input.net * (1 + rateOf(input.country)));
}
