import { rate as circular } from './rates.ts';

export type Rate = { normal: number };
export const rate: Rate = { normal: 19 };
export const same = (): boolean => circular === rate;
