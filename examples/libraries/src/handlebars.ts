/** An order confirmation with Handlebars: the templates come with the input and are compiled while the job runs. */
import Handlebars from 'handlebars';

interface Input {
  template: string;
  partials: Record<string, string>;
  orders: Record<string, unknown>[];
}

export default function (input: Input) {
  const hbs = Handlebars.create();
  hbs.registerHelper('money', (cents: number, options: Handlebars.HelperOptions) => `${(cents / 100).toFixed(2)} ${options.hash.currency ?? 'EUR'}`);
  hbs.registerHelper('times', (a: number, b: number) => a * b);
  hbs.registerHelper('bold', function (this: unknown, options: Handlebars.HelperOptions) {
    return new Handlebars.SafeString(`<b>${options.fn(this)}</b>`);
  });
  for (const [name, source] of Object.entries(input.partials)) hbs.registerPartial(name, source);

  const render = hbs.compile(input.template, { strict: false });
  const mails = input.orders.map((order) => render(order));

  let mistake = '';
  try {
    hbs.compile('{{#if open}}never closed')({});
  } catch (error) {
    mistake = (error as Error).message.split('\n')[0];
  }
  return { mails, mistake };
}
