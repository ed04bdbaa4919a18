// `using` at top level makes a module of it.
using held = { [Symbol.dispose]() { globalThis.closed = 'closed'; } };
export default () => [globalThis.closed, typeof held];
