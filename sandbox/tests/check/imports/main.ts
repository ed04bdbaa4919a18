import { rate } from "./tax";
import { round } from "./lib/rounding.ts";
import lodash from "lodash";
import { readFile } from "node:fs/promises";
import "../outside.ts";
import { onlyAType } from "somewhere/types";
import type { Config } from "a-package-of-types";
import { z } from "https://esm.sh/zod";
export { gross } from "./lib/taxe.ts";
export * from "./lib";
const lazily = () => import("./lib/lazy.ts");
const template = () => import(`./lib/lazy`);
const optional = () => import("node:crypto");
const missing = () => import("./lib/missing.ts");
const computed = (name: string) => import("./lib/" + name);
export default function main(input: onlyAType, config: Config) {
  return [rate, round, lodash, readFile, z, lazily, template, optional, missing, computed];
}
