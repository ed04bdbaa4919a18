// Rows by their number, as a report gives them, with two missing; shortened to each length, and what is left.
const rows = () => {
  const list = [];
  for (let n = 0; n < 26; n++) if (n !== 11 && n !== 15) list[n] = 'row ' + n;
  return list;
};

const makers = {
  assigned: rows,
  sliced: () => rows().slice(),
  concatenated: () => rows().concat([1, , 2, , 3]),
  mapped: () => rows().map((row) => row),
  named: () => Object.assign(rows(), { title: 'all', total: 24 }),
  deleted: () => { const list = rows(); for (let n = 3; n < 20; n += 2) delete list[n]; return list; },
  fixed: () => Object.defineProperty(rows(), 5, { value: 'kept', configurable: false }),
};

export default () => {
  const wrong = [];
  for (const [name, make] of Object.entries(makers)) {
    const whole = make();
    for (let length = 0; length < whole.length; length++) {
      const list = make();
      let refused = false;
      try { list.length = length; } catch { refused = true; }
      const end = name === 'fixed' ? Math.max(length, 6) : length;
      const indexes = Object.getOwnPropertyNames(list).filter((key) => /^\d/.test(key)).map(Number);
      const right = Object.getOwnPropertyNames(whole).filter((key) => /^\d/.test(key) && key < end).map(Number);
      if (list.length !== end || String(indexes) !== String(right) || refused !== (end !== length)) wrong.push(`${name} to ${length}`);
    }
  }
  const list = rows();
  list.length = 0;
  const left = Object.keys(list).length;
  list.push('first');
  list[13] = 'thirteen';
  return { left, length: list.length, second: list[1] ?? null, filled: list.filter(() => true).length, wrong };
};
