/** @param {string} text */
export const upper = (text) => text.toUpperCase();
export function helper() {
  return 'helper';
}
export function failing() {
  const parts = [];
  return parts[0].name;
}
export function endless() {
  for (;;) {
  }
}
