import { rate, Rate, ratte, type Country, helper } from "./tax";
import tax from "./tax";
import lib, { deep, hidden, late } from "./lib";
export { Country, rate as vat } from "./tax";
import { Country as Land } from "./tax";
export { Land };
import * as all from "./lib";
import { anything } from "./broken";
export default (country: Country) => [rate, Rate, ratte, helper, tax, lib, deep, hidden, late, all.missing, anything];
