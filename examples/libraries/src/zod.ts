/** Reads messages of a webhook with zod: each is taken in its typed, completed form, or refused with every mistake it has. */
import * as z from 'zod';

const Money = z.string().regex(/^\d+\.\d{2}$/, 'must be an amount with two decimals').transform((text) => Math.round(Number(text) * 100));

const Customer = z.object({
  id: z.uuid(),
  email: z.email().toLowerCase(),
  tags: z.array(z.string().min(1)).max(3).default([]),
});

const Message = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('order.placed'),
    at: z.iso.datetime({ offset: true }),
    customer: Customer,
    lines: z.array(z.object({ sku: z.string(), quantity: z.int().positive(), price: Money })).nonempty(),
    total: Money,
  }).refine(({ lines, total }) => lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0) === total, {
    path: ['total'],
    message: 'is not the sum of the lines',
  }),
  z.object({
    type: z.literal('order.cancelled'),
    order: z.coerce.number().int(),
    reason: z.enum(['customer', 'stock', 'fraud']),
    refund: Money.nullish(),
  }).strict(),
]);

export default function (input: { messages: unknown[] }) {
  return input.messages.map((message) => {
    const result = Message.safeParse(message);
    return result.success
      ? { accepted: result.data }
      : { refused: result.error.issues.map(({ code, path, message }) => ({ code, path: path.join('.'), message })), text: z.prettifyError(result.error) };
  });
}
