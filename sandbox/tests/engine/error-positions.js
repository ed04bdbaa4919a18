// Each failure names the line and column of what failed, 1-based. The lines of `cases` are counted from `base`.
const base = 4;
const cases = {
  read(){ const o = {};
    return o
      .inner.name; }, // 6
  readNull(){
    let o = 1; o = null; return o.name; }, // 8
  destructure(){
    const nothing = null;
    const { name } = nothing; return name; }, // 11
  destructureParameter(){
    const f = (a,
      { name }) => name; // 14
    return f(1, null); },
  chain(){ const order = { customer: null };
    return order
      .customer
      .address // 19
      .city; },
  index(){ const rows = [];
    const first = rows
      [0][1]; // 23
    return first; },
  call(){ const o = { f: 1 };
    return o
      .f( // 27
        o,
      ); },
  callUnknown(){ const f = undefined;
    return f( // 31
      1,
      2 + 2,
    ); },
  construct(){ const K = 1;
    return new K( // 36
      [],
    ); },
  assign(){ let o; const v = { w: 1 };
    o.name = // 40
      v.w; },
  field(){
    class A {
      first = 1;
      second = this.nothing.name; // 45
    }
    return new A(); },
  staticField(){
    class A {
      static first = 1;
      static second = null.name; // 51
    } },
  iterate(){
    for (const x
      of 5) {} }, // 55
  spread(){ const list = 5;
    return Math.max(
      1,
      ...list); }, // 59
  arithmetic(){ const a = 1n;
    return a
      + 1; }, // 62
  argument(){ const o = null;
    return String(
      o.name // 65
    ); },
};

export default () =>
  Object.fromEntries(Object.entries(cases).map(([name, run]) => {
    try {
      run();
      return [name, 'nothing failed'];
    } catch (error) {
      const [, line, column] = /:(\d+):(\d+)\)\n/.exec(error.stack);
      return [name, `${line}:${column} ${error.name}`];
    }
  }));
