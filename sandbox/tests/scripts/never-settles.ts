//@ {"entry": "default"}
//@ {"entry": "afterTimers"}
export default async function main(): Promise<void> {
  await new Promise(() => {});
}
export async function afterTimers(): Promise<void> {
  await sleep(1);
  await new Promise(() => {});
}
