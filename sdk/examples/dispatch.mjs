// Sends one job to Scriptmill over RabbitMQ and waits for its outcome: npm ci && node dispatch.mjs
import { randomUUID } from 'node:crypto';
import amqp from 'amqplib';

const broker = process.env.AMQP_URL ?? 'amqp://localhost';
const exchange = `${process.env.SCRIPTMILL_PREFIX ?? 'scriptmill'}.jobs`;
const timeoutMs = 30_000;

/** @type {import('@scriptmill/types/outcome').Job} */
const job = {
  id: randomUUID(),
  tenant: 'acme.sales',
  script: {
    modules: [
      { name: 'main.ts', source: `import { vat } from './vat.ts';\nexport default (order: { net: number }) => ({ gross: order.net + vat(order.net) });` },
      { name: 'vat.ts', source: `export const vat = (cents: number) => Math.round(cents * 0.19);` },
    ],
  },
  input: { net: 12990 },
  limits: { wallTimeMs: 5_000 },
  deadline: new Date(Date.now() + timeoutMs).toISOString(),
};

const connection = await amqp.connect(broker, { timeout: timeoutMs });
try {
  const channel = await connection.createConfirmChannel();
  const { queue: replyTo } = await channel.assertQueue('', { exclusive: true });
  const outcome = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no outcome within ${timeoutMs} ms: is a worker running?`)), timeoutMs).unref();
    channel.on('error', reject);
    connection.on('error', reject);
    connection.on('close', () => reject(new Error('the broker closed the connection')));
    // An exchange without a queue drops messages in silence, unless they are mandatory.
    channel.on('return', () => reject(new Error(`no queue takes jobs from ${exchange}: run scriptmill declare`)));
    // One reply queue can serve thousands of jobs: the correlation id says whose outcome it is.
    channel.consume(replyTo, (message) => {
      if (message?.properties.correlationId === job.id) resolve(JSON.parse(message.content.toString()));
    }, { noAck: true }).catch(reject);
  });

  // The routing key is the tenant, so that operators can give a tenant workers of its own.
  channel.publish(exchange, job.tenant, Buffer.from(JSON.stringify(job)), {
    contentType: 'application/json',
    messageId: job.id,
    correlationId: job.id,
    replyTo,
    timestamp: Math.floor(Date.now() / 1000),
    headers: { 'x-scriptmill-enqueued-at': Date.now() }, // a timestamp has seconds only
    persistent: true,
    mandatory: true,
  });
  // Until the broker has confirmed a job, it may be lost; from then on it is not.
  await Promise.race([channel.waitForConfirms(), outcome]);

  const result = await outcome;
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = result.status === 'succeeded' ? 0 : 1;
} finally {
  await connection.close().catch(() => {});
}
