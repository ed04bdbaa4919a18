/** A loan's schedule with decimal.js: interest to the cent by banker's rounding, the last rate settles what is left. */
import { Decimal } from 'decimal.js';

interface Input {
  principal: string;
  percentAYear: string;
  months: number;
  /** What other currencies the total is wanted in, and for how much of one the loan's own buys. */
  currencies: Record<string, string>;
}

const Money = Decimal.clone({ precision: 34, rounding: Decimal.ROUND_HALF_EVEN });
const cents = (amount: Decimal) => amount.toDecimalPlaces(2);

export default function (input: Input) {
  const monthly = new Money(input.percentAYear).div(1200);
  const growth = monthly.plus(1).pow(input.months);
  const rate = cents(new Money(input.principal).times(monthly).times(growth).div(growth.minus(1)));

  let rest = new Money(input.principal);
  const schedule = Array.from({ length: input.months }, (_, index) => {
    const interest = cents(rest.times(monthly));
    const paid = index === input.months - 1 ? rest.plus(interest) : rate;
    rest = rest.minus(paid.minus(interest));
    return { month: index + 1, paid: paid.toFixed(2), interest: interest.toFixed(2), rest: rest.toFixed(2) };
  });

  const total = schedule.reduce((sum, { paid }) => sum.plus(paid), new Money(0));
  return {
    rate: rate.toFixed(2),
    schedule,
    total: total.toFixed(2),
    effectivePercent: monthly.plus(1).pow(12).minus(1).times(100).toSignificantDigits(20).toString(),
    exchanged: Object.fromEntries(Object.entries(input.currencies).map(([name, quote]) => [name, total.times(quote).toFixed(2)])),
    doublesWouldSay: 0.1 + 0.2,
    exact: new Money('0.1').plus('0.2').toJSON(),
    yearsToDouble: Money.ln(2).div(Money.ln(monthly.plus(1))).div(12).toFixed(25),
    root: new Money(2).sqrt().toString(),
    huge: new Money(2).pow(300).toString(),
  };
}
