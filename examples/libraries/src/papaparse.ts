/** Reads a bank's CSV with Papa Parse, keeps what can be booked, and writes it again for the accounting system. */
import Papa from 'papaparse';

type Row = Record<'name' | 'amount' | 'bookedOn' | 'memo', string>;

export default function (input: { csv: string }) {
  const parsed = Papa.parse<Row>(input.csv, {
    header: true,
    skipEmptyLines: 'greedy',
    comments: '#',
    transformHeader: (name) => name.trim().replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase()),
    transform: (text) => text.trim(),
  });

  const bookings = parsed.data.flatMap((row) => {
    const cents = /^-?[\d.]+,\d{2}$/.test(row.amount) ? Number(row.amount.replace(/[.,]/g, '')) : NaN;
    return Number.isNaN(cents) ? [] : [{ name: row.name, cents, date: row.bookedOn.split('.').reverse().join('-'), memo: row.memo ?? null }];
  });

  return {
    delimiter: parsed.meta.delimiter,
    fields: parsed.meta.fields,
    problems: parsed.errors.map(({ row, code, message }) => ({ row, code, message })),
    refused: parsed.data.length - bookings.length,
    bookings,
    csv: Papa.unparse(bookings, { quotes: [true, false, false, true], newline: '\n' }),
  };
}
