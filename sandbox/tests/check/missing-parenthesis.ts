export default function discount(total: number) {
  if (total > 100 {
    return total * 0.9;
  }
  return total;
}
