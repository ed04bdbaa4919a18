// Texts that are built piece by piece, at either end, beside their pieces joined; and patterns that can match at the start
// alone, or only seem to.
let state = 7;
const random = (below) => {
  state = (state * 1103515245 + 12345) % 2147483648;
  return (state >> 8) % below;
};

const piece = (kind) => {
  const letter = String.fromCharCode(97 + random(26));
  if (kind === 0) return letter;
  if (kind === 1) return letter.repeat(random(40));
  if (kind === 2) return letter.repeat(500 + random(600));
  if (kind === 3) return random(1000);
  return 'ж'.repeat(random(3));
};

// Lengths of pieces, and at which end they come: the text is looked at now and then.
const built = (count, kinds, front) => {
  let text = '';
  const pieces = [];
  const held = [];
  for (let step = 0; step < count; step++) {
    const next = piece(kinds[random(kinds.length)]);
    if (random(100) < front) {
      text = next + text;
      pieces.unshift(next);
    } else {
      text += next;
      pieces.push(next);
    }
    if (step % 97 === 0) held.push([text, pieces.join('')]);
    if (step % 101 === 0 && text.charCodeAt(random(text.length)) === -1) return 'never';
  }
  held.push([text, pieces.join('')]);
  const wrong = held.findIndex(([text, joined]) => text !== joined || text.length !== joined.length || text < joined);
  return wrong < 0 ? 'same' : `other at ${wrong}`;
};

const concatenated = (count) => {
  let text = '';
  let joined = '';
  for (let step = 0; step < count; step++) {
    const next = piece(random(4));
    text = text.concat(next, '-', step);
    joined = [joined, next, '-', step].join('');
  }
  return text === joined;
};

// What else holds a text keeps it as it was.
const held = () => {
  const found = [];
  let text = 'a';
  for (let step = 0; step < 5; step++) text += step;
  const before = text;
  text += 'x';
  const all = { [text]: 1 };
  text += 'y';
  all[text] = 2;
  delete all[before + 'x'];
  text += 'z';
  found.push(before, text, Object.keys(all).join(), all[before + 'xy'], all[text] ?? null);

  let captured = '';
  const add = (part) => { captured += part; return captured; };
  const steps = [1, 'b', 'cd', 3].map((part) => add(part));
  found.push(steps.join(), captured);

  let key = Object.keys({ [`k${found.length}`]: 1 })[0];
  key += 1;
  key += 2;
  found.push(key, { k712: 'by name' }[key] ?? null);

  let own = 'own' + found.length;
  own += (own += 'x', own.length);
  found.push(own);
  let twice = 'ab' + found.length;
  twice += twice;
  twice += twice;
  found.push(twice);
  const set = ((own += 'q') + '!');
  found.push(set, own);
  let kept = 'k' + found.length;
  try { kept += Symbol('no'); } catch (error) { found.push(error.name); }
  try { kept += { toString() { throw new RangeError('no'); } }; } catch (error) { found.push(error.name); }
  found.push(kept);
  function* parts() { let inner = ''; for (;;) { inner += yield inner; } }
  const made = parts();
  made.next();
  found.push(made.next('p').value, made.next('q').value, made.next(7).value);
  return found;
};

const text = 'one\ntwo, three\none two';
const patterns = [
  /^one/, /^two/, /^two/m, /^one/g, /^two/gm, /^one|^two/g, /^two|one/g, /^(?:two|one)/g, /(^)(o)/, /(^two|three)/, /(?:^|, )three/,
  /^/g, /$/g, /^$/, /^\w+/g, /(?:^)?two/g, /(?=^)one/, /(?!^)one/g, /(?<=^)one/, /(?:^|\n)two/, /(?:^a|)two/, /^^one/, /(^one|^two)+/,
  /^.{4}$/ms, /one$/m, /(?:(^two)|(three))/, /^(?<first>\w)(?<rest>\w+)/, /^ONE/i, /\bone/g, /^(?:)/, /(?:^(?:^one)|^x|^y)/,
];

const matched = (pattern) => {
  const at = [];
  for (let count = 0; count < 4; count++) {
    const found = pattern.exec(text);
    at.push(found ? `${found.index}:${found.join('/')}` : 'none');
    if (!pattern.global) break;
  }
  pattern.lastIndex = 0;
  return [pattern.source, at.join(' '), text.replace(pattern, '_'), text.search(pattern), text.split(pattern).length].join(' | ');
};

const far = () => {
  const found = [];
  const global = /^b/g;
  global.lastIndex = 1;
  found.push(global.test('ab'), global.lastIndex);
  const wide = /^\u{1f600}/gu;
  wide.lastIndex = 1;
  found.push(wide.test('\u{1f600}'), wide.lastIndex);
  const sticky = /^b/y;
  sticky.lastIndex = 1;
  found.push(sticky.test('ab'));
  const lines = /^b/gmy;
  lines.lastIndex = 2;
  found.push(lines.test('a\nb'));
  let rest = 'key = value; '.repeat(200);
  let count = 0;
  while (rest) {
    rest = rest.replace(/^\w+|^\W+/, '');
    count++;
  }
  found.push(count, 'abc'.replace(/^/, ''), 'x'.repeat(3000).replace(/^y/, '').length, 'x'.repeat(3000).replace(/^x+?/, '').length);
  return found;
};

export default () => ({
  built: [[0], [1], [2], [0, 1, 3], [0, 4], [2, 4], [0, 2], [0, 1, 2, 3, 4]].map((kinds) => [0, 100, 50, 10].map((front) => built(300, kinds, front)).join()),
  concatenated: concatenated(600),
  held: held(),
  patterns: patterns.map(matched),
  far: far(),
});
