const rates: number[] = await new Promise<number[]>(() => {});
export default (): unknown => rates;
