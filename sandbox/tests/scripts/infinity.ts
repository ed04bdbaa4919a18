// A number beyond the largest one is Infinity, whatever that name means where it stands.
const steps: [number, number][] = [[100, 0.05], [1000, 0.1], [1e999, 0.15]];
enum Limit { None = 1e999, Less = -1e999, Div = 1 / 0, Not = 0 / 0 }
function hidden(Infinity: string, NaN: string) {
  enum Inner { A = 1 / 0, B = 0 / 0, C = 2e308 }
  const object: any = { 1e999: 'key', [1e999]: 'computed', [-1e999]: 'less' };
  const { 1e999: picked } = object;
  class Named { 1e400 = 'field'; static 1e999() { return 'method'; } get [1e999]() { return 'getter'; } }
  switch (object.x ?? 1e999) { case 1e999: break; default: return 'wrong'; }
  return [Infinity, NaN, Inner.A === 1e999, Inner.B !== Inner.B, Inner.C - 1 === 1e999, object, picked, object[1e999], Object.keys(new Named()),
    (Named as any)[1e999](), (new Named() as any)[1e999], -1e999 < 0, 1e999 / 1e999 !== 0, 2 ** -1e999, typeof 1e999, `${1e999}${-1e999}`, 1e999.toFixed(1), delete (1e999 as any)];
}
export default () => {
  const top = (total: number) => steps.find(([bound]) => total < bound)?.[1];
  return [top(5000), top(50), Limit.None === 1e999, Limit.Less, Object.keys(Limit), hidden('mine', 'own'), 0xffffffffffffffffffffffff, 1_0e400 > 1];
};
