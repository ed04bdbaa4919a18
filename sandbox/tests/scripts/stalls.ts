//@ {"entry": "made"}
//@ {"entry": "awaited"}
//@ {"entry": "below"}
//@ {"entry": "held"}
export function made(): Promise<number> {
  return new Promise((resolve) => {
    if (Math.random() > 1) resolve(1);
  });
}
export async function awaited(): Promise<void> {
  await sleep(1);
  await new Promise(() => {});
}
async function wait(): Promise<void> {
  await new Promise(() => {});
}
export async function below(): Promise<void> {
  await wait();
}
const never = new Promise(() => {});
export const held = async (): Promise<unknown> => await never;
