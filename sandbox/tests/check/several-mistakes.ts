export default async function run(input: number) {
  const rate = 0.19;
  rate = 0.07;
  let sum = input;
  let sum = 0;
  break;
  return sun;
}
function twice() {
  return await twice();
}
