// At the top level of a JavaScript module, `using` is there as long as the module runs.
using held = { [Symbol.dispose]() { globalThis.closed = 'closed'; } };
export default () => [globalThis.closed, typeof held];
