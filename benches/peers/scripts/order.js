// An order of some lines: discounts by quantity, tax by country, money in cents.
const TAX = { DE: 19, AT: 20, CH: 8.1, FR: 20 };
const TIERS = [
  { from: 100, percent: 12 },
  { from: 50, percent: 8 },
  { from: 10, percent: 3 },
];

function discount(quantity) {
  const tier = TIERS.find((tier) => quantity >= tier.from);
  return tier ? tier.percent : 0;
}

function cents(amount) {
  return Math.round(amount * 100);
}

function main(order) {
  const rate = TAX[order.country];
  if (rate === undefined) throw new Error(`no tax rate for ${order.country}`);
  const lines = order.lines.map((line, index) => {
    const gross = cents(line.price) * line.quantity;
    const reduced = gross - Math.round((gross * discount(line.quantity)) / 100);
    return { number: index + 1, sku: line.sku.trim().toUpperCase(), net: reduced, tax: Math.round((reduced * rate) / 100) };
  });
  const bySku = new Map();
  for (const line of lines) {
    bySku.set(line.sku, (bySku.get(line.sku) ?? 0) + line.net);
  }
  const net = lines.reduce((sum, line) => sum + line.net, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax, 0);
  return {
    order: order.id,
    lines,
    net,
    tax,
    total: net + tax,
    text: `${order.customer.name}: ${((net + tax) / 100).toFixed(2)} ${order.currency}`,
    best: [...bySku].sort((a, b) => b[1] - a[1]).slice(0, 3).map(([sku]) => sku),
  };
}
