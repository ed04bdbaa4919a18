/**
 * A month's payslips: gross pay from hours, then tax and contributions from the modules beside this one.
 * A bundle holds this file and everything it imports; imports are relative and name the file.
 */
import { format, fromText, portion, type Cents } from './lib/money.ts';
import { contributions, incomeTax, type Rules } from './lib/tax.ts';

interface Employee {
  id: string;
  name: string;
  taxClass: string;
  /** Either a salary or hours at a rate. */
  salary?: string;
  hourly?: { rate: string; hours: number; nightHours: number };
  benefits?: { label: string; amount: string }[];
}

function grossOf(employee: Employee, nightBonusPercent: string): Cents {
  const benefits = (employee.benefits ?? []).reduce((sum, { amount }) => sum + fromText(amount), 0n);
  if (employee.salary !== undefined) return fromText(employee.salary) + benefits;
  if (!employee.hourly) throw new RangeError(`${employee.id} has neither a salary nor hours`);
  const { rate, hours, nightHours } = employee.hourly;
  // Hours are booked in quarters, so four times an hour is whole.
  const quarters = BigInt(hours * 4);
  const base = portion(fromText(rate), quarters, 4n);
  const bonus = portion(portion(fromText(rate), BigInt(nightHours * 4), 4n), fromText(nightBonusPercent), 100_00n);
  return base + bonus + benefits;
}

export default function (input: { month: string; nightBonusPercent: string; rules: Rules; employees: Employee[] }) {
  const slips = input.employees.map((employee) => {
    const gross = grossOf(employee, input.nightBonusPercent);
    const tax = incomeTax(gross, employee.taxClass, input.rules);
    const social = contributions(gross, input.rules);
    const deducted = social.reduce((sum, { amount }) => sum + amount, tax);
    return { employee, gross, tax, social, net: gross - deducted };
  });

  return {
    month: input.month,
    slips: slips.map(({ employee, gross, tax, social, net }) => ({
      employee: employee.id,
      name: employee.name,
      gross: format(gross),
      tax: format(tax),
      contributions: Object.fromEntries(social.map(({ name, amount }) => [name, format(amount)])),
      net: format(net),
    })),
    transfer: format(slips.reduce((sum, { net }) => sum + net, 0n)),
  };
}
