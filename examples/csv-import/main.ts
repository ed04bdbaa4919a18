/**
 * Reads a price list from CSV (RFC 4180: quotes, doubled quotes, line breaks inside quotes) and says of every bad row
 * where it is and what is wrong with each of its fields; good rows are taken all the same.
 */
interface Input {
  csv: string;
  delimiter?: string;
}

interface Row {
  /** The line of the file on which the row begins, from 1. */
  line: number;
  fields: string[];
}

interface Problem {
  line: number;
  column: string;
  value: string;
  message: string;
}

function* rows(text: string, delimiter: string): Generator<Row> {
  let fields: string[] = [];
  let field = '';
  let quoted = false;
  let line = 1;
  let start = 1;

  const source = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '\n') line++;
    if (quoted) {
      if (char !== '"') field += char;
      else if (source[at + 1] === '"') field += source[++at];
      else quoted = false;
    } else if (char === '"' && field === '') {
      quoted = true;
    } else if (char === delimiter) {
      fields.push(field);
      field = '';
    } else if (char === '\n') {
      yield { line: start, fields: [...fields, field] };
      [fields, field, start] = [[], '', line];
    } else {
      field += char;
    }
  }
  if (quoted) throw new SyntaxError(`The quote of the row on line ${start} is never closed`);
  if (field !== '' || fields.length > 0) yield { line: start, fields: [...fields, field] };
}

type Reader = (text: string) => unknown;

class Invalid extends Error {}

const columns: Record<string, Reader> = {
  sku(text) {
    if (!/^[A-Z]{2,5}-\d{3,6}$/.test(text)) throw new Invalid('must look like AB-123');
    return text;
  },
  name(text) {
    if (text.trim() === '') throw new Invalid('is empty');
    return text.trim();
  },
  price(text) {
    const match = /^(\d+),(\d{2})$/.exec(text);
    if (!match) throw new Invalid('must be an amount such as 12,90');
    return Number(match[1]) * 100 + Number(match[2]);
  },
  stock(text) {
    if (!/^\d{1,9}$/.test(text)) throw new Invalid('must be a whole number');
    return Number(text);
  },
  availableFrom(text) {
    if (text === '') return null;
    const match = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(text);
    const date = match && new Date(`${match[3]}-${match[2]}-${match[1]}T00:00:00Z`);
    // A parser may roll 31 February over into March, so the day has to be the same afterwards.
    if (!date || Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(match[1])) throw new Invalid('must be a date such as 31.12.2026');
    return date.toISOString().slice(0, 10);
  },
};

export function main(input: Input) {
  const [header, ...body] = [...rows(input.csv, input.delimiter ?? ';')];
  const names = header?.fields.map((name) => name.trim()) ?? [];
  const missing = Object.keys(columns).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new RangeError(`The first row lacks the columns ${missing.join(', ')}`);

  const articles: Record<string, unknown>[] = [];
  const problems: Problem[] = [];
  const firstLines = new Map<string, number>();

  for (const { line, fields } of body) {
    if (fields.length === 1 && fields[0].trim() === '') continue;
    const before = problems.length;
    const report = (column: string, value: string, message: string) => problems.push({ line, column, value, message });

    if (fields.length !== names.length) {
      report('', '', `has ${fields.length} fields instead of ${names.length}`);
      continue;
    }
    const values = Object.fromEntries(names.map((name, index) => [name, fields[index]]));
    const article: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(columns)) {
      try {
        article[name] = read(values[name]);
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        report(name, values[name], error.message);
      }
    }
    const first = firstLines.get(values.sku);
    if (first === undefined) firstLines.set(values.sku, line);
    else report('sku', values.sku, `was already on line ${first}`);

    if (problems.length === before) articles.push(article);
  }

  return { imported: articles.length, refused: new Set(problems.map(({ line }) => line)).size, articles, problems };
}
