export const here = 'here';
export type Type = string;
