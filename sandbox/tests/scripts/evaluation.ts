//@ {"entry": "direct"}
//@ {"entry": "indirect"}
//@ {"entry": "made"}
//@ {"entry": "failing"}
//@ {"entry": "syntax"}
//@ {"entry": "endless", "fuel": 2000000}
//@ {"entry": "importing"}
const template = new Function('name', 'return `Dear ${name}`') as (name: string) => string;

export const direct = (): unknown => {
  const local = 20;
  return [eval('local + 1'), eval('let inner = 2; inner'), typeof (globalThis as any).inner];
};
export const indirect = (): unknown => [(0, eval)('typeof local'), (0, eval)('var global = 3; global')];
export const made = (): unknown => [template('Ada'), new Function('a', 'b', 'return a + b')(1, 2)];
export const failing = (): unknown => new Function('missing', 'return missing.name')();
export const syntax = (): unknown => eval('let let = 1 +');
export const endless = (): unknown => new Function('while (true) {}')();
export const importing = (): unknown => eval('import("./other")');
