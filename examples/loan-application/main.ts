/**
 * Checks a form and reports every mistake at once, each with the path of its field and a code that a page can translate.
 * Rules of one field come first; rules that compare fields run only where those fields are right.
 */
interface Mistake {
  path: string;
  code: string;
  message: string;
}

type Rule = (value: unknown) => [code: string, message: string] | null;

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

const text = (max: number): Rule => (value) =>
  !isText(value) ? ['required', 'is required']
  : value.length > max ? ['too_long', `has ${value.length} characters, at most ${max} are allowed`]
  : null;

const pattern = (expression: RegExp, example: string): Rule => (value) =>
  !isText(value) ? ['required', 'is required']
  : !expression.test(value) ? ['format', `must look like ${example}`]
  : null;

const integer = (min: number, max: number): Rule => (value) =>
  typeof value !== 'number' || !Number.isInteger(value) ? ['type', 'must be a whole number']
  : value < min || value > max ? ['range', `must be from ${min} to ${max}`]
  : null;

const oneOf = (...choices: string[]): Rule => (value) =>
  choices.includes(value as string) ? null : ['choice', `must be one of ${choices.join(', ')}`];

const date: Rule = (value) => {
  const shape = pattern(/^\d{4}-\d{2}-\d{2}$/, '1990-12-31')(value);
  if (shape) return shape;
  const parsed = new Date(`${value}T00:00:00Z`);
  const exists = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(value as string);
  return exists ? null : ['no_such_day', 'is not in the calendar'];
};

/** ISO 13616: the country and check digits go to the end, letters become two digits, the rest of a division by 97 is 1. */
const iban: Rule = (value) => {
  if (!isText(value)) return ['required', 'is required'];
  const compact = value.replace(/\s/g, '').toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(compact)) return ['format', 'must look like DE89 3704 0044 0532 0130 00'];
  const digits = (compact.slice(4) + compact.slice(0, 4)).replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return BigInt(digits) % 97n === 1n ? null : ['checksum', 'has a wrong check digit'];
};

const optional = (rule: Rule): Rule => (value) => (value === undefined || value === null || value === '' ? null : rule(value));

const applicant: Record<string, Rule> = {
  name: text(60),
  birthDate: date,
  email: pattern(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'name@example.com'),
  phone: optional(pattern(/^\+\d[\d ]{6,18}$/, '+49 30 123456')),
  country: oneOf('AT', 'CH', 'DE'),
  postcode: text(10),
  iban,
  netIncome: integer(0, 1_000_000),
};

const loan: Record<string, Rule> = {
  amount: integer(1_000, 75_000),
  months: integer(12, 120),
  purpose: oneOf('car', 'home', 'education', 'other'),
  existingRates: integer(0, 1_000_000),
};

const postcodes: Record<string, RegExp> = { AT: /^\d{4}$/, CH: /^\d{4}$/, DE: /^\d{5}$/ };

function ageOn(today: string, birthDate: string): number {
  const years = Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return today.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

/** The rate of a loan paid back in equal parts, in whole euros, rounded up. */
function monthlyRate(amount: number, months: number, percentAYear: number): number {
  const monthly = percentAYear / 100 / 12;
  return Math.ceil((amount * monthly) / (1 - (1 + monthly) ** -months));
}

interface Form {
  applicants?: unknown;
  loan?: unknown;
  consent?: unknown;
}

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

export default function ({ form, today, percentAYear }: { form: Form; today: string; percentAYear: number }) {
  const mistakes: Mistake[] = [];
  const report = (path: string, code: string, message: string) => mistakes.push({ path, code, message });
  const check = (path: string, fields: Fields, rules: Record<string, Rule>) => {
    for (const [name, rule] of Object.entries(rules)) {
      const mistake = rule(fields[name]);
      if (mistake) report(`${path}.${name}`, ...mistake);
    }
    for (const name of Object.keys(fields)) {
      if (!Object.hasOwn(rules, name)) report(`${path}.${name}`, 'unknown', 'is not a field of this form');
    }
  };
  const right = (...paths: string[]) => !mistakes.some(({ path }) => paths.includes(path));

  const people = Array.isArray(form.applicants) ? form.applicants.map(fieldsOf) : [];
  if (people.length < 1 || people.length > 2) report('applicants', 'count', 'must be one or two people');

  people.forEach((person, index) => {
    const path = `applicants[${index}]`;
    check(path, person, applicant);
    if (right(`${path}.country`, `${path}.postcode`) && !postcodes[person.country as string].test(person.postcode as string)) {
      report(`${path}.postcode`, 'format', `is not a postcode of ${person.country}`);
    }
    if (right(`${path}.birthDate`)) {
      const age = ageOn(today, person.birthDate as string);
      if (age < 18) report(`${path}.birthDate`, 'too_young', `makes the applicant ${age}, 18 is the least`);
    }
  });

  const wanted = fieldsOf(form.loan);
  check('loan', wanted, loan);
  if (form.consent !== true) report('consent', 'required', 'must be given');

  let rate: number | null = null;
  const incomes = people.map((_, index) => `applicants[${index}].netIncome`);
  if (people.length > 0 && right('loan.amount', 'loan.months', 'loan.existingRates', ...incomes)) {
    rate = monthlyRate(wanted.amount as number, wanted.months as number, percentAYear);
    const income = people.reduce((sum, person) => sum + (person.netIncome as number), 0);
    const burden = rate + (wanted.existingRates as number);
    if (burden > income * 0.4) report('loan', 'unaffordable', `means ${burden} a month, at most 40 % of ${income} are allowed`);
  }

  return { valid: mistakes.length === 0, rate, mistakes };
}
