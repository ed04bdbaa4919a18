/**
 * Three-way matching: an invoice is posted when what it bills was ordered, has arrived, wasn't billed before, and costs what was agreed.
 * Prices may differ by the smaller of two tolerances; quantities may not. All amounts are whole cents.
 */
interface OrderLine {
  order: string;
  line: number;
  sku: string;
  ordered: number;
  received: number;
  billed: number;
  unitPrice: number;
}

interface Invoice {
  number: string;
  supplier: string;
  order: string;
  lines: { line?: number; sku: string; quantity: number; unitPrice: number }[];
  freight: number;
  total: number;
}

interface Input {
  tolerance: { percent: number; cents: number; freightCents: number };
  postedInvoices: { supplier: string; number: string }[];
  orders: { number: string; supplier: string }[];
  orderLines: OrderLine[];
  invoices: Invoice[];
}

type Discrepancy = { kind: string; line?: number; [detail: string]: unknown };

/** Suppliers write one number in many ways: "RE-00815" and "re 815" are the same. */
const normalise = (number: string) => number.toUpperCase().replace(/[^A-Z0-9]/g, '').replace(/(?<!\d)0+(?=\d)/g, '');

class Ledger {
  readonly #posted: Set<string>;
  readonly #lines: Map<string, OrderLine[]>;
  readonly #suppliers: Map<string, string>;

  constructor(private readonly input: Input) {
    this.#posted = new Set(input.postedInvoices.map(Ledger.#key));
    this.#lines = Map.groupBy(input.orderLines.map((line) => ({ ...line })), (line) => line.order);
    this.#suppliers = new Map(input.orders.map(({ number, supplier }) => [number, supplier]));
  }

  static #key({ supplier, number }: { supplier: string; number: string }): string {
    return `${supplier}/${normalise(number)}`;
  }

  match(invoice: Invoice) {
    const discrepancies = [...this.#check(invoice)];
    if (discrepancies.length > 0) return { invoice: invoice.number, decision: 'hold', discrepancies };

    // Only a posted invoice uses up what was received: the next one of this run must see it.
    this.#posted.add(Ledger.#key(invoice));
    for (const line of invoice.lines) this.#find(invoice.order, line)!.billed += line.quantity;
    return { invoice: invoice.number, decision: 'post', discrepancies };
  }

  #find(order: string, wanted: { line?: number; sku: string }): OrderLine | undefined {
    const lines = this.#lines.get(order) ?? [];
    if (wanted.line !== undefined) return lines.find(({ line }) => line === wanted.line);
    const bySku = lines.filter(({ sku }) => sku === wanted.sku);
    return bySku.length === 1 ? bySku[0] : undefined;
  }

  *#check(invoice: Invoice): Generator<Discrepancy> {
    if (this.#posted.has(Ledger.#key(invoice))) yield { kind: 'duplicate' };
    const supplier = this.#suppliers.get(invoice.order);
    if (supplier === undefined) return yield { kind: 'unknown order', order: invoice.order };
    if (supplier !== invoice.supplier) yield { kind: 'other supplier', ordered: supplier, invoiced: invoice.supplier };

    const { percent, cents, freightCents } = this.input.tolerance;
    const billedNow = new Map<OrderLine, number>();
    let sum = invoice.freight;
    for (const { line: number, sku, quantity, unitPrice } of invoice.lines) {
      sum += quantity * unitPrice;
      const line = this.#find(invoice.order, { line: number, sku });
      if (!line) {
        yield { kind: 'not ordered', sku };
        continue;
      }
      if (line.sku !== sku) yield { kind: 'other article', line: line.line, ordered: line.sku, invoiced: sku };

      const billed = (billedNow.get(line) ?? 0) + quantity;
      billedNow.set(line, billed);
      const open = line.received - line.billed;
      if (billed > open) yield { kind: 'quantity', line: line.line, invoiced: billed, open, stillToCome: line.ordered - line.received };

      const over = unitPrice - line.unitPrice;
      if (over * 100 > line.unitPrice * percent || over > cents) {
        yield { kind: 'price', line: line.line, agreed: line.unitPrice, invoiced: unitPrice, tooMuch: over * quantity };
      }
    }
    if (invoice.freight > freightCents) yield { kind: 'freight', invoiced: invoice.freight, allowed: freightCents };
    if (sum !== invoice.total) yield { kind: 'sum', stated: invoice.total, computed: sum };
  }
}

export default function (input: Input) {
  const ledger = new Ledger(input);
  const results = input.invoices.map((invoice) => ledger.match(invoice));
  const post = results.filter(({ decision }) => decision === 'post').length;
  return { post, hold: results.length - post, results };
}
