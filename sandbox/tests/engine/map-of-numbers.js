// Keys that differ in their high bits only: hashes whose low bits repeat made this quadratic.
export default () => {
  const map = new Map();
  const set = new Set();
  for (let i = 0; i < 60000; i++) {
    map.set(i * 4096, i);
    set.add(i / 8);
  }
  let sum = 0;
  for (let i = 0; i < 60000; i++) sum += map.get(i * 4096) + (set.has(i / 8) ? 1 : 0);
  return [sum, map.size, set.size, map.has(NaN), new Map([[NaN, 1], [0, 2]]).get(-0)];
};
