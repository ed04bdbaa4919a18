//@ {"input": {"rows": 70000}}
/** Takes the rows off in portions of a hundred, as one does before a call that takes no more. */
export default (input: { rows: number }) => {
  const rows = Array.from({ length: input.rows }, (_, index) => index);
  const portions = [];
  while (rows.length > 0) portions.push(rows.splice(0, 100));
  return portions.length;
};
