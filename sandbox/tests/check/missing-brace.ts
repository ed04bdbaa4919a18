export default function total(order: { lines: { price: number; count: number }[] }) {
  let sum = 0;
  for (const line of order.lines) {
    sum += line.price * line.count;
  return sum;
}
