/**
 * A script as other platforms want it: no modules, a global function `main`, results put together the old way.
 * It runs here as it is.
 */
var WEIGHTS: { [rule: string]: number } = { lateDays: 2, overLimit: 35, newCustomer: 15, disputed: 20, guarantee: -25 };

type Account = {
  id: string;
  since: number;
  limit: number;
  items: { amount: number; lateDays: number; disputed?: boolean }[];
  guarantee?: boolean;
};

function sumOf(items: Account['items']) {
  var sum = 0;
  for (var i = 0; i < items.length; i++) sum += items[i].amount;
  return sum;
}

function scoreOf(account: Account, year: number) {
  var reasons: { rule: string; points: number }[] = [];
  function add(rule: string, times: number) {
    if (times > 0) reasons.push({ rule: rule, points: WEIGHTS[rule] * times });
  }
  var latest = Math.max.apply(null, [0].concat(account.items.map(function (item) { return item.lateDays; })));
  add('lateDays', Math.min(latest, 30));
  add('overLimit', sumOf(account.items) > account.limit ? 1 : 0);
  add('newCustomer', year - account.since < 2 ? 1 : 0);
  add('disputed', account.items.filter(function (item) { return item.disputed === true; }).length);
  add('guarantee', account.guarantee ? 1 : 0);

  var score = reasons.reduce(function (sum, reason) { return sum + reason.points; }, 0);
  score = Math.max(0, Math.min(100, score));
  return { id: account.id, score: score, class: 'ABCD'.charAt(Math.min(3, Math.floor(score / 25))), reasons: reasons };
}

function main(input: { year: number; accounts: Account[] }) {
  return {
    accounts: input.accounts.map(function (account) { return scoreOf(account, input.year); }),
  };
}
