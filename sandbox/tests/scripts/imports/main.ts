//@ {"entry": "default"}
//@ {"entry": "lazily"}
//@ {"entry": "outside"}
//@ {"entry": "builtIn"}
//@ {"entry": "thrownThere"}
//@ {"entry": "loops", "fuel": 2000000}
import { rate, type Rate } from './lib/rates';
import * as text from './lib/text.js';
import counter, { next } from './lib/counter';

export default (): unknown => [rate satisfies Rate, text.upper('a'), next(), next(), counter.value];

export async function lazily(): Promise<unknown> {
  const { double } = await import('./lib/lazy');
  const again = await import('./lib/lazy');
  return [double(4), again.double === double, again.early];
}
export async function outside(): Promise<unknown> {
  const name = './lib/' + 'nowhere';
  return import(name);
}
export async function builtIn(): Promise<unknown> {
  return import(['s', 'td'].join(''));
}
export const thrownThere = (): unknown => text.failing();
export const loops = (): unknown => text.endless();
export { helper } from './lib/text.js';
