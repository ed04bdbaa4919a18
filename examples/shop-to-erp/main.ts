/**
 * Turns an order as a web shop sends it into the document that an ERP system takes: other names, fixed-width numbers,
 * codes instead of words, partners and conditions as lists. What has no counterpart is a warning, never dropped in silence.
 */
interface Address {
  firstName?: string;
  lastName?: string;
  company?: string;
  street: string;
  postcode: string;
  city: string;
  country: string;
}

interface ShopOrder {
  number: number;
  createdAt: string;
  currency: string;
  customer: { id: number; email: string; vatId?: string | null };
  billing: Address;
  shipping?: Address | null;
  lines: {
    article: string;
    title: string;
    quantity: number;
    unit: string;
    /** Cents for each unit. */
    price: number;
    options?: Record<string, string | number | boolean>;
  }[];
  discounts?: { label: string; cents: number }[];
  payment: string;
  note?: string;
  [other: string]: unknown;
}

const units: Record<string, string> = { piece: 'ST', pair: 'PAA', metre: 'M', kilogram: 'KG' };
const payments = { invoice: 'Z030', card: 'Z000', 'direct-debit': 'ZLAS' } as const satisfies Record<string, string>;

const known = new Set(['number', 'createdAt', 'currency', 'customer', 'billing', 'shipping', 'lines', 'discounts', 'payment', 'note']);

/** Numbers of the ERP are text of a fixed width. */
const digits = (value: number, width: number) => {
  const text = String(value);
  if (!/^\d+$/.test(text) || text.length > width) throw new RangeError(`${value} is no number of at most ${width} digits`);
  return text.padStart(width, '0');
};

const amount = (cents: number) => `${cents < 0 ? '-' : ''}${Math.floor(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;

/** The ERP's date: the day in UTC, without separators. */
const day = (iso: string) => new Date(iso).toISOString().slice(0, 10).replaceAll('-', '');

/** Leaves out what is undefined, null or empty text: the ERP takes an empty field as "delete this". */
function compact<T extends object>(record: T): Partial<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== null && value !== '')) as Partial<T>;
}

/** Cuts text into lines of at most `width` characters, at spaces where there are any. */
function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else for (let at = 0; at < word.length; at += width) lines.push(word.slice(at, at + width));
  }
  return lines;
}

function partner(role: 'AG' | 'RE' | 'WE', address: Address, customer: ShopOrder['customer']) {
  const person = [address.firstName, address.lastName].filter(Boolean).join(' ');
  return compact({
    PARVW: role,
    KUNNR: digits(customer.id, 10),
    NAME1: address.company ?? person,
    NAME2: address.company ? person : undefined,
    STRAS: address.street,
    PSTLZ: address.postcode,
    ORT01: address.city,
    LAND1: address.country,
    STCEG: role === 'RE' ? customer.vatId : undefined,
  });
}

function convert(order: ShopOrder) {
  const warnings: string[] = Object.keys(order).filter((key) => !known.has(key)).map((key) => `field ${key} has no counterpart`);
  const code = <T extends Record<string, string>>(table: T, word: string, fallback: string, what: string) => {
    if (Object.hasOwn(table, word)) return table[word];
    warnings.push(`${what} ${word} is unknown, ${fallback} was taken`);
    return fallback;
  };

  const items = order.lines.map((line, index) => compact({
    POSNR: digits((index + 1) * 10, 6),
    MATNR: line.article.toUpperCase(),
    ARKTX: line.title.slice(0, 40),
    KWMENG: line.quantity.toFixed(3),
    VRKME: code(units, line.unit, 'ST', 'unit'),
    NETPR: amount(line.price),
    CONFIG: line.options && Object.entries(line.options)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ ATNAM: name.toUpperCase(), ATWRT: value === true ? 'X' : value === false ? '' : String(value) })),
  }));

  const document = compact({
    HEADER: compact({
      BSTKD: `WEB-${order.number}`,
      AUDAT: day(order.createdAt),
      WAERK: order.currency,
      ZTERM: code(payments, order.payment, 'Z000', 'payment'),
    }),
    PARTNERS: [
      partner('AG', order.billing, order.customer),
      partner('RE', order.billing, order.customer),
      partner('WE', order.shipping ?? order.billing, order.customer),
    ],
    ITEMS: items,
    CONDITIONS: order.discounts?.map(({ label, cents }) => ({ KSCHL: 'ZRAB', VTEXT: label, KBETR: amount(-cents) })),
    TEXTS: order.note && fold(order.note, 40).map((line) => ({ TDFORMAT: '*', TDLINE: line })),
  });
  return { document, warnings };
}

export default (input: { orders: ShopOrder[] }) => input.orders.map(convert);
