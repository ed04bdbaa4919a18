/**
 * Books shipments with a carrier that is slow and sometimes fails: several at once, each with a time limit for one try
 * and pauses that grow between tries; what can't be finished before the job's deadline is handed back, not lost.
 *
 * The carrier is a stand-in that plays back answers from the input, so that the script runs anywhere.
 */
interface Answer {
  /** How long the carrier takes, in milliseconds. */
  afterMs: number;
  label?: string;
  error?: string;
}

interface Input {
  parallel: number;
  tries: number;
  tryMs: number;
  pauseMs: number;
  shipments: { id: string; answers: Answer[] }[];
}

/** A failure after which trying again makes sense. */
class Temporary extends Error {}

async function book(answer: Answer | undefined): Promise<string> {
  if (!answer) throw new Error('the carrier knows no such shipment');
  await sleep(answer.afterMs);
  if (answer.error?.startsWith('busy')) throw new Temporary(answer.error);
  if (answer.error) throw new Error(answer.error);
  return answer.label ?? '';
}

/** The work's result, or a Temporary error when it takes longer than `ms`. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: number | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Temporary(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `work` on all items, at most `parallel` at once; results come in the order of the items. */
async function mapParallel<T, R>(items: T[], parallel: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return results;
}

export default async function (input: Input, ctx: Scriptmill.Context) {
  console.info(`job ${ctx.jobId} of ${ctx.tenant}, attempt ${ctx.attempt}: ${input.shipments.length} shipments`);
  const timeIsUp = (pauseMs: number) => ctx.deadline !== null && Date.now() + pauseMs + input.tryMs > ctx.deadline;

  const results = await mapParallel(input.shipments, input.parallel, async ({ id, answers }) => {
    const failures: string[] = [];
    for (let attempt = 0; attempt < input.tries; attempt++) {
      const pauseMs = attempt === 0 ? 0 : input.pauseMs * 2 ** (attempt - 1);
      if (timeIsUp(pauseMs)) return { id, state: 'handed back', failures };
      if (pauseMs > 0) await sleep(pauseMs);
      try {
        const label = await within(input.tryMs, book(answers[attempt]));
        return { id, state: 'booked', label, failures };
      } catch (error) {
        const { message } = error as Error;
        failures.push(message);
        if (!(error instanceof Temporary)) return { id, state: 'refused', failures };
        console.warn(`${id}: ${message}`);
      }
    }
    return { id, state: 'given up', failures };
  });

  const counts = Object.fromEntries(Object.entries(Object.groupBy(results, ({ state }) => state)).map(([state, group]) => [state, group?.length]));
  return { counts, results };
}
