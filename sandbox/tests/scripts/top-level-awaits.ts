const rates: number[] = await Promise.resolve([1, 2]);
let ready = false;
await (async () => { ready = true; })();
console.log('not kept');
export default (): unknown => [rates, ready];
