import { round } from "./index";
export type Country = "DE" | "AT";
export const rateOf = (country: Country): number => round(country === "DE" ? 0.19 : 0.2);
export const lazily = () => import("./late.mjs");
