/**
 * Renders a mail from a template that an editor may change without touching this script:
 *
 *   {{customer.name}}              a value, escaped for HTML
 *   {{total | money EUR}}          a value through a filter
 *   {{#each lines}} … {{/each}}    a section for every item; names are looked up in the item first, then outside
 *   {{#if paid}} … {{else}} … {{/if}}
 *
 * Mistakes in the template are errors that name its line.
 */
type Scope = Record<string, unknown>;

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; path: string; filters: string[]; line: number }
  | { kind: 'each' | 'if'; path: string; body: Node[]; otherwise: Node[]; line: number };

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => escapes[char]);

const filters: Record<string, (value: unknown, argument: string) => string> = {
  /** Cents to "1.234,50 EUR". */
  money(value, currency) {
    if (!Number.isSafeInteger(value)) throw new TypeError(`money needs whole cents, not ${value}`);
    const cents = String(Math.abs(value as number)).padStart(3, '0');
    const whole = cents.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.');
    return `${(value as number) < 0 ? '-' : ''}${whole},${cents.slice(-2)} ${currency}`;
  },
  /** "2026-05-04" to "4 May 2026". */
  date(value) {
    const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(String(value));
    if (!match) throw new TypeError(`date needs an ISO date, not ${value}`);
    const months = 'January February March April May June July August September October November December'.split(' ');
    return `${Number(match[3])} ${months[Number(match[2]) - 1]} ${match[1]}`;
  },
  upper: (value) => String(value).toUpperCase(),
};

class TemplateError extends Error {
  override name = 'TemplateError';
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
  }
}

function parse(template: string): Node[] {
  const root: Node[] = [];
  const open: { node: Node & { kind: 'each' | 'if' }; into: Node[] }[] = [];
  const into = () => open.at(-1)?.into ?? root;
  let line = 1;

  // Splitting by a pattern with a group leaves tags at the odd places.
  template.split(/\{\{(.*?)\}\}/s).forEach((piece, index) => {
    if (index % 2 === 0) {
      if (piece !== '') into().push({ kind: 'text', text: piece });
    } else {
      const [tag, ...words] = piece.trim().split(/\s+/);
      if (tag === '#each' || tag === '#if') {
        const node = { kind: tag === '#each' ? 'each' as const : 'if' as const, path: words[0], body: [], otherwise: [], line };
        into().push(node);
        open.push({ node, into: node.body });
      } else if (tag === 'else') {
        const top = open.at(-1);
        if (!top) throw new TemplateError(line, '{{else}} outside a section');
        top.into = top.node.otherwise;
      } else if (tag.startsWith('/')) {
        const closed = open.pop();
        if (closed?.node.kind !== tag.slice(1)) throw new TemplateError(line, `{{${tag}}} closes nothing`);
      } else {
        const [path, ...rest] = piece.split('|').map((part) => part.trim());
        into().push({ kind: 'value', path, filters: rest, line });
      }
    }
    line += piece.split('\n').length - 1;
  });

  const unclosed = open.at(-1);
  if (unclosed) throw new TemplateError(unclosed.node.line, `{{#${unclosed.node.kind}}} is never closed`);
  return root;
}

function lookUp(path: string, scopes: Scope[]): unknown {
  const [first, ...rest] = path.split('.');
  const scope = scopes.findLast((scope) => Object.hasOwn(scope, first));
  return rest.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Scope)[name] : undefined),
    scope?.[first],
  );
}

/** What a section sees of its item: `item`, its `number` from 1, and its own fields by name. */
const itemScope = (item: unknown, index: number): Scope => ({ item, number: index + 1, ...(typeof item === 'object' ? item : {}) });

const isEmpty = (value: unknown) => !value || (Array.isArray(value) && value.length === 0);

function render(nodes: Node[], scopes: Scope[]): string {
  return nodes.map((node) => {
    if (node.kind === 'text') return node.text;
    const value = lookUp(node.path, scopes);
    switch (node.kind) {
      case 'if':
        return render(isEmpty(value) ? node.otherwise : node.body, scopes);
      case 'each':
        if (!Array.isArray(value) || value.length === 0) return render(node.otherwise, scopes);
        return value.map((item, index) => render(node.body, [...scopes, itemScope(item, index)])).join('');
      case 'value': {
        if (value === undefined || value === null) throw new TemplateError(node.line, `${node.path} has no value`);
        const text = node.filters.reduce<unknown>((result, filter) => {
          const [name, ...argument] = filter.split(/\s+/);
          if (!Object.hasOwn(filters, name)) throw new TemplateError(node.line, `there is no filter ${name}`);
          return filters[name](result, argument.join(' '));
        }, value);
        return escapeHtml(String(text));
      }
    }
  }).join('');
}

export default function (input: { subject: string; body: string; data: Scope }) {
  return {
    subject: render(parse(input.subject), [input.data]),
    body: render(parse(input.body), [input.data]),
  };
}
