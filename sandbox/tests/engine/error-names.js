// What an error is about is named: the path in JSON.stringify, what is deleted or set, the pattern that is none.
const input = { text: 'abc', customer: null, lines: [1, { 'unit price': 5n }] };
const circle = { list: [] };
circle.list.push({ circle });
const fixed = { get total() { return 1; } };
class Order {
  get total() { return 1; }
  constructor() { this.total = 2; }
}
const deep = () => Array(100).fill(0).reduce((inner, _, index) => ({ [`level${index}`]: inner }), 1n);

const fails = {
  big: () => JSON.stringify(input),
  bigAlone: () => JSON.stringify(5n),
  bigInList: () => JSON.stringify([1, [2, [Object(3n)]]], null, 2),
  bigFromGetter: () => JSON.stringify({ get total() { return 5n; } }),
  bigFromToJson: () => JSON.stringify({ toJSON() { return 5n; } }),
  bigFromReplacer: () => JSON.stringify(input, (key, value) => value),
  bigInProxy: () => JSON.stringify(new Proxy({ total: 1n }, {})),
  bigBelow: () => JSON.stringify(deep()),
  circle: () => JSON.stringify({ circle }),
  circleHere: () => JSON.stringify(circle.list[0]),
  circleOfLists: () => { const list = []; list.push(list); return JSON.stringify(list); },
  listFromMissing: () => Array.from(input.lnes),
  listFromNull: () => Array.from(null),
  deleteOfNull: () => { delete input.customer.name; },
  deleteComputed: () => { const key = 'name'; delete input.missing[key]; },
  setGetter: () => { fixed.total = 2; },
  setGetterComputed: () => { fixed['to' + 'tal'] = 2; },
  setGetterOfClass: () => new Order(),
  setOfText: () => { input.text.size = 2; },
  setInText: () => { const at = 0; input.text[at] = 'x'; },
  deleteOfFrozen: () => { const frozen = Object.freeze({ total: 1 }); delete frozen.total; },
  promise: () => new Promise(5),
  primitive: () => `${Object.create(null)}`,
  patternToFind: () => input.text.includes(/a/),
  pattern: () => new RegExp(input.text + '['),
  patternOfText: () => 'a'.match('*'),
  patternLong: () => new RegExp('x'.repeat(500) + '['),
  uri: () => decodeURIComponent('100%'),
  uriWritten: () => encodeURIComponent('\ud800'),
};

export default () => Object.entries(fails).map(([name, fail]) => {
  try {
    return [name, fail()];
  } catch (error) {
    return [name, `${error.name}: ${error.message}`];
  }
});
