//@ {"input": {"status": "open", "due": "2026-03-31", "amount": "5", "lines": [{"qty": 1}], "customer": {"name": "Ada"}, "total": 5}}
// What the commonest mistakes are told: what failed, by its name in the script.
interface Order {
  [name: string]: any;
}
declare const Nothing: any;

class Discount {
  #rate = 1;
  static rate(of: any) { return of.#rate; }
  static set(of: any) { of.#rate = 2; }
  static half(of: any) { return of.#half(); }
  #half() { return 0.5; }
}
const helpers: any = { made: () => ({}), list: [1], 'a b': {} };

function mistakes(order: Order): Record<string, () => unknown> {
  const { due } = order;
  const key = 'missing', index = 3;
  return {
    method: () => order.lines.sum(),
    methodOfText: () => order.status.equals('open'),
    methodInOtherCase: () => order.status.toUppercase(),
    methodMisspelt: () => order.lines.fliter(Boolean),
    lengthCalled: () => order.lines.length(),
    dateIsText: () => due.getDate(),
    dateIsTextInOrder: () => order.due.getFullYear() + 1,
    amountIsText: () => order.amount.toFixed(2),
    numberIsNoText: () => order.total.padStart(3),
    objectIsNoArray: () => order.customer.map((x: any) => x),
    mapIsNoArray: () => (new Map() as any).filter(Boolean),
    promiseIsNoValue: () => (Promise.resolve([]) as any).map(Boolean),
    variable: () => { const f: any = 5; f(); },
    undefinedVariable: () => { let later: any; later(1, 2); },
    global: () => (globalThis as any).nowhere(),
    element: () => order.lines[index].total(),
    elementByKey: () => order[key](),
    elementByText: () => helpers['a b'](),
    result: () => helpers.made().go(),
    ofResult: () => helpers.made()(),
    chain: () => order.customer?.address(),
    longChain: () => order.customer?.address.city(),
    choice: () => (order.total > 1 ? order.lines : order.customer).nothing(),
    either: () => (order.missing || order.lines).nothing(),
    tagged: () => order.lines`x`,
    spreadCall: () => order.lines.go(...order.lines),
    thisMethod: () => helpers.list.forEach(function (this: any) { this.go(); }, { name: 1 }),
    callback: () => order.lines.map(order.handler),
    sortBy: () => order.lines.sort('qty'),
    construct: () => new order.Discount(),
    constructArrow: () => new helpers.made(),
    constructNothing: () => { const Shop: any = null; return new Shop(1); },
    missingNew: () => (Discount as any)(),
    missingNewBuiltIn: () => (Map as any)(),
    extendNothing: () => class extends order.Base {},
    forOf: () => { for (const x of order.customer) x; },
    forOfUndefined: () => { for (const x of order.tags) x; },
    forOfNumber: () => { for (const x of order.total) x; },
    spread: () => [...order.tags],
    spreadNull: () => { const tags: any = null; return Math.max(...tags); },
    spreadOptional: () => [...order?.tags],
    destructureArray: () => { const [a] = order.tags; return a; },
    destructureCall: () => { const [a] = helpers.made(); return a; },
    newMap: () => new Map(order.total),
    newSet: () => new Set(order.customer),
    fromEntries: () => Object.fromEntries(order.tags),
    promiseAll: () => Array.from(new Set(order.total)),
    readUndefined: () => order.line.qty,
    readNull: () => { const line: any = null; return line.qty; },
    readElement: () => order.lines[index].qty,
    readByKey: () => order.missing[key],
    readLength: () => order.tags.length,
    readOfResult: () => helpers.made().a.b,
    readOfAwait: () => order.missing.then.x,
    callOfUndefined: () => order.missing.go(),
    setUndefined: () => { order.line.qty = 1; },
    setElement: () => { order.rows[0] = 1; },
    addTo: () => { order.line.qty += 1; },
    setByKey: () => { order.rows[key] = 1; },
    addByKey: () => { order.rows[key] += 1; },
    justAssigned: () => { const line = order.line; return line.price.net; },
    ofThis: function (this: any) { const that = this; return that.order.total; },
    inArgument: () => order.lines.push(order.total > 1 ? 1 : 2, order.line.qty),
    callBeforeChoice: () => order.lines.add(order.total > 1 ? 1 : 2),
    constant: () => { const limit = 1; (limit as any) = 2; },
    notAnEntry: () => new Map([order.total]),
    destructure: () => { const { city } = order.customer.address; return city; },
    destructureDeep: () => { const { customer: { address: { city } } } = order as any; return city; },
    destructureParameter: () => (({ customer: { address: { city } } }: any) => city)(order),
    destructureNothing: () => { const {} = order.missing; },
    entries: () => Object.entries(order.missing),
    in: () => 'name' in order.status,
    inUndefined: () => 'name' in order.missing,
    instanceOf: () => order instanceof order.Discount,
    instanceOfObject: () => order instanceof (helpers.list as any),
    reduce: () => ([] as number[]).reduce((a, b) => a + b),
    reduceRight: () => ([] as number[]).reduceRight((a, b) => a + b),
    jsonOfObject: () => JSON.parse(order as any).status,
    jsonOfUndefined: () => JSON.parse(order.missing),
    jsonOfArray: () => JSON.parse(order.lines.concat(1)),
    jsonOfText: () => JSON.parse('hello world'),
    jsonCut: () => JSON.parse('{"a": 1'),
    bigIntMixed: () => 1n + (order.total as any),
    bigIntOfFraction: () => BigInt(1.5),
    bigIntOfText: () => BigInt('1.5'),
    bigIntOfUndefined: () => BigInt(order.missing),
    bigIntPlus: () => +(1n as any),
    bigIntMax: () => Math.max(1n as any),
    bigIntByZero: () => 1n / 0n,
    bigIntShift: () => 1n >>> 0n,
    privateOfAnother: () => Discount.rate(order),
    privateOfNothing: () => Discount.rate(undefined),
    privateSet: () => Discount.set({}),
    privateMethod: () => Discount.half({}),
    frozen: () => { const o: any = Object.freeze({ a: 1 }); o.b = 2; },
    frozenAssigned: () => { const o: any = Object.freeze({ a: 1 }); o.a = 2; },
    early: () => { const f = () => value; f(); const value = 1; },
    date: () => new Date(order.status).toISOString(),
    undeclared: () => Nothing.go(),
    text: () => String(Symbol('a') as any + ''),
  };
}

export default (order: Order) =>
  Object.fromEntries(
    Object.entries(mistakes(order)).map(([name, run]) => {
      try {
        return [name, `no error, but ${typeof run()}`];
      } catch (error: any) {
        return [name, `${error.name}: ${error.message}`];
      }
    }),
  );
