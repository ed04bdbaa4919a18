declare const settings: { rate: number };
declare function translate(text: string): string;
interface Customer { name: string }
const customer = { name: "Ada" };
export default function main(input: string[]) {
  console.log(custmer.name, consoel, inptu);
  if (typeof Buffer !== "undefined" && typeof maybe !== "undefined") return maybe(Buffer);
  const known = [process, require, window, fetch, toString, hasOwnProperty, Intl, structuredClone];
  invoiced = 3;
  globalThis.shared = 1;
  for (const line of input) totl += line.length;
  let total = 1;
  return [known, shared, settings.rate, translate("x"), Customer, setTimout, someCompletelyOtherThing, someCompletelyOtherThing];
}
