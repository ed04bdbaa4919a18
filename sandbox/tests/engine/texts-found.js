// A text is found where comparing place by place finds it: also where nearly all of it fits at many places, and the search goes on
// by a rolling hash.
function compared(text, needle, from) {
  for (let at = from; at + needle.length <= text.length; at++) {
    let index = 0;
    while (index < needle.length && text.charCodeAt(at + index) === needle.charCodeAt(index)) index++;
    if (index === needle.length) return at;
  }
  return -1;
}

export default () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const wrong = [];
  let found = 0;
  for (let round = 0; round < 300; round++) {
    const letters = ['ab', 'aab', 'aж', 'aaaaaaaaab'][round % 4];
    const part = () => letters[random(letters.length)];
    let text = '';
    for (let length = 200 + random(400); length > 0; length--) text += part();
    const from = random(text.length);
    const at = random(text.length);
    const needle = round % 3 === 0 ? text.slice(at, at + 1 + random(150)) : 'a'.repeat(random(40)) + part();
    const expected = compared(text, needle, from);
    if (text.indexOf(needle, from) !== expected) wrong.push([text, needle, from]);
    found += expected >= 0 ? 1 : 0;
  }
  const long = 'a'.repeat(20_000);
  const pieces = (long + 'b' + long + 'b').split('a'.repeat(9_000) + 'b').map((piece) => piece.length);
  const names = [];
  for (let index = 0; index < 100; index++) names.push('x' + (index % 40), index % 7, new String('y'));
  const value = Object.fromEntries(names.map((name) => [name, 1]));
  return {
    wrong, some: found > 50, all: found < 300, pieces,
    last: (long + 'b').indexOf(long.slice(1) + 'b'),
    over: [long.indexOf(long + 'a'), 'ab'.lastIndexOf('abc', -1), 'ab'.lastIndexOf('abc'), ''.indexOf(''), 'ab'.indexOf('', 5), 'ab'.lastIndexOf('', 1)],
    included: [long.includes(long.slice(1)), (long + 'c').includes(long.slice(1) + 'b'), 'abc'.includes('bc', 2), 'abc'.includes('', 9), 'ab'.endsWith('abc'), 'ab'.startsWith('b', 1)],
    wide: ('ж' + long).indexOf(long.slice(0, 15_000) + 'ж'),
    keys: Object.keys(JSON.parse(JSON.stringify({ ...value, unnamed: 2 }, names))).length,
    order: JSON.stringify({ b: 1, a: 2, 1: 3, y: 4 }, ['b', new String('y'), 'a', 'b', 1, '1', null, {}]),
  };
};
