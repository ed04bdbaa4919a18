//@ {"input": {"total": 5000}}
// More than any number: the highest step has no upper bound.
const steps: [number, number][] = [[100, 0.05], [1000, 0.1], [1e999, 0.15]];

export default (input: { total: number }) => steps.find(([bound]) => input.total < bound)?.[1];
