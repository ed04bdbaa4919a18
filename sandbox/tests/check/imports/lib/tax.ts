export const gross = 1;
