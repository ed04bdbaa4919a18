class A {
  get
  *numbers() { yield 1; yield 2; }
  set
  *more() { yield 3; }
  static get
  *all() { yield 4; }
}
class B {
  get
  value() { return 5; }
}
export default () => [Object.keys(new A()), [...new A().numbers(), ...new A().more()], 'get' in A, new B().value];
