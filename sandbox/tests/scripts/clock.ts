// The clock stands still but for waiting, and at top level at one instant.
const early = [Date.now(), new Date().toISOString(), performance.now()];
const clock = Date.now;

export default async (): Promise<unknown> => {
  const start = Date.now();
  const begun = performance.now();
  for (let n = 0; n < 10_000; n++) {}
  const worked = Date.now() - start;
  await sleep(25);
  const slept = Date.now() - start;
  await new Promise<void>((resolve) => setTimeout(resolve, 10));
  return {
    early, worked, slept, waited: clock() - start, performed: performance.now() - begun, same: clock === Date.now,
    now: new Date().toISOString(), zone: new Date().getTimezoneOffset(), text: String(new Date(0)),
  };
};
