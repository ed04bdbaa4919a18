const order: string[] = [];
const note = (text: string) => { order.push(text); return text; };
class Parent {
  a = note("a");
  b;
  constructor(public c = note("c"), protected d = 4) { note("body"); this.a += c; }
}
class Child extends Parent {
  e = note("e" + this.c);
  declare f: string;
  g!: number;
  "quoted-name" = 1;
  [note("computed")] = 2;
  static #hidden = note("static");
  static read() { return Child.#hidden; }
  constructor(readonly h = "h") {
    const before = note("before");
    super(before + h);
  }
}
const Named = class Inner { make() { return new Inner(); } };
export default function main() {
  const child = new Child();
  return [order, Object.keys(child), child, Child.read(), "g" in child, "f" in child, "b" in child, new Named().make() instanceof Named];
}
