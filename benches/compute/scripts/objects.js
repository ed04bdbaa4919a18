// Classes, methods and closures.
class Account {
  constructor(id) {
    this.id = id;
    this.balance = 0;
    this.entries = 0;
  }

  book(amount) {
    this.balance += amount;
    this.entries++;
    return this;
  }
}

function main() {
  const accounts = Array.from({ length: 200 }, (_, id) => new Account(id));
  for (let round = 0; round < 60; round++) {
    accounts.forEach((account, index) => account.book((index * 7 + round) % 100).book(-1));
  }
  return accounts.filter((account) => account.balance > 2500).reduce((sum, account) => sum + account.balance, 0);
}
