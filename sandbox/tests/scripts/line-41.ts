//@ {"fuel": 3000000}
interface Address {
  street: string;
  city?: string;
}

type Customer = {
  name: string;
  address: Address;
};

enum Level {
  Low = 1,
  High = 2,
}

abstract class Rule<T> {
  constructor(protected readonly level: Level) {}
  abstract check(value: T): boolean;
}

class CityRule extends Rule<Customer> {
  check(customer: Customer): boolean {
    return this.level > Level.Low && customer.address.city !== undefined;
  }
}

declare const unused: Customer;

export type { Customer };

function wait<T>(
  rule: Rule<T>,
  value: T,
): asserts value is T {
  rule.check(value);
  // For ever.



  while (true) {}
}

export default function main(): void {
  wait(new CityRule(Level.High), { name: 'a', address: { street: 'b' } });
}
