export default function main(amount: number) {
  const rate = 0.19;
  let amount = 3;
  let rate = 0.07;
  return amount * rate;
}
class main {}
