const rate = await Promise.resolve(0.19);
export default (input: number) => input * rate;
