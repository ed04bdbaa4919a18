const counter: { value: number } = { value: 0 };
export const next = (): number => ++counter.value;
export default counter;
