//@ {"entry": "agree", "input": null}
//@ {"entry": "objects", "input": [{"a": 1, "b": {"a": 2}}, {"a": 3, "b": {"a": 4, "c": 5}}, {"a": 6, "a": 7}, {"b": 8, "a": 9}, {"a": 1, "b": 2, "c": 3}, {"a": 1}, {}, {"": 1, "0": 2, "é": 3, "\"": 4, "\u0061": 5, "__proto__": 6}]}
//@ {"entry": "edge", "input": null}
// Two ways lead through JSON.parse: one fast, and one that reports errors and serves revivers. They must agree.
const KEYS = ['a', 'b', 'id', 'name', '', '0', '17', 'é', '\\"', '\\u0061', '__proto__', 'toJSON', 'constructor', '\u00c3\u00a9', '€'];
const TEXTS = ['', 'x', 'plain text of some length', 'é', '\\n', '\\u0041', '\\ud83d\\ude00', '😀', '\\"', '\\\\', 'a\\/b', '\u007f', '\u0080\u00ff', '€uro'];
const NUMBERS = ['0', '-0', '1', '-17', '2147483647', '2147483648', '-2147483648', '0.1', '123456789012345', '1234567890123456', '0.30000000000000004', '1e3', '1E-7', '-1.5e+300', '1e400', '4.35', '100.00'];
const BROKEN = ['01', '-', '1.', '.5', '+1', '1e', 'tru', 'nul', 'True', '"', '"\n"', '"\\x"', '"\\u12"', '[', '{', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '[1,', '[1,]', '{a:1}', "'a'", '/**/1', '1 2', '\u00a01', '\u000b1', '"\\ud800"', ''];
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const space = () => (Math.random() < 0.8 ? '' : pick([' ', '\n', '\r\n', '\t', '  ']));
function text(depth) {
  const kind = Math.floor(Math.random() * (depth > 0 ? 8 : 5));
  if (kind === 0) return pick(NUMBERS);
  if (kind === 1) return `"${pick(TEXTS)}"`;
  if (kind === 2) return pick(['true', 'false', 'null']);
  if (kind < 5) return Math.random() < 0.01 ? pick(BROKEN) : pick(NUMBERS);
  const count = Math.floor(Math.random() * 6);
  if (kind === 5) return `[${space()}${Array.from({ length: count }, () => text(depth - 1) + space()).join(`,${space()}`)}]`;
  // Rows: most have the keys of the one before, some have one more, one fewer, or another order.
  let keys = Array.from({ length: count }, () => pick(KEYS));
  const row = () => {
    const change = Math.random();
    if (change < 0.1) keys = [...keys, pick(KEYS)];
    else if (change < 0.2) keys = keys.slice(0, -1);
    else if (change < 0.3) keys = [...keys].reverse();
    return `{${space()}${keys.map((key) => `"${key}"${space()}:${space()}${text(depth - 2)}${space()}`).join(`,${space()}`)}}`;
  };
  return kind === 6 ? row() : `[${Array.from({ length: count * 2 }, row).join(',')}]`;
}
const shown = (value) => {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
  return `${Array.isArray(value) ? 'array' : 'object'} ${Reflect.ownKeys(value).map((key) => `${JSON.stringify(key)} ${key === 'length' ? value.length : shown(Object.getOwnPropertyDescriptor(value, key).value)}`).join('; ')}.`;
};
const attempt = (read) => {
  try {
    return shown(read());
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
export function agree() {
  const differences = [];
  let refused = 0;
  let hash = 0;
  for (let i = 0; i < 800; i++) {
    const json = i < BROKEN.length ? BROKEN[i] : space() + text(4) + space();
    const fast = attempt(() => JSON.parse(json));
    const slow = attempt(() => JSON.parse(json, (key, value) => value));
    if (fast.startsWith('SyntaxError')) refused++;
    for (let k = 0; k < fast.length; k++) hash = (hash * 31 + fast.charCodeAt(k)) | 0;
    // A reviver sets properties anew: one named __proto__ stays its own.
    if (fast !== slow) differences.push({ json, fast, slow });
  }
  return { refused: refused > 40, differences: differences.slice(0, 3), mixed: hash !== 0 };
}
export function objects(input) {
  input[0].added = 1;
  input[1].b.added = 2;
  delete input[4].b;
  return { text: JSON.stringify(input), keys: input.map((object) => Object.keys(object).join()), proto: input.every((object) => Object.getPrototypeOf(object) === Object.prototype) };
}
// At the end of the stack one of them may have given up and the other not begun: nothing is freed twice.
export function edge() {
  const names = [];
  const down = () => {
    try {
      down();
    } catch {
      for (const text of ['"some text" x', '["one", "two"] x', '{"a": "text"} x']) {
        try {
          JSON.parse(text);
        } catch (error) {
          if (!names.includes(error.name)) names.push(error.name);
        }
      }
      throw new Error('further up');
    }
  };
  try {
    down();
  } catch {
    const texts = Array.from({ length: 3000 }, (_, i) => `text ${i}`);
    const objects = texts.map((text) => ({ text, list: [text] }));
    return { names: names.sort(), whole: objects.every(({ text, list }, i) => text === `text ${i}` && list[0] === text) };
  }
}
