/** A sales report with lodash: joins orders to their customers, sums by region and month, and words the result. */
import _ from 'lodash';

interface Order {
  id: string;
  customer: string;
  date: string;
  lines: { sku: string; quantity: number; cents: number }[];
}

interface Input {
  customers: { id: string; name: string; address?: { region?: string } }[];
  orders: Order[];
  overrides: Record<string, unknown>;
}

const settings = { headline: { text: 'Sales', year: 2025 }, top: 2, currency: 'EUR' };
const line = _.template('<%- name %>: <%= (cents / 100).toFixed(2) %> <%= currency %><% if (orders > 1) { %> in <%= orders %> orders<% } %>');

export default function ({ customers, orders, overrides }: Input) {
  const { headline, top, currency } = _.merge({}, settings, overrides) as typeof settings;
  const byId = _.keyBy(customers, 'id');
  const sales = orders.map((order) => ({
    ...order,
    region: _.get(byId, [order.customer, 'address', 'region'], 'unknown'),
    month: order.date.slice(0, 7),
    cents: _.sumBy(order.lines, ({ quantity, cents }) => quantity * cents),
  }));

  const best = _(sales)
    .groupBy('customer')
    .map((group, id) => ({ name: byId[id]?.name ?? id, cents: _.sumBy(group, 'cents'), orders: group.length }))
    .orderBy(['cents', 'name'], ['desc', 'asc'])
    .take(top)
    .value();

  return {
    headline: _.startCase(`${headline.text} ${headline.year}`),
    regions: _(sales).groupBy('region').mapValues((group) => _.mapValues(_.groupBy(group, 'month'), (month) => _.sumBy(month, 'cents'))).value(),
    best: best.map((customer) => line({ ...customer, currency })),
    articles: _.sortBy(_.uniq(_.flatMap(orders, (order) => _.map(order.lines, 'sku')))),
    idle: _.differenceWith(customers, orders, (customer, order) => customer.id === order.customer).map(({ name }) => _.deburr(name)),
    pages: _.chunk(_.map(sales, 'id'), 2),
    same: _.isEqual(_.cloneDeep(orders), orders),
  };
}
