//@ {}
//@ {"entry": "other"}
interface Rates {
  normal: number;
}

const rates: Rates = load('{"normal": ');

function load(text: string): Rates {
  return JSON.parse(text) as Rates;
}

export default (): number => rates.normal;
export const other = (): number => 1;
