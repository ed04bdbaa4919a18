/**
 * The total of an order: discounts by line, a voucher, shipping and VAT by rate, exact to the cent.
 * Amounts are bigint cents (prices include no VAT); they become text only on the way in and out.
 */
interface Line { sku: string; quantity: number; unitPrice: string; vatPercent: string; discountPercent?: string }
interface Order {
  id: string;
  currency: string;
  lines: Line[];
  tiers: { minimum: string; percent: string }[];
  voucher?: { code: string; amount: string };
  shipping: { price: string; vatPercent: string; freeFrom: string };
}

/** Reads "12.5" with two digits as 1250n, and refuses what would have to be rounded. */
function parse(text: string, what: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text);
  if (!match) throw new RangeError(`${what} is not an amount with at most two decimals: ${text}`);
  return BigInt(match[1] + (match[2] ?? '').padEnd(2, '0'));
}

function format(cents: bigint): string {
  const digits = String(cents).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A part of an amount, a half cent rounded up. */
const portion = (amount: bigint, part: bigint, whole: bigint) => (2n * amount * part + whole) / (2n * whole);
const percent = (amount: bigint, hundredths: bigint) => portion(amount, hundredths, 100_00n);
const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

/** Takes `discount` off `amounts` in proportion; cents that are left over go to the largest remainders. */
function spread(discount: bigint, amounts: bigint[]): bigint[] {
  const total = sum(amounts);
  if (total === 0n) return amounts;
  const parts = amounts.map((amount) => (discount * amount) / total);
  const order = amounts
    .map((amount, index) => ({ index, remainder: (discount * amount) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (let left = Number(discount - sum(parts)), i = 0; i < left; i++) parts[order[i].index] += 1n;
  return amounts.map((amount, index) => amount - parts[index]);
}

export default function (order: Order) {
  const lines = order.lines.map((line) => {
    if (!Number.isSafeInteger(line.quantity) || line.quantity < 1) throw new RangeError(`${line.sku}: quantity ${line.quantity}`);
    const gross = parse(line.unitPrice, line.sku) * BigInt(line.quantity);
    return { ...line, net: gross - percent(gross, parse(line.discountPercent ?? '0', line.sku)) };
  });
  const goods = sum(lines.map((line) => line.net));

  const tier = order.tiers
    .filter((tier) => parse(tier.minimum, 'tier') <= goods)
    .reduce((best, tier) => (parse(tier.percent, 'tier') > best ? parse(tier.percent, 'tier') : best), 0n);
  const tierDiscount = percent(goods, tier);
  const wished = order.voucher ? parse(order.voucher.amount, order.voucher.code) : 0n;
  const voucher = wished > goods - tierDiscount ? goods - tierDiscount : wished;

  const nets = spread(tierDiscount + voucher, lines.map((line) => line.net));
  const shipping = sum(nets) >= parse(order.shipping.freeFrom, 'shipping') ? 0n : parse(order.shipping.price, 'shipping');

  // VAT is due on what is really paid, so it comes after every discount, and is rounded once for each rate.
  const bases = new Map<string, bigint>();
  const charge = (rate: string, net: bigint) => bases.set(rate, (bases.get(rate) ?? 0n) + net);
  lines.forEach((line, index) => charge(line.vatPercent, nets[index]));
  if (shipping > 0n) charge(order.shipping.vatPercent, shipping);
  const vat = [...bases].map(([rate, base]) => ({ rate, base, tax: percent(base, parse(rate, 'VAT')) }));

  return {
    id: order.id,
    currency: order.currency,
    lines: lines.map((line, index) => ({ sku: line.sku, net: format(line.net), paid: format(nets[index]) })),
    goods: format(goods),
    tierDiscount: format(tierDiscount),
    voucher: format(voucher),
    shipping: format(shipping),
    vat: vat.map(({ rate, base, tax }) => ({ rate, base: format(base), tax: format(tax) })),
    total: format(sum(nets) + shipping + sum(vat.map(({ tax }) => tax))),
  };
}
