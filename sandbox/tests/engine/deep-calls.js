// At least 4,000 calls deep, and past the limit an error that a script can catch.
const shapes = {
  plain: (n) => { const f = (k) => (k ? f(k - 1) + 1 : 0); return f(n); },
  method: (n) => { const o = { f(k) { return k ? this.f(k - 1) + 1 : 0; } }; return o.f(n); },
};
export default () => {
  const endless = () => endless() + 1;
  try {
    endless();
  } catch (error) {
    return [...Object.values(shapes).map((run) => run(4000)), error.name, error.message];
  }
};
