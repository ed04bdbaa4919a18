// Each entry fails at the place that error-positions.expected.json names: line:column in this file.

export function read() { const o = {};
    return o
      .inner.name; }
export function readNull() {
    let o = 1; o = null; return o.name; }
export function destructure() {
    const nothing = null;
    const { name } = nothing; return name; }
export function destructureParameter() {
    const f = (a,
      { name }) => name;
    return f(1, null); }
export function chain() { const order = { customer: null };
    return order
      .customer
      .address
      .city; }
export function index() { const rows = [];
    const first = rows
      [0][1];
    return first; }
export function call() { const o = { f: 1 };
    return o
      .f(
        o,
      ); }
export function callUnknown() { const f = undefined;
    return f(
      1,
      2 + 2,
    ); }
export function construct() { const K = 1;
    return new K(
      [],
    ); }
export function assign() { let o; const v = { w: 1 };
    o.name =
      v.w; }
export function field() {
    class A {
      first = 1;
      second = this.nothing.name;
    }
    return new A(); }
export function staticField() {
    class A {
      static first = 1;
      static second = null.name;
    } }
export function iterate() {
    for (const x
      of 5) {} }
export function spread() { const list = 5;
    return Math.max(
      1,
      ...list); }
export function arithmetic() { const a = 1n;
    return a
      + 1; }
export function argument() { const o = null;
    return String(
      o.name
    ); }
export default () => null;
