// Built-ins that recurse on the native stack stop with an error that a script can catch.
const deep = 200000;
const nest = (wrap, start, times = deep) => {
  let value = start;
  for (let i = 0; i < times; i++) value = wrap(value);
  return value;
};
const cases = {
  parse: () => JSON.parse('['.repeat(deep)),
  stringify: () => JSON.stringify(nest((a) => ({ a }), {}, 50000)),
  flat: () => nest((a) => [a], []).flat(Infinity),
  clone: () => structuredClone(nest((a) => ({ a }), {})),
  join: () => String(nest((a) => [a], [])),
  proxyGet: () => nest((target) => new Proxy(target, {}), {}).x,
  proxyHas: () => 'x' in nest((target) => new Proxy(target, {}), {}),
  iterator: () => nest((iterator) => iterator.map((x) => x), [1].values(), 50000).next(),
  filter: () => [...nest((iterator) => iterator.filter(() => true), [1].values(), 50000)],
  flatMap: () => nest((iterator) => iterator.flatMap((x) => [x]), [1].values(), 50000).next(),
  concat: () => [...nest((iterator) => Iterator.concat(iterator), [1], 20000)],
  take: () => nest((iterator) => iterator.take(9), [1].values(), 50000).next(),
  parentheses: () => new Function('return ' + '('.repeat(deep)),
  arrays: () => new Function('return ' + '['.repeat(deep)),
  objects: () => new Function('return ' + '{a:'.repeat(deep)),
  unary: () => new Function('return ' + '- '.repeat(deep) + 1),
  ternary: () => new Function('return ' + '1?1:'.repeat(deep) + 1),
  templates: () => new Function('return ' + '`${'.repeat(deep)),
  arrows: () => new Function('return ' + '()=>'.repeat(20000) + 1),
  blocks: () => new Function('{'.repeat(deep)),
  ifs: () => new Function('if(1)'.repeat(deep) + ';'),
  assignments: () => new Function('let a;' + 'a='.repeat(deep) + 1),
  regularExpression: () => new RegExp('(?:'.repeat(deep) + ')'.repeat(deep)),
};
export default () =>
  Object.fromEntries(Object.entries(cases).map(([name, run]) => {
    try {
      run();
      return [name, 'ran'];
    } catch (error) {
      return [name, error.name];
    }
  }));
