export const double = (n: number): number => n * 2;
export const early: number = Date.now();
