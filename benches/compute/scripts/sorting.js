// Sorting with a comparison of one's own.
function main() {
  let seed = 42;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
  const rows = Array.from({ length: 2500 }, (_, id) => ({ id, score: next() % 1000, name: `n${next() % 500}` }));
  rows.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
  return [rows[0].id, rows[1250].id, rows[2499].id];
}
