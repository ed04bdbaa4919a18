//@ {"entry": "bigint"}
//@ {"entry": "alone"}
//@ {"entry": "circle"}
//@ {"entry": "ofWhole"}
//@ {"entry": "late"}
export const bigint = (): unknown => ({ lines: [{ name: 'Chair', cents: 1299n }] });
export const alone = (): unknown => 5n;
export const circle = (): unknown => {
  const order: any = { lines: [{ 'unit price': {} }] };
  order.lines[0]['unit price'].of = order.lines;
  return { order };
};
export const ofWhole = (): unknown => {
  const node: any = { children: [] };
  node.children.push({ parent: node });
  return node;
};
export const late = async (): Promise<unknown> => new Map([[1, 1n]]).get(1);
