export const { rate, other: [reduced] } = { rate: 0.19, other: [0.07] };
export interface Country { code: string }
export type Rate = number;
function helper() {}
