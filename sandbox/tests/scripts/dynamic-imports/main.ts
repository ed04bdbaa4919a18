// `import()` of what the bundle has gives it; anything else rejects, when it is asked for, and can be caught.
const attempt = async (what: () => Promise<unknown>) => {
  try {
    return await what();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};
const order: string[] = [];
const there = () => (order.push('specifier'), './there');
const options = () => (order.push('options'), undefined);
export default async () => [
  await attempt(() => import('./there')),
  await attempt(() => import('./there', undefined)),
  await attempt(() => import('./there', {})),
  await attempt(() => import('./there', { with: {} },)),
  await attempt(() => import('./missing')),
  await attempt(() => import(there(), options())),
  await attempt(() => import('./there', 5 as any)),
  await attempt(() => import('./there', { get with(): any { throw new RangeError('with'); } } as any)),
  await attempt(() => import({ toString() { throw new RangeError('specifier'); } } as any)),
  await attempt(() => import('some-package')),
  order,
];
