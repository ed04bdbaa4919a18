//@ {"fuel": 2000000, "entry": "whileLoop"}
//@ {"fuel": 2000000, "entry": "forLoop"}
//@ {"fuel": 2000000, "entry": "doLoop"}
//@ {"fuel": 2000000, "entry": "builtIn"}
//@ {"fuel": 2000000, "entry": "expression"}
export function whileLoop(): void {
  let n = 0;
  while (n >= 0) n = (n + 1) % 7;
}
export function forLoop(): void {
  for (;;);
}
export function doLoop(): void {
  do {
  } while (true);
}
export function builtIn(): unknown {
  return [1, 2, 3].map((n) => {
    while (n) {}
    return n;
  });
}
export function expression(): unknown {
  const list: unknown[] = []; list.length = 4_000_000_000;
  return list.join();
}
