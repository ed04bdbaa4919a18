export default function main() {
  const plain = 1; plain = 2;
  const a = "😀"; a = "x";
  const b = "é"; b = "x";
  const c = "👩‍👩‍👧"; c = "x";
	const d = "tab"; d = "x";
  const e = "ﷺ"; e = "x";
  const 名前 = 1; 名前 = 2;
  /* 😀😀 */ plain = 3;
  return `
    😀 ${(a = "y")}`;
}
