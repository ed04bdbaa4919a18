// What is refused at top level may be kept there, and works in the entry.
const refused: Record<string, unknown> = {};
for (const [name, call] of Object.entries({
  jobId: () => ctx.jobId,
  deadline: () => ctx.deadline,
  budget: () => ctx.budget,
  setTimeout: () => setTimeout(() => {}, 1),
  setInterval: () => setInterval(() => {}, 1),
  sleep: () => sleep(1),
})) {
  try {
    refused[name] = call();
  } catch (error) {
    refused[name] = `${(error as any).code} ${(error as Error).message}`;
  }
}
const kept = { later: setTimeout, context: ctx, pause: sleep };

export default async (_: unknown, context: Context): Promise<unknown> => {
  await kept.pause(1);
  await new Promise<void>((resolve) => kept.later(resolve, 1));
  return { refused, jobId: kept.context.jobId, same: [kept.context === context, kept.later === setTimeout] };
};
