// A text that grows at both ends, and that other texts are made of meanwhile, is what its pieces joined are: the engine keeps it as a tree,
// which it balances now and then.
export default () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const wrong = [];
  let length = 0;
  for (let round = 0; round < 4; round++) {
    let [text, kept, expected] = ['', '', ''];
    const [front, back] = [[], []];
    for (let step = 0; step < 4_000; step++) {
      const piece = (round % 3 === 2 && step % 100 === 0 ? 'ж' : String(step)).repeat(1 + random(round % 4 === 3 ? 300 : 8));
      if (round % 2 === 1 || random(2) === 0) {
        text = piece + text;
        front.push(piece);
      } else {
        text += piece;
        back.push(piece);
      }
      if (step === 2_500) {
        // What is made of it later leaves this one as it is.
        kept = text;
        expected = front.toReversed().concat(back).join('');
        text = text + text;
        front.length = 0;
        back.splice(0, back.length, expected, expected);
      }
    }
    if (text !== front.toReversed().concat(back).join('')) wrong.push(round);
    if (kept !== expected) wrong.push([round, 'kept']);
    length += text.length;
  }
  // Deep enough to be balanced again and again.
  let text = '';
  const front = [];
  for (let step = 0; step < 30_000; step++) {
    text = `${step}<${text}>`;
    front.push(`${step}<`);
  }
  if (text !== front.toReversed().join('') + '>'.repeat(30_000)) wrong.push('both ends');
  return { wrong, length, both: text.length };
};
