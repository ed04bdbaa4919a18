// `accessor` fields are a private field with a getter and a setter.
const order: string[] = [];
const key = (name: string) => (order.push(`key ${name}`), name);
const symbol = Symbol('accessor');
let textual = 0;
const odd = { toString() { textual++; return 'odd'; } };
class Base {
  accessor x = 1;
  static accessor shared = 'base';
  accessor #secret = order.push('secret');
  accessor [key('a')]: number = order.push('value a');
  static accessor [key('b')] = order.push('value b');
  accessor [symbol] = 'by symbol';
  accessor [odd as any] = 'odd';
  protected accessor 'with-dash': number = 5; accessor 7 = 'seven'; accessor "quoted" = 'q';
  public accessor typed!: string;
  static accessor #hidden = 3;
  accessor get = 'get'; accessor static = 'static'; accessor accessor = 'accessor';
  static accessor self: any = this;
  accessor self = this; accessor arrow = () => this.x;
  field = 1
  accessor afterField = this.field + 1
  method() { return this.#secret++ + this.#secret; }
  static reveal() { return Base.#hidden += 1; }
}
class Derived extends Base { override accessor x = 2; both() { return [this.x, super.x]; } }
abstract class Shape { abstract accessor area: number; accessor sides = 3; static readonly accessor = 'plain'; accessor; }
class Square extends Shape { accessor area = 4; }
const made = [1, 2].map((n) => class { accessor n = n; static accessor [key(`k${n}`)] = n; static accessor s = n * 10; });
const Named = class Inner { static accessor me = 'inner'; accessor _key = 1; accessor #_accessor_me = 2; sum() { return this.#_accessor_me + this._key; } };
namespace Space { export let live = 1; export class C { accessor live = live; accessor other = (live += 1); } }

export default () => {
  const base = new Base(), derived = new Derived();
  base.x = 10; Derived.shared = 'changed'; base.arrow; (base as any).a = 'set';
  const described = (object: any, name: any) => { const found = Object.getOwnPropertyDescriptor(object, name)!; return [typeof found.get, typeof found.set, found.enumerable, found.configurable]; };
  let refused = ''; try { Object.getOwnPropertyDescriptor(Base.prototype, 'x')!.get!.call({}); } catch (error) { refused = (error as Error).name; }
  return { order, textual, x: [base.x, derived.x, derived.both(), base.arrow()], shared: [Base.shared, Derived.shared], method: base.method(), reveal: Base.reveal(),
    keys: Object.keys(base), names: Object.getOwnPropertyNames(Base.prototype), statics: Object.getOwnPropertyNames(Base).sort(), a: (base as any).a, b: (Base as any).b,
    symbol: (base as any)[symbol], odd: (base as any).odd, dash: (base as any)['with-dash'], seven: base[7], q: base.quoted, typed: base.typed === undefined,
    words: [base.get, base.static, base.accessor], self: [Base.self === Base, base.self === base], after: base.afterField,
    described: [described(Base.prototype, 'x'), described(Base, 'shared')], refused, square: [new Square().area, new Square().sides, Shape.accessor, 'accessor' in new Square()],
    made: made.map((C: any, i) => [new C().n, C[`k${i + 1}`], C.s]), named: [Named.me, new Named().sum()], space: [new Space.C().live, new Space.C().other, Space.live] };
};
