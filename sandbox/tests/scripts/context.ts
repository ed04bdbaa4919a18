//@ {"id": "order-17", "tenant": "acme.sales", "attempt": 3, "deadline": 1767323105000}
//@ {"id": "a \"quoted\" \\ 😀 id", "tenant": "acme"}
export default (_: unknown, context: Context): unknown => {
  const { jobId, tenant, attempt, deadline } = context;
  const before = context.budget;
  for (let n = 0; n < 1000; n++) {}
  const spent = before - context.budget;
  let frozen = '';
  try {
    (context as any).jobId = 'other';
  } catch (error) {
    frozen = (error as Error).name;
  }
  return {
    jobId, tenant, attempt, deadline, frozen,
    remaining: deadline === null ? null : deadline - Date.now(),
    budget: before > 0 && spent > 1000 && spent < 1_000_000,
    same: context === ctx && context.jobId === ctx.jobId,
    keys: Object.keys(context), text: JSON.stringify({ ...context, budget: 0 }),
  };
};
