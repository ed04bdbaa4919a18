export default function total(price: number, count: number) {
  const sum = price * ;
  return sum;
}
