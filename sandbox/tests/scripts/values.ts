//@ {"entry": "nothing"}
//@ {"entry": "cyclic"}
//@ {"entry": "bigInt"}
//@ {"entry": "functionValue"}
//@ {"entry": "symbolValue"}
//@ {"entry": "mixed"}
//@ {"entry": "throwingGetter"}
//@ {"entry": "throwingToJson"}
//@ {"entry": "ownToJson"}
//@ {"entry": "toNothing"}
//@ {"entry": "revoked"}
//@ {"entry": "boxed"}
export const nothing = (): void => {};
export const cyclic = (): unknown => {
  const node: any = { list: [] };
  node.list.push({ parent: node });
  return node;
};
export const bigInt = (): unknown => ({ total: 1n });
export const functionValue = (): unknown => () => 1;
export const symbolValue = (): unknown => Symbol('s');
export const mixed = (): unknown => ({
  none: undefined, list: [undefined, () => 1, Symbol('s'), NaN, Infinity, -0], date: new Date(0), map: new Map([[1, 2]]),
  error: new Error('lost'), pattern: /a/, bytes: new Uint8Array([1, 2]), text: '\ud800', nested: { a: null },
});
export const throwingGetter = (): unknown => ({
  get total() {
    throw new RangeError('no total');
  },
});
export const throwingToJson = (): unknown => ({ toJSON() { throw new TypeError('not me'); } });
export const ownToJson = (): unknown => ({ toJSON: (key: string) => ({ key, list: [1] }) });
export const toNothing = (): unknown => ({ toJSON: () => undefined });
export const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return [proxy];
};
export const boxed = (): unknown => [Object(1), Object('a'), Object(false)];
