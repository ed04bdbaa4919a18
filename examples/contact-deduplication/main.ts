/**
 * Merges contacts that are the same person: two records belong together when they share an e-mail address or a
 * telephone number, or have the same name at the same company. "Together" is passed on: A~B and B~C make A~C.
 */
interface Contact {
  id: string;
  name: string;
  company?: string;
  emails?: string[];
  phones?: string[];
  updatedAt: string;
}

interface Input {
  /** The calling code of numbers that are written without one, such as "49". */
  callingCode: string;
  /** Addresses that many people share, and that therefore prove nothing. */
  sharedEmails: string[];
  contacts: Contact[];
}

const email = (text: string) => text.trim().toLowerCase();

/** "+49 (0)30 123-456", "0049 30 123456" and "030 123456" all become "+4930123456"; null if it can't be a number. */
function phone(text: string, callingCode: string): string | null {
  const compact = text.replace(/\(0\)/g, '').replace(/[\s()./-]/g, '');
  const number = compact.replace(/^00/, '+').replace(/^0/, `+${callingCode}`);
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : null;
}

/** A name without accents, case, punctuation and order: "Müller, Jörg" and "jorg muller" are equal. */
function nameKey(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return (plain.match(/\p{L}+/gu) ?? []).toSorted().join(' ');
}

function* keysOf(contact: Contact, input: Input): Generator<string> {
  for (const address of contact.emails ?? []) {
    if (!input.sharedEmails.includes(email(address))) yield `email:${email(address)}`;
  }
  for (const text of contact.phones ?? []) {
    const number = phone(text, input.callingCode);
    if (number) yield `phone:${number}`;
  }
  if (contact.company) yield `name:${nameKey(contact.name)}@${nameKey(contact.company)}`;
}

/** Sets that can be joined (union-find). The root of a set is its lowest index, so that the result keeps the order. */
class Sets {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_, index) => index);
  }

  root(index: number): number {
    while (this.parents[index] !== index) {
      this.parents[index] = this.parents[this.parents[index]];
      index = this.parents[index];
    }
    return index;
  }

  join(a: number, b: number): void {
    const [low, high] = [this.root(a), this.root(b)].sort((x, y) => x - y);
    this.parents[high] = low;
  }
}

const unique = (values: string[]) => [...new Set(values)];

/** One record of many: the newest says the name and the company, all addresses and numbers are kept. */
function merge(group: Contact[], callingCode: string) {
  const newestFirst = group.toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
  const company = newestFirst.find((contact) => contact.company)?.company;
  return {
    id: group[0].id,
    mergedFrom: group.map((contact) => contact.id),
    name: newestFirst[0].name.trim(),
    ...(company === undefined ? {} : { company }),
    emails: unique(group.flatMap((contact) => contact.emails ?? []).map(email)),
    phones: unique(group.flatMap((contact) => contact.phones ?? []).map((text) => phone(text, callingCode) ?? text.trim())),
  };
}

export default function (input: Input) {
  const { contacts } = input;
  const sets = new Sets(contacts.length);
  const owners = new Map<string, number>();
  contacts.forEach((contact, index) => {
    for (const key of keysOf(contact, input)) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, index);
      else sets.join(owner, index);
    }
  });

  const groups = new Map<number, Contact[]>();
  contacts.forEach((contact, index) => {
    const root = sets.root(index);
    const group = groups.get(root);
    if (group) group.push(contact);
    else groups.set(root, [contact]);
  });

  const merged = [...groups.values()].map((group) => merge(group, input.callingCode));
  return { before: contacts.length, after: merged.length, contacts: merged };
}
