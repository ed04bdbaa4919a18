//@ {"entry": "read"}
//@ {"entry": "destructure"}
//@ {"entry": "field"}
//@ {"entry": "chain"}
//@ {"entry": "call"}
//@ {"entry": "parameter"}
//@ {"entry": "undeclared"}
//@ {"entry": "constant"}
//@ {"entry": "early"}
type Box = { value?: { name: string } };
const empty: Box = {};

export function read(): string {
  const prefix: string = 'a';
  return prefix +
    empty.value!.name;
}
export function destructure(): unknown {
  const nothing: { a: number } | null = null;
  const { a } = nothing!;
  return a;
}
export function field(): unknown {
  class Holder {
    first: number = 1;
    second: string = (empty as any).value.name;
  }
  return new Holder();
}
export function chain(): unknown {
  const order = { customer: null } as any;
  return order
    .customer
    .address
    .city;
}
export function call(): unknown {
  const order = { total: 5 } as any;
  return order
    .total
    .sum(1, 2);
}
export function parameter(): unknown {
  const name = ({ first }: { first: string }, { last }: any) => first + last;
  return name({ first: 'a' }, undefined);
}
export function undeclared(): unknown {
  return typeof (globalThis as any).nowhere === 'undefined' ? (0, eval)('nowhere + 1') : 0;
}
export function constant(): unknown {
  return Object.freeze([1]).push(2);
}
export function early(): unknown {
  const before = (): number => late;
  const value = before();
  const late = 1;
  return value + late;
}
