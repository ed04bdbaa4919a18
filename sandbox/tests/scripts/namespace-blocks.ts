// Blocks of a namespace or enum see each other's members; what they export stays live.
namespace Billing {
  export enum State { Open = 'open', Paid = 'paid' }
  export const rate = 0.19;
  export let count = 0;
  export function gross(net: number) { count++; return net * (1 + rate); }
  export class Line { static made = 0; constructor(readonly net: number) { Line.made += 1; } }
  const hidden = 'first block';
  export const own = () => hidden;
}
namespace Billing {
  export enum State { Overdue = 'overdue' }
  const hidden = 'second block';
  export const total = gross(gross(100));
  export const line = new Line(count);
  export const states = [State.Overdue, Billing.State.Open];
  export const both = [hidden, own()];
  export namespace Deep.Deeper { export const up = rate * 2; export let level = count; export enum Size { Small = 1, Large = Small << 3 } }
}
namespace Billing.Deep {
  export namespace Deeper { export const next = level + 1; export const twice = up * 2; export enum Size { Huge = Large * 2, Text = 'x' } }
  export namespace Other { export const size = Deeper.Size.Huge; }
}
export namespace Numbers { export enum Kind { One = 1, Two } }
export namespace Numbers { export enum Kind { Three = Two + 1, Four } export const all = Object.keys(Kind); }
namespace A.B { export enum E { X = 3 } export let shared = 'ab'; }
namespace A { export namespace B { export enum E { Y = X + 1 } export const seen = [shared, E.X, E.Y]; shared += 'c'; } }
// An inner name hides the member; an outer one does not.
const outer = 'outer', rate = 'outside';
namespace Hiding {
  export const name = 'exported';
  export let changing = 1;
}
namespace Hiding {
  export const inner = ((name: string) => name)('parameter');
  export const shadowed = (() => { const changing = 5; { let name = changing; return [name, changing]; } })();
  export const label = [name, outer, rate];
  export function local() { var name = 'var'; function changing() { return name; } return changing(); }
  export class name2 { name = name; static changing = changing; }
}
class Box { static make() { return new Box(); } value = 1; }
namespace Box { export const empty = Box.make(); export let counter = 0; export const bump = () => ++counter; }
function tagged() { return tagged.tag; }
namespace tagged { export let tag = 'tag'; export const set = (text: string) => { tag = text; }; }
enum Colour { Red, Green }
namespace Colour { export const parse = (text: string) => (Colour as any)[text]; export const names = Object.keys(Colour).length; }
enum Colour { Blue = Green + 1 }
namespace Hidden { export interface Only { a: 1 } }
namespace Hidden { export type Also = Only; }
namespace Empty {}
export { Hidden, Empty as Nothing };
namespace Uses { export import Alias = Billing.Deep; import Local = Billing.Deep.Deeper; import Unused = Billing.State; export import Type = Hidden.Only; export const level = Local.level; export const other = Alias.Other.size; }
namespace Uses { export const again = Alias.Deeper.next; export const typed: Type = { a: 1 }; }
import Top = Billing.Deep.Deeper;

export default () => {
  const before = [Billing.count, tagged()];
  Billing.gross(1);
  tagged.set('other');
  Box.bump(); Box.bump();
  return {
    states: [Billing.State.Open, Billing.State.Paid, Billing.State.Overdue], kinds: Numbers,
    total: Billing.total, line: Billing.line, made: Billing.Line.made, list: Billing.states, both: Billing.both,
    deep: Billing.Deep, ab: A, hiding: [Hiding.inner, Hiding.shadowed, Hiding.label, Hiding.local(), new Hiding.name2(), Hiding.name2.changing],
    before, after: [Billing.count, tagged(), Box.counter], box: Box.empty, colours: [Colour.parse('Blue'), Colour.names, Colour],
    uses: Object.keys(Uses), level: [Uses.level, Uses.other, Uses.again, Uses.typed], top: Top.twice,
  };
};
