import amqp from 'amqplib';
import { messageOf } from './error.mjs';

const { AMQP_URL, QUEUE, PREFETCH } = process.env;

process.on('SIGTERM', () => process.exit(0));
const { run, hold } = await import(`./${process.argv[2]}.mjs`);

const connect = () => amqp.connect(AMQP_URL, { noDelay: true });
const [consuming, publishing] = await Promise.all([connect(), connect()]);
const [jobs, outcomes] = await Promise.all([consuming.createChannel(), publishing.createConfirmChannel()]);
const held = [];

/** The outcome as JSON text; the value is JSON already. */
async function outcome(source, input) {
  try {
    return `{"outcome":"succeeded","value":${(await run(source, JSON.stringify(input))) ?? null}}`;
  } catch (error) {
    return JSON.stringify({ outcome: 'failed', message: messageOf(error) });
  }
}

async function perform(delivery) {
  const job = JSON.parse(delivery.content);
  const { source } = job.script.modules[0];
  if (job.id === 'waiting') return held.push(hold(source));

  const { replyTo, correlationId } = delivery.properties;
  const properties = { correlationId, persistent: true, contentType: 'application/json' };
  outcomes.publish('', replyTo, Buffer.from(await outcome(source, job.input)), properties, (error) => {
    if (error) throw error;
    jobs.ack(delivery);
  });
}

await jobs.prefetch(Number(PREFETCH));
await jobs.consume(QUEUE, perform);
