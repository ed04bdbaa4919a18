//! What the check says of slips that people from other languages make: the place, and what to write instead.
#![allow(clippy::unwrap_used, reason = "tests")]

use scriptmill_sandbox::prepare::{Bounds, check};
use scriptmill_sdk::{Bundle, Diagnostic, Module};

fn found(name: &str, source: &str) -> Vec<Diagnostic> {
    let module = Module::new(name, source);
    check(&Bundle { modules: vec![module] }, &Bounds::default()).diagnostics
}

/// Source, line, column, help.
type Slip = (&'static str, u32, u32, &'static str);

#[rustfmt::skip]
const SYNTAX: &[Slip] = &[
    ("export default (o) => { if (o.a <> 2) return 1; }", 1, 33, "Write `!==` for \"is not equal\"."),
    ("export default (o) => { if (o.a =< 2) return 1; }", 1, 33, "Write `<=` for \"is at most\"."),
    ("export default (o) => { if (o.a = > 2) return 1; }", 1, 33, "Write `>=`."),
    ("export default (o) => { x := 2; }", 1, 27, "Write `=` for an assignment."),
    ("export default function (o) {\n  if o.a > 2 {\n    return 1;\n  }\n}", 2, 6, "A condition stands in parentheses: `if (…) { … }`."),
    ("export default function (o) {\n  if (o.a > 2) then return 1;\n}", 2, 16, "Leave it out: `if (…) { … }`. `then` is a method of promises alone."),
    ("export default function (o) {\n  If (o.a > 2) {\n    return 1;\n  }\n}", 2, 3, "Did you mean `if`?"),
    ("def main(o):\n  return o.a", 1, 1, "Write `function main(…) { … }`."),
    ("export default function (o) {\n  if (o.a > 2):\n    return 1\n}", 2, 15, "Put the block between braces: `{ … }`."),
    ("fun main(o) {\n  return 1;\n}", 1, 1, "Write `function main(…) { … }`."),
    ("export default function (o) {\n  String s = \"a\";\n  return s;\n}", 2, 3, "In TypeScript the type comes after the name: `let s: string = …`; or leave it out: `let s = …`."),
    ("export default function (o) {\n  int n = 5;\n  return n;\n}", 2, 3, "In TypeScript the type comes after the name: `let n: number = …`; or leave it out: `let n = …`."),
    ("export default function (o) {\n  final String s = \"a\";\n}", 2, 3, "Write `const s = …`."),
    ("export default function (o) {\n  let x as number = 5;\n}", 2, 9, "The type comes after a colon: `x: number`."),
    ("export default function (o) {\n  Dim x As Integer\n}", 2, 3, "Write `let x = …`; `const` where the value stays."),
    ("export default function (o) {\n  foreach (const x of o.lines) { }\n}", 2, 3, "Write `for (const line of order.lines) { … }`, or `order.lines.forEach((line) => { … })`."),
    ("export default function (o) {\n  for x in o.lines { }\n}", 2, 7, "Write `for (const x of list) { … }`, with parentheses."),
    ("export default function (o) {\n  for (String x : o.lines) { }\n}", 2, 17, "Write `for (const x of o.lines) { … }`."),
    ("export default function (o) {\n  return f\"a{o.x}\";\n}", 2, 10, "Values go into a text between backquotes: `Hello ${name}`."),
    ("export default function (o) {\n  return \"\"\"a\"\"\";\n}", 2, 10, "A text of several lines stands between backquotes: `…`; a comment between `/*` and `*/`."),
    ("export default function (o) {\n  return ‘a’;\n}", 2, 10, "`‘` is a quote of a word processor; write `'`."),
    ("export default function (o) {\n  return o.a；\n}", 2, 13, "Write `;`. Text between quotes may hold it."),
    ("export default function （o） {\n  return o.a;\n}", 1, 25, "Write `(`. Text between quotes may hold it."),
    ("export default function (o) {\n  return not o.a;\n}", 2, 10, "Write `!` for `not`: `!order.paid`."),
    ("export default function (o) {\n  return o.a or o.b;\n}", 2, 14, "Write `&&` for `and`, `||` for `or`, `!` for `not`."),
    ("export default function (o) {\n  return o.a && && o.b;\n}", 2, 15, "Write `&&`."),
    ("export default function (o) {\n  unless (o.a) return 2;\n}", 2, 3, "Write `if (!(…)) { … }`."),
    ("export default function (o) {\n  while o.a {\n  }\n}", 2, 9, "A condition stands in parentheses: `while (…) { … }`."),
    ("export default function (o) {\n  return o.a\n  'rem a comment\n}", 3, 3, "Write the quote at the end of the text. A text of several lines goes between backquotes: `…`. A comment begins with `//`."),
    ("-- a comment\nexport default function (o) {\n}", 1, 1, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("<!-- a -->\nexport default function (o) {\n}", 1, 1, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default function (o) {\n  return [1, 2, 3;\n}", 2, 18, "If what the `[` opened ends here, write `]` before `;`."),
    ("export default function (o) {\n  return f(1, 2;\n}", 2, 16, "If what the `(` opened ends here, write `)` before `;`."),
    ("export default function (o) {\n  return {a: 1, b: 2;\n}", 2, 21, "If what the `{` opened ends here, write `}` before `;`."),
    ("export default function (o) {\n  return o.lines.map(l => l.a));\n}", 2, 31, "Leave it out, or write the bracket that it should close."),
    ("export default function (o) {\n  return 1;\n}\n}", 4, 1, "Leave it out, or look for a `}` too many before it."),
    ("export default function (o) {\n  const a = {\n    a = 1,\n    b = 2\n  };\n}", 3, 5, "Write `name: value`."),
    ("export default function (o) {\n  const a = { a: 1; b: 2 };\n}", 2, 19, "Write `,` in place of `;`."),
    ("export default function (o) {\n  const a = [1 2];\n}", 2, 16, "Write `,` before `2`."),
    ("export default function (o) {\n  return f(o.a o.b);\n}", 2, 16, "Write `,` before `o`."),
    ("export default function (o) {\n  let s = \"it's \"quoted\" here\";\n}", 2, 17, "A quote within the text is written `\\\"`; or put the text between backquotes: `…`."),
    ("export default function (o) {\n  let s = 'it's';\n}", 2, 14, "A quote within the text is written `\\'`; or put the text between backquotes: `…`."),
    ("export default function (o) {\n  const total;\n  return 1;\n}", 2, 9, "Give it one, `const name = …`, or declare it with `let` and give it a value later."),
    ("export default function (o) {\n  return o.a ?? o.b || o.c;\n}", 2, 10, "Put one of the two in parentheses: `(a ?? b) || c`."),
    ("export default function (o) {\n  let class = 1; \n}", 2, 7, "Choose another name, such as `class_` or `theClass`."),
    ("export default function (o) {\n  return -2 ** 2;\n}", 2, 10, "Use parentheses: `(-2) ** 2`, or `-(2 ** 2)`."),
    ("export default function (o) {\n  let 2nd = 1;\n}", 2, 7, "Begin it with a letter."),
    ("export default function (o) {\n  let first-name = 1;\n}", 2, 12, "Names hold letters, digits, `_` and `$`: write `firstName` for `first-name`."),
    ("export default function (o) {\n  const n = 1,000.50;\n}", 2, 13, "Write `1000.50`."),
    ("export default function (o) {\n  const n = 010;\n}", 2, 13, "Write `10`. If the 0 belongs to it, as in a code or a key, write it as text: `'010'`."),
    ("export default function (o) {\n  await sleep(1);\n}", 2, 3, "Write `async` before the function: `async function (…)` or `async (…) => …`."),
    ("export default function o => { return 1; }", 1, 16, "Write `o => …`, or `function (o) { … }`."),
    ("export default (o) -> { return 1; }", 1, 20, "Write `=>`."),
    ("export default function (o) { return o.lines.map(l -> l.a); }", 1, 52, "Write `=>` for a function, and `.` for a field."),
    ("export default function (o) { return o.lines.map(lambda l: l.a); }", 1, 50, "Write `(l) => …`."),
    ("export default function (o) { return o.lines.map(function l => l.a); }", 1, 50, "Write `l => …`, or `function (l) { … }`."),
    ("export default function (o) {\n  return (o.a == 1) ? 2;\n}", 2, 24, "`condition ? a : b` has two values: write `:` and the one for when the condition does not hold."),
    ("export default function (o) {\n  try {\n    return 1;\n  }\n}", 4, 4, "Write `catch (error) { … }` after the block, or leave `try` out."),
    ("export default function (o) {\n  else { return 1; }\n}", 2, 3, "It comes right after the block or the one statement of an `if`, without a `;` after the `}`."),
    ("export defualt function (o) {\n  return 1;\n}", 1, 8, "Did you mean `default`?"),
    ("exprot default function (o) {\n  return 1;\n}", 1, 1, "Did you mean `export`?"),
    ("export default functoin total(o) {\n  return 1;\n}", 1, 16, "Did you mean `function`?"),
    ("export default function (o) {\n  retrun o.a;\n}", 2, 3, "Did you mean `return`?"),
    ("export default function (o) {\n  cosnt a = 1;\n}", 2, 3, "Did you mean `const`?"),
    ("export default function (o) {\n  Const a = 1;\n}", 2, 3, "Write `const a = …`."),
    ("export default async fucntion (o) {\n  return 1;\n}", 1, 22, "Did you mean `function`?"),
    ("export default function (o) {\n  whlie (o.a) { }\n}", 2, 3, "Did you mean `while`?"),
    ("export default asycn function (o) {\n  return 1;\n}", 1, 16, "Did you mean `async`?"),
    ("import { a } form './a';\nexport default 1;", 1, 14, "Did you mean `from`?"),
    ("import a from ./a;\nexport default 1;", 1, 15, "Write the path between quotes: `from './a'`."),
    ("export default function (o) {\n  return `a ${o.x`;\n}", 2, 13, "Write `}` after the value: `${order.total}`."),
    ("export default function (o) {\n  raise Error(\"a\");\n}", 2, 3, "Write `throw new Error(\"…\")`."),
    ("export default function (o) {\n  thorw new Error(\"a\");\n}", 2, 3, "Did you mean `throw`?"),
    ("export default function (o) {\n  return o.lines.filter(l => l.a = 1 and l.b = 2);\n}", 2, 38, "Write `&&` for `and`, `||` for `or`, `!` for `not`."),
    ("export default function (o) {\n  return o.a is None;\n}", 2, 14, "Write `===` for `is`, `!==` for `is not`."),
    ("export default function (o) {\n  pass\n  elif (o.a): return 1\n}", 3, 3, "Write `else if`."),
    ("Sub Main()\n  MsgBox \"a\"\nEnd Sub", 1, 1, "Write `function Main(…) { … }`."),
    ("SELECT a FROM b WHERE c = 1", 1, 1, "Scripts reach no database: give the rows to the job as input, and filter them with `rows.filter((row) => …)`."),
    ("=IF(A1>2; 1; 2)", 1, 1, "Write `export default function (input) { return …; }`; `IF(a; b; c)` is `a ? b : c`."),
    ("{ \"a\": 1, \"b\": 2 }", 1, 1, "Give it to the job as input; a script begins with `export default function (input) { … }`."),
    ("export default { \"a\": 1 \"b\": 2 }", 1, 25, "Write `,` before `\"b\"`."),
    ("public class Main { public static void main(String[] args) { } }", 1, 35, "Write `main(…): void { … }`."),
    ("export default function (o) {\n  return o.a.b?.c..d;\n}", 2, 19, "Write one `.`; `...` is for all elements of a list."),
    ("export default function (o) {\n  var x = new Array<String>();\n  print \"a\"\n}", 3, 3, "Write `console.log(…)`."),
    ("export default function (o) {\n  echo o.a\n}", 2, 3, "Write `console.log(…)`."),
    ("export default function (o) {\n  return o->total;\n}", 2, 11, "Write `.` for a field: `order.total`."),
    ("export default function (o) {\n  return o.name . \"a\";\n}", 2, 17, "Write `+`, or put the value into a text between backquotes: `…${name}…`."),
    ("export default function (o) {\n  return @\"abc\\d\";\n}", 2, 10, "Leave the `@` out; in a text a backslash is written `\\\\`."),
    ("export default function (o) {\n  return $\"abc{o}\";\n}", 2, 10, "Values go into a text between backquotes: `Hello ${name}`."),
    ("export default function (o) {\n  return 5m + 3.0f;\n}", 2, 10, "Write `5`: numbers have no unit or type. A text stands between quotes."),
    ("export default function (o) {\n  if (o.a) { return 1; } else if { return 2; }\n}", 2, 31, "Write the condition, `else if (…) { … }`, or leave `if` out: `else { … }`."),
    ("export default function (o: Order, ctx) -> number {\n  return 1;\n}", 1, 41, "The type of what a function returns comes after a colon: `function name(…): number {`."),
    ("export default function (o) returns number {\n  return 1;\n}", 1, 29, "The type of what a function returns comes after a colon: `): number {`."),
    ("export default function (o): number => { return 1; }", 1, 37, "Leave `=>` out, or leave `function` out."),
    ("export default function order {\n  return 1;\n}", 1, 31, "A function has parentheses, also without parameters: `function order() { … }`."),
    ("export default function main(o)\n  return 1;", 2, 3, "Put the code into a function: `export default function (input) { … }`. If it is in one, a `}` before it closes that too early."),
    ("export default (Order order) => order.a;", 1, 17, "In TypeScript the type comes after the name: `order: Order`."),
    ("export default function (List<String> xs, int[] n) { return 1; }", 1, 26, "In TypeScript the type comes after the name: `xs: List<String>`."),
    ("export default function (order As Order) { return 1; }", 1, 32, "The type comes after a colon: `order: Order`."),
    ("export default function (ByVal order) { return 1; }", 1, 26, "Leave it out: `order`."),
    ("export default function (o) {\n  try { x(); } catch (Exception e) { return 1; }\n}", 2, 23, "Write `catch (e)`; the kind of an error is asked with `instanceof`."),
    ("export default function (o) {\n  return o.lines.map((line) { return line.name; });\n}", 2, 29, "Write `=>` after `(line)`."),
    ("export default function (o) {\n  return o.lines.map((a, b) a + b);\n}", 2, 29, "Write `=>` after `(a, b)`."),
    ("export default function (o) {\n  return o.lines.reduce((sum: number, line) sum + line.total, 0);\n}", 2, 45, "Write `=>` after `(sum: number, line)`."),
    ("export default (o) { return 1; }", 1, 20, "Write `=>` after `(o)`."),
    ("export default function (o) {\n  return {\n    a: 1\n    'b': 2,\n  };\n}", 4, 5, "Write `,` at the end of line 3."),
    ("export default function (o) {\n  return {\n    ...o\n    b: 2,\n  };\n}", 4, 5, "Write `,` at the end of line 3."),
    ("export default function (o) {\n  return [\n    { a: 1 }\n    { a: 2 }\n  ];\n}", 4, 5, "Write `,` at the end of line 3."),
    ("export default function (o) {\n  return f(\"Total: \" o.total);\n}", 2, 22, "Write `,` before `o`, or `+` to join it with what stands before it."),
    ("export default function (o) {\n  return \"Total: \" o.total;\n}", 2, 20, "Write `+` between them to join texts."),
    ("export default function (o) {\n  return o.a + ;\n}", 2, 16, "Write it after the `+`, or leave the `+` out."),
    ("export default function (o) {\n  const x = o.a > 1 AND o.b < 2;\n}", 2, 21, "Write `&&` for `and`, `||` for `or`, `!` for `not`."),
    ("export default function (o) {\n  if (o.a mod 2 == 0) return 1;\n}", 2, 11, "Write `%`."),
    ("export default function (o) {\n  if (x not in [1,2]) return 1;\n}", 2, 9, "Write `!` for `not`; \"not in\" of a list is `!list.includes(value)`."),
    ("export default function (o) {\n  return 5% ;\n}", 2, 13, "Write it after the `%`, or leave the `%` out."),
    ("export default function (o) {\n  const rate = 0,19;\n}", 2, 16, "Write `0.19`."),
    ("export default function (o) {\n  End If\n}", 2, 3, "A block ends with `}`."),
    ("export default function (o) {\n  if (o.a) {\n    return 1;\n  } ElseIf (o.b) {\n    return 2;\n  }\n}", 4, 5, "Write `else if`."),
    ("export default function (o) {\n  if (o.a) {\n    return 1;\n  } else if (o.b {\n    return 2;\n  }\n}", 4, 18, "If what the `(` opened ends here, write `)` before `{`."),
    ("export default function (o) {\n  const s = “gold\";\n}", 2, 13, "`“` is a quote of a word processor; write `\"`."),
    ("export default function (o) {\n  const s = 'gold’;\n}", 2, 18, "`’` is a quote of a word processor; write `'`."),
    ("export default function (o) {\n  return o.a – o.b;\n}", 2, 14, "`–` is a dash of a word processor; write `-`."),
    ("export default function (o) {\n  return o.a × o.b;\n}", 2, 14, "`×` is a sign of mathematics; write `*`."),
    ("export default function (o) {\n  return o.a ≥ o.b;\n}", 2, 14, "`≥` is a sign of mathematics; write `>=`."),
    ("export default function (o) {\n  return € 5;\n}", 2, 10, "Write the number alone; signs go into text, between quotes."),
    ("export default function (o) {\n  # a comment\n  return 5;\n}", 2, 3, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("#include <stdio.h>", 1, 1, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default function (o) {\n  const x = 5 -- 3;\n}", 2, 13, "To subtract write one `-`. A comment begins with `//`."),
    ("export default function (o) {\n  return o.a = = 5;\n}", 2, 14, "Write `===`."),
    ("export default function (o) {\n  if (o.a ==== 5) return 1;\n}", 2, 11, "Write `===` for \"is equal\", `!==` for \"is not\"."),
    ("export default function (o) {\n  if (o.a > = 5) return 1;\n}", 2, 11, "Write `>=`."),
    ("export default function (o) {\n  if (o.a < = 5) return 1;\n}", 2, 11, "Write `<=`."),
    ("export default function (o) {\n  if (o.a && o.b => 3) return 1;\n}", 2, 18, "Write `>=` for \"is at least\"."),
    ("Public Function Main(o)\n  Return 1\nEnd Function", 1, 8, "Write `function name(…) { … }`, or `export function` to let others call it."),
    ("procedure main(o);\nbegin\nend;", 1, 1, "Write `function main(…) { … }`."),
    ("func main(o int) int { return 1 }", 1, 1, "Write `function main(…) { … }`."),
    ("fn main(o: i32) -> i32 { 1 }", 1, 1, "Write `function main(…) { … }`."),
    ("async def main(o):\n  return 1", 1, 7, "Write `function name(…) { … }`."),
    ("export default function (o) {\n  return [x for x in o.lines];\n}", 2, 13, "Write `list.map((line) => …)`, and `list.filter((line) => …)` for some of them."),
    ("export default function (o) {\n  return {x: 1 for x in o.lines};\n}", 2, 16, "If what the `{` opened ends here, write `}` before `for`."),
    ("export default function (o) {\n  o.lines.forEach(line = > { total += line.price; });\n}", 2, 24, "Write `=>`."),
    ("export default function (o) {\n  for i in range(3): total += i\n}", 2, 7, "Write `for (const i of list) { … }`, with parentheses."),
    ("export default function (o) {\n  let a: = 5;\n}", 2, 8, "Leave the `:` out: `a = …`."),
    ("export default function (o) {\n  return \"C:\\users\\new\";\n}", 2, 13, "A backslash in a text is written `\\\\`, as in \"C:\\\\data\"."),
    ("export default function (o) {\n  return o.first name;\n}", 2, 18, "Write an operator between them, such as `+`; a field whose name has a space is read by `[\"first name\"]`."),
    ("export default function (o) {\n  let first name = 1;\n}", 2, 13, "A name is one word: `firstName`."),
    ("function (o) { return 1; }", 1, 10, "Give it one, or, if it is the script's entry, write `export default function (input) { … }`."),
    ("export default function (o) { return 1; \nexport const x = 1;", 1, 29, "Write the missing `}` where what begins here ends."),
    ("export default function (o) {\n  return o?name;\n}", 2, 16, "To read a field of what may be missing write `?.`; else write `condition ? a : b`."),
    ("export default function (o) {\n  return o.lines.map(({name}) name);\n}", 2, 31, "Write `=>` after `({name})`."),
    ("export default function (o) {\n  if (o.a == 1) {\n    return 1\n  else {\n    return 2\n  }\n}", 4, 3, "Write `}` before `else`: the block of the `if` in line 2 is still open."),
    ("import { a, b from './a';", 1, 15, "If what the `{` opened ends here, write `}` before `from`."),
    ("import fs from fs;", 1, 16, "Write the path between quotes: `from './fs'`."),
    ("import * from './a';", 1, 10, "Write `import * as name from './module'`."),
    ("using System;\nexport default 1;", 1, 1, "Write `import { name } from './module'`. Only modules of the bundle can be imported: bundle a library into the script with a bundler such as esbuild."),
    ("export default function main(o) {\n  return <b>hello</b>;\n}", 2, 19, "Write `/` at its end. If it is meant as HTML in the code (JSX): that is not supported."),
    ("var total = 0,\nexport default function main(o) { return total }", 1, 14, "Complete line 1, or leave the `,` out."),
    ("export default function main(o) {\n  return new Date().getFullYear;\n}\nexport default function again(o) {}", 1, 1, "Keep one `export default`; export the others by name: `export function name(…) { … }`."),
    ("export default function main(o) {\n  const a = 1\n  const b = a +\n  return b\n}", 3, 15, "Complete line 3, or leave the `+` out."),
    ("export default main(o) {\n  return 1;\n}", 1, 16, "Write `export default function main(…) { … }`."),
    ("export default function main(o) { return o.total.toFixed 2; }", 1, 58, "To call it write parentheses: `toFixed(2)`."),
    ("export default function main(o) { return ${o.total}; }", 1, 42, "Outside of a text write the value alone: `order.total`."),
    ("export default function main(o) { return {{o.total}}; }", 1, 42, "Write the value alone: `order.total`."),
    ("export default function main(o) { let x = if (o.a) 1 else 2; }", 1, 43, "Write `condition ? a : b`."),
    ("export default function main(o) { switch (o.a) { when 1: return 2; } }", 1, 50, "Write `case value:` or `default:` before this."),
    ("export default function main(o) { switch (o.a) { case 1: return 2; else: return 3; } }", 1, 68, "Write `default:`."),
    ("export default function main(o) { return o.a ?: 2; }", 1, 46, "Write `??` for a value where another one is missing."),
    ("export default function main(o) { return o!!.a b; }", 1, 48, "Write an operator between them, such as `+`; a field whose name has a space is read by `[\"a b\"]`."),
    ("export default function (o) {\n  return o.lines.map(x = > x);\n}", 2, 24, "Write `=>`."),
    ("export default function (o) {\n  return o.lines.map(async x = > x);\n}", 2, 30, "Write `=>`."),
    ("export default function (o) {\n  return o.lines.sort((a, b) = > a.n - b.n);\n}", 2, 30, "Write `=>`."),
    ("export default function (o) {\n  if (o.lines.some(l = > l.paid)) return 1;\n}", 2, 22, "Write `=>`."),
    ("export default function (o) {\n  const big = o.total = > 5;\n}", 2, 23, "Write `>=`."),
    ("export default function (o) {\n  while (n = > 5) n--;\n}", 2, 12, "Write `>=`."),
    ("export default function (o) {\n  return total = > 5;\n}", 2, 16, "Write `=>` for a function, and `>=` for \"is at least\"."),
    ("class A {\n  a() { return 1; },\n  b() { return 2; }\n}\nexport default () => new A();", 2, 20, "Leave the `,` out; after the value of a field write `;`."),
    ("class A {\n  a = 1,\n  b = 2\n}\nexport default () => new A();", 2, 8, "Leave the `,` out; after the value of a field write `;`."),
    ("class A {\n  function total() { return 1; }\n}\nexport default () => new A();", 2, 3, "Write `total(…) { … }`."),
    ("class A {\n  async function total() { return 1; }\n}\nexport default () => new A();", 2, 9, "Write `async total(…) { … }`."),
    ("class A {\n  def total() { return 1; }\n}\nexport default () => new A();", 2, 3, "Write `total(…) { … }`."),
    ("class A {\n  let x = 1;\n}\nexport default () => new A();", 2, 3, "Write `x = …;`."),
    ("class A {\n  const x = 1;\n}\nexport default () => new A();", 2, 3, "Leave it out: `name = value;`."),
    ("class A {\n  int x = 1;\n}\nexport default () => new A();", 2, 3, "Write `x: number = …;`, or leave the type out: `x = …;`."),
    ("class A {\n  private String name() { return 1; }\n}\nexport default () => new A();", 2, 11, "Write `name(…): string { … }`."),
    ("export default function (o) {\n  o.lines.forEach((l) => { if (!l) { continue; } });\n}", 2, 38, "Write `return`: `forEach` goes on with the next element."),
    ("export default function (o) {\n  o.lines.forEach(function (l) { if (l) break; });\n}", 2, 41, "Write a loop, which can be left: `for (const l of list) { … break; … }`."),
    ("export default function (o) {\n  return o.lines.map((l) => { if (!l) continue; return l; });\n}", 2, 39, "Write a loop, `for (const l of list) { … }`; or leave elements out before: `list.filter(…).map(…)`."),
    ("export default function (o) {\n  return o.lines.filter(async l => { if (!l) continue; return l; });\n}", 2, 46, "Write `return false`, which goes on with the next element."),
    ("export default function (o) {\n  o.lines.forEach((l) => { const f = () => { break; }; f(); });\n}", 2, 46, "To leave a function write `return`."),
    ("export default function (o) {\n  if (o.a) continue;\n}", 2, 12, "It goes on with the next turn of a `for` or `while`. To leave a function write `return`."),
    ("export default function (o) {\n  return 007;\n}", 2, 10, "Write `7`. If the 0 belongs to it, as in a code or a key, write it as text: `'007'`."),
    ("export default function (o) {\n  return 089;\n}", 2, 10, "Write `89`. If the 0 belongs to it, as in a code or a key, write it as text: `'089'`."),
    ("export default function (o) {\n  return 2024-01-09;\n}", 2, 10, "Write `new Date('2024-01-09')`, or the text alone: `'2024-01-09'`."),
    ("export default function (o) {\n  return 09.01.2024;\n}", 2, 10, "Write it as text: `'09.01.2024'`. A date is made by `new Date('2024-01-09')`."),
    ("export default const run = (o) => o;", 1, 16, "Write `export const run = …`, or `export default (input) => …`."),
    ("export run;\nfunction run(o) { return 1; }", 1, 8, "Write `export { run };`, or write `export` before the declaration of `run`."),
    ("export run(o) {\n  return 1;\n}", 1, 8, "Write `export function run(…) { … }`."),
    ("export run = (o) => o;", 1, 8, "Write `export const run = …`."),
    ("import json\nexport default () => 1;", 1, 1, "Leave it out: `JSON.parse(…)` and `JSON.stringify(…)` are always there."),
    ("import pandas as pd\nexport default () => 1;", 1, 1, "Write `import { name } from './module'`. Only modules of the bundle can be imported: bundle a library into the script with a bundler such as esbuild."),
    ("from datetime import date\nexport default () => 1;", 1, 1, "Leave it out: `new Date()` is always there."),
    ("using System.Text;\nexport default () => 1;", 1, 1, "Write `import { name } from './module'`. Only modules of the bundle can be imported: bundle a library into the script with a bundler such as esbuild."),
    ("import java.util.List;\nexport default () => 1;", 1, 1, "Write `import { name } from './module'`. Only modules of the bundle can be imported: bundle a library into the script with a bundler such as esbuild."),
    ("package com.example;\nexport default () => 1;", 1, 1, "Leave it out: each file is a module by itself."),
    ("export default function (o) {\n  List<String> names = new ArrayList<String>();\n}", 2, 3, "In TypeScript the type comes after the name: `let names: string[] = …`; or leave it out: `let names = …`. A new list is `[]`."),
    ("export default function (o) {\n  Map<String, Integer> m = new HashMap<>();\n}", 2, 3, "Leave the type out: `let m = …`."),
    ("export default function (o) {\n  int[] ns = [1];\n}", 2, 3, "In TypeScript the type comes after the name: `let ns: number[] = …`; or leave it out: `let ns = …`."),
    ("public static int run(Object input) {\n  return 1;\n}", 1, 1, "Write `export function run(…): number { … }`."),
    ("public void run(Object input) {\n}", 1, 1, "Write `export function run(…): void { … }`."),
    ("void run(input) {\n}", 1, 1, "Write `function run(…): void { … }`."),
    ("export default function (o) {\n  lte x = 1;\n}", 2, 3, "Did you mean `let`?"),
    ("export default function (o) {\n  lett x = 1;\n}", 2, 3, "Did you mean `let`?"),
    ("export default function (o) {\n  vra x = 1;\n}", 2, 3, "Did you mean `var`?"),
    ("export default function (o) {\n  return nwe Date();\n}", 2, 10, "Did you mean `new`?"),
    ("export default function (o) {\n  fro (const l of o.lines) { }\n}", 2, 3, "Did you mean `for`?"),
    ("export default function (o) {\n  tyr { o.a(); } catch { }\n}", 2, 3, "Did you mean `try`?"),
    ("export default function (o) {\n  -- the total\n  return 1;\n}", 2, 3, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default function (o) {\n  return 1; -- the sum of all\n}", 2, 13, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default function (o) {\n  return 1; -- 5 lines\n}", 2, 13, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default function (o) {\n  the total */\n  return 1;\n}", 2, 13, "Write `/*` where the comment begins."),
    ("```js\nexport default function (o) {\n  return 1;\n}\n```", 1, 1, "Give the script without the lines that begin with three backquotes, and without the text around them."),
    ("export default function (o) {\n  return 1;\n}\n```", 4, 1, "Give the script without the lines that begin with three backquotes, and without the text around them."),
    ("Here is the script:\n\n```ts\nexport default function (o) {\n  return `a`;\n}\n```\n", 3, 1, "Give the script without the lines that begin with three backquotes, and without the text around them."),
    ("1 export default function (o) {\n2   return 1;\n3 }", 1, 1, "Leave the number of each line out."),
    ("<?php\nfunction run($o) { return 1; }", 1, 1, "Scripts are written in TypeScript or JavaScript, and begin with `export default function (input) { … }`."),
    ("export default function (o) {\n  return ['total' => 1];\n}", 2, 19, "Write `{ total: … }`."),
    ("export default function (o) {\n  return array('total' => 1);\n}", 2, 24, "Write `{ total: … }`."),
    ("export default function (o) {\n  return { total => 1 };\n}", 2, 18, "Write `{ total: … }`."),
    ("export default function (o) {\n  return { 'a-b' => 1 };\n}", 2, 18, "Write `{ 'a-b': … }`."),
    ("export default function (o) {\n  return { o.name: 1 };\n}", 2, 12, "Write `[o.name]: …` for the name that `o.name` holds; or the name itself: `name: …`."),
    ("export default function (o) {\n  return { unit-price: 1 };\n}", 2, 12, "Write `'unit-price': …`."),
    ("export default function (o) {\n  return { a: 1, unit price: 1 };\n}", 2, 18, "Write `'unit price': …`; if `unit` is a field of its own, write `,` after it."),
    ("export default function (o) {\n  o?.a = 1;\n}", 2, 4, "Write `.` in place of `?.`; where `o` may be missing, ask before: `if (o) …`."),
    ("export default function (o) {\n  f(o?.a).b() = 1;\n}", 2, 3, "To compare two values write `===`."),
    ("export default function (o) {\n  let x := 1;\n}", 2, 9, "Write `=` for an assignment."),
    ("export default function (o) {\n  if (o.a && o.b =! 2) return 1;\n}", 2, 18, "Write `!==` for \"is not equal\"."),
    ("export default function (o) {\n  f()++;\n}", 2, 3, "To add write one `+`."),
    ("export default function (o) {\n  throw;\n}", 2, 3, "Write `throw new Error(\"…\")`; in a `catch (error)`, `throw error` throws it again."),
    ("export default function (o) {\n  let x = 1; delete x;\n}", 2, 21, "`delete` removes a field of an object, as in `delete order.total`. To empty a variable write `name = undefined`."),
    ("export default function (o) {\n  arguments = 1;\n}", 2, 3, "It is a name of the language: choose another one."),
    ("export default function (...o, b) { return 1; }", 1, 26, "Put it last: `(first, ...others)`."),
    ("export default function (o) {\n  return new.Date();\n}", 2, 10, "Leave the `.` out: `new Date()`."),
    ("export default function (o) {\n  with (o) { return 1; }\n}", 2, 3, "Write the object before each field, `order.total`, or take fields out of it: `const { total } = order;`."),
    ("class A { get a(x) { return 1; } }\nexport default () => new A();", 1, 16, "Leave the parameters out; or leave `get` out, which makes it a method."),
    ("export default function (o) {\n  yield 1;\n}", 2, 3, "Write `return` to give a value. A generator is written with a star: `function* name() { … }`."),
    ("export default (o)\n  => o.a;", 2, 3, "Write it at the end of the line before, right after the parameters."),
    ("export default function (o) {\n  return o.text.match(/(a/);\n}", 2, 24, "A sign that is meant as text gets a backslash: `\\(`, `\\[`, `\\?`, `\\*`."),
    ("export default function (o) {\n  return o.text.match(/a/x);\n}", 2, 26, "Behind the second `/` only the letters d, g, i, m, s, u, v and y can stand. If it is meant as a division, something is missing before it."),
    ("export default function (o) {\n  if (o.a) const x = 1;\n}", 2, 12, "Put it between braces, `{ const name = …; }`, or declare the name before: `let name;`."),
    ("export { total };\nexport default () => 1;", 1, 10, "Declare it, or correct its name."),
    ("class A { constructor() { this.#a = 1; } }\nexport default () => new A();", 1, 32, "Declare it at the beginning of the class: `#name = 0;`."),
    ("export default function (o) {\n  for (const l of o.lines) { l.forEach(() => { continue; }); }\n}", 2, 48, "Write `return`: `forEach` goes on with the next element."),
    ("export default function (o) {\n  while (o.a) { const f = () => { break; }; f(); }\n}", 2, 35, "To leave a function write `return`."),
    ("export default function (o) {\n  outer: for (const l of o.lines) { l.forEach((m) => { break outer; }); }\n}", 2, 62, "Write a loop, `for (const line of list) { … }`, in place of the function; or leave the function with `return`."),
    ("export default function (o) {\n  return {\n    total: 1, -- the total\n    b: 2\n  };\n}", 3, 15, "Comments begin with `//`, or stand between `/*` and `*/`."),
    ("/* a */ b */\nexport default () => 1;", 1, 11, "Write `/*` where the comment begins."),
    ("import a, b from \"./a\";\nexport default () => 1;", 1, 11, "Write `import { a, b } from …`; or `import a, { b } from …`, where `a` is the default export."),
    ("export default let x = 1;", 1, 16, "Write `export let x = …`, or `export default (input) => …`."),
    ("export async run(o) { return 1; }", 1, 8, "Write `export async function run(…) { … }`."),
    ("export default async run(o) { return 1; }", 1, 16, "Write `export default async function run(…) { … }`."),
    ("export async (o) => 1;", 1, 8, "Write `export default async (input) => …`."),
    ("export (o) => 1;", 1, 8, "Write `export default (input) => …`."),
    ("async run(o) { return 1; }", 1, 1, "Write `async function run(…) { … }`."),
    ("export default function (o) {\n  return (int) o.a;\n}", 2, 10, "Write `Math.trunc(Number(value))`."),
    ("export default function (o) {\n  return o.a ? 1 := 2;\n}", 2, 19, "Something is missing just before it, or it is one too many."),
];

/// The same for JavaScript, where the parser takes `<` for HTML.
#[rustfmt::skip]
const JAVASCRIPT: &[Slip] = &[
    ("export default function (o) { if (o.a =< 2) return 1; }", 1, 39, "Write `<=` for \"is at most\"."),
    ("<script>\nexport default function (o) { return 1; }\n</script>", 1, 1, "Give what stands between `<script>` and `</script>` alone, without these two lines."),
    ("export default function (o) { return <p>hello</p>; }", 1, 38, "Write HTML as text, between backquotes: `<p>${name}</p>`. If this is a comparison: what stands before `<` is missing."),
    ("<?php\nfunction run($o) { return 1; }", 1, 1, "Scripts are written in TypeScript or JavaScript, and begin with `export default function (input) { … }`."),
];

#[test]
fn a_slip_has_its_place_and_its_remedy() {
    let mut wrong = String::new();
    let javascript = JAVASCRIPT.iter().map(|slip| ("main.js", slip));
    for (name, (source, line, column, help)) in SYNTAX.iter().map(|slip| ("main.ts", slip)).chain(javascript) {
        let found = found(name, source);
        let right = found
            .iter()
            .any(|found| (found.at.line, found.at.column, found.help.as_deref()) == (*line, *column, Some(help)));
        if !right {
            wrong += &format!("{source}\n  wanted {line}:{column} {help}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn one_slip_is_told_once() {
    for source in [
        "export default () => 2024-01-09;",
        "export default () => 01-09-2024;",
        "export default () => 1;\n```",
        "```js\nexport default () => 1;\n```\n",
    ] {
        let found = found("main.ts", source);
        assert_eq!(found.len(), 1, "{source}: {found:#?}");
    }
}

/// Code that runs, with a word of the one warning that it gets. The word is empty if it gets none.
#[rustfmt::skip]
const RUNS: &[(&str, &str)] = &[
    ("export default (o) => o.lines.map((l) => { name: l.name });", "label"),
    ("export default function (o) {\n  return\n  { total: 5 };\n}", "never reached"),
    ("export default function (o) {\n  return\n  o.total;\n}", "never reached"),
    ("export default function (o) {\n  if (o.done) return\n  o.total = 2;\n  return o;\n}", ""),
    ("export default function (o) {\n  return;\n  o.total = 2;\n}", ""),
    ("export default (o) => o.lines.filter((l) => { l.paid });", "`filter` goes by what it returns"),
    ("export default (o) => { o.lines.map((l) => { console.log(l); }); };", ""),
    ("export default async (o) => { await Promise.all(o.lines.map(async (l) => { await sleep(l); })); };", ""),
    ("export default (o) => { o.total * 2; };", "nothing takes it"),
    ("export default (o) => { o.total == 2; };", "nothing takes the answer"),
    ("export default (o) => { if (o.status = 'open') return 1; };", "always has the same answer"),
    ("export default (o) => { let m; while (m = o.list.pop()) m.seen = true; };", ""),
    ("export default (o) => { if (o.paid); return 1; };", "ends the `if`"),
    ("export default (o) => o.total === NaN;", "always false"),
    ("export default (o) => o.lines === [];", "always false"),
    ("export default (o) => 1 < o.total < 5;", "first comparison"),
    ("export default (o) => !o.id in o.known;", "`!` holds"),
    ("export default (o) => typeof o.lines === 'array';", "never gives"),
    ("export default (o) => 'Total: ' & o.total;", "joins no texts"),
    ("async function send() {}\nexport default () => { send(); };", "Nobody waits for 'send'"),
    ("const send = async () => 1;\nexport default () => { send(); };", "Nobody waits for 'send'"),
    ("async function send() {}\nexport default async () => { await send(); void send(); send().catch(() => 1); return send(); };", ""),
    ("export default async () => { sleep(5); };", "Nobody waits for this `sleep`"),
    ("export default async (o) => { o.lines.forEach(async (l) => { await sleep(l); }); };", "`forEach` waits"),
    ("export default async (o) => o.lines.filter(async (l) => l.paid);", "counts as true"),
    ("export default (o) => new Promise((resolve) => { if (o.paid) resolve(1); });", "on some ways only"),
    ("export default (o) => new Promise((resolve) => { o.done = 1; });", "never settles"),
    ("export default (o) => new Promise((resolve) => { setTimeout(resolve, 5); });", ""),
    ("export default (o) => new Promise((resolve, reject) => { if (o.paid) resolve(1); else reject(new Error('no')); });", ""),
    ("export default (o) => new Promise((resolve, reject) => { try { resolve(JSON.parse(o)); } catch (e) { reject(e); } });", ""),
    ("export default (o) => new Promise((resolve) => { o.lines.forEach((l) => { if (l) resolve(l); }); });", ""),
    ("export default (n) => n.toLocaleString('de-DE');", "`toLocaleString` has no data"),
    ("export default (d) => d.toLocaleDateString(undefined, { timeZone: 'Europe/Berlin' });", "`toLocaleDateString` has no data"),
    ("export default (a, b) => a.localeCompare(b, 'sv');", "`localeCompare` has no data"),
    ("export default (a, b) => a.localeCompare(b, 'de', { numeric: true }) + a.toLocaleString('en-US') + a.toLocaleUpperCase();", ""),
    ("export default () => new Intl.NumberFormat('de');", "'Intl' belongs to another host"),
    ("export default async () => await fetch('https://example.com');", "'fetch' belongs to another host"),
    ("export default () => document.title;", "'document' belongs to another host"),
    ("export default () => localStorage.getItem('a');", "'localStorage' belongs to another host"),
    ("declare const process: any;\nexport default () => process.env.KEY;", "'process' is described"),
    ("export default (o) => { const document = o.document; return document.title; };", ""),
    ("export default () => (typeof process === 'undefined' ? 1 : process.env);", ""),
    ("export default () => { try { return fetch('x'); } catch { return 1; } };", ""),
    ("export default () => (globalThis.crypto ? crypto.randomUUID() : 1);", ""),
    ("export default () => ('crypto' in globalThis ? crypto.randomUUID() : 1);", ""),
    ("// node_modules/a/index.js\nfunction a() { fetch('x'); new Blob(['x']).toLocaleString('de'); }\n// src/main.ts\nexport default () => a;", ""),
    ("// node_modules/a/index.js\nfunction a() {}\n// src/main.ts\nexport default () => [a, fetch('x')];", "'fetch' belongs to another host"),
    ("export default (order) => Order.total;", "'Order' is not declared"),
    ("export function discount() {}", "a job must name 'discount'"),
    ("export default function () {}\nexport const rate = 1;", ""),
    ("export const main = () => 1;", ""),
    ("export * from './main.ts';", ""),
    ("export default class {}\nexport function total() {}", "this is a class"),
    ("export default (o) => { if (o.a =! 2) return 1; };", "`=!` compares nothing"),
    ("export default (o) => { let m; while (m = !o.list.pop()) o.n += m; };", ""),
    ("export default (o) => { let m; if (m=!o.list) return m; };", ""),
    ("export default (o) => { const all = o.lines.forEach((l) => l.total * 2); return all; };", "`forEach` gives nothing"),
    ("export default (o) => { return o.lines.forEach((l) => { return { a: l.a }; }); };", "`forEach` gives nothing"),
    ("export default (o) => o.lines?.forEach((l) => l.total);", "`forEach` gives nothing"),
    ("export default (o) => { if (o.a) return o.lines.forEach((l) => { l.seen = true; }); return o; };", ""),
    ("export default (o) => o.groups.forEach((g) => g.lines.forEach((l) => { o.n += l.n; }));", ""),
    ("export default (o) => { o.lines.forEach((l) => { if (l.a) return; l.b = 1; }); return o; };", ""),
    ("export default (o, each) => { const all = o.forEach(each); return all; };", ""),
    ("export default (o) => o.id === 12345678901234567890;", "12345678901234567000"),
    ("export default () => 9007199254740993;", "9007199254740992"),
    ("export default () => [9007199254740991, 9007199254740992, 12345678901234567000, 12345678901234567168, 18446744073709551616, 1e21, 0xffffffffffffffff, 12345678901234567890n];", ""),
    ("export default (o) => o.lines.sort((a, b) => a.n > b.n);", "goes by a number"),
    ("export default (o) => o.lines.toSorted(function (a, b) { return a < b; });", "goes by a number"),
    ("export default (o) => o.lines.sort((a, b) => (a.n > b.n ? 1 : -1)).toSorted((a, b) => a - b).sort();", ""),
    ("export default (o) => { return 1; -- done\n};", "'done' is not declared"),
];

/// Code that uses a name which nothing declares, and the help.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("export default () => { if (1) {\n  sleep;\n done\n} };", "A block stands between `{` and `}`."),
    ("export default () => { next; };", "A block stands between `{` and `}`."),
    ("export default () => { done(null, 1); };", "Nobody waits for a call: return the value, `return value;`, or throw an error."),
    ("export default () => { callback(1); };", "Nobody waits for a call: return the value, `return value;`, or throw an error."),
    ("export default () => { return 1; -- done\n};", "`--` begins no comment. Comments begin with `//`, or stand between `/*` and `*/`."),
    ("export default () => { System.out.println(1); };", "Write `console.log(…)`."),
    ("export default () => payload.total;", "The input is the entry's first parameter: `export default function (input) { … }`."),
    ("export default () => execution.getVariable('a');", "The input is the entry's first parameter: `export default function (input) { … }`."),
    ("export default (msgs) => msg.total + msgs;", "Did you mean 'msgs'?"),
    ("export default () => logger.info(1);", "Write `console.log(…)`."),
    ("export default () => Java.type('a');", "Scripts run in no Java, and reach none of its classes: they have what JavaScript has, and their input."),
    ("export default () => path.join('a');", "Scripts have no files: give the data to the job as input."),
    ("export default () => new Image();", "Scripts run in no browser: there is no page and no window."),
    ("export default () => new SharedWorker('a');", "A script runs alone, on one thread, and exchanges no messages: it gets its input and returns a value."),
    ("export default (total) => tot\u{200d}al + total;", "An invisible character stands in this name (U+200D): delete it."),
];

#[test]
fn an_undeclared_name_is_told_by_what_it_is_elsewhere() {
    let mut wrong = String::new();
    for (source, help) in NAMES {
        let found = found("main.ts", source);
        if !found.iter().any(|found| found.code.to_string() == "SM1101" && found.help.as_deref() == Some(help)) {
            wrong += &format!("{source}\n  wanted {help:?}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_invisible_character_is_found_in_code_alone() {
    for character in ['\u{200b}', '\u{85}', '\u{200e}', '\u{2060}', '\u{ad}', '\u{180e}', '\u{202a}', '\u{202e}'] {
        let found = found("main.js", &format!("export default (o) =>\n  o.{character}a;"));
        let code = format!("U+{:04X}", u32::from(character));
        assert_eq!(found.len(), 1, "{code}: {found:#?}");
        assert_eq!((found[0].at.line, found[0].at.column), (2, 5), "{code}");
        assert!(found[0].message.contains(&code), "{code}: {}", found[0].message);
    }
    for written in
        ["'a\u{200b}'", "`\u{200b}${1}\u{200b}`", "/\u{200b}/", "1 // \u{200b}\n", "/* \u{200b} */ 2", "\u{a0}3"]
    {
        let source = format!("export default () => {written};");
        assert_eq!(found("main.js", &source), [], "{source:?}");
    }
}

#[test]
fn code_that_misleads_is_told_from_code_that_is_meant() {
    let mut wrong = String::new();
    for (source, word) in RUNS {
        let found = found("main.ts", source);
        let right = match (word.is_empty(), &found[..]) {
            (true, []) => true,
            (false, [one]) => one.message.contains(word) && one.help.is_some(),
            _ => false,
        };
        if !right {
            wrong += &format!("{source}\n  wanted {word:?}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_no_job_could_call_is_refused() {
    #[rustfmt::skip]
    let cases = [
        ("main.ts", "export default class Order {}", "this is a class"),
        ("main.ts", "class Order {}\nexport default Order;", "this is a class"),
        ("main.ts", "const config = { a: 1 };\nexport default config;", "this is an object"),
        ("main.ts", "export default { run() {} };", "this is an object"),
        ("main.ts", "export default 5;", "this is a number"),
        ("main.ts", "export default async function* () { yield 1; }", "this is an async generator"),
        ("main.ts", "function* main() { yield 1; }", "this is a generator"),
        ("main.ts", "export const rate = 0.19;", "this is a number"),
        ("main.js", "module.exports = async function (input) { return 1; };", "the format CommonJS"),
        ("main.js", "exports.handler = async (event) => 1;", "the format CommonJS"),
        ("main.js", "Object.defineProperty(exports, '__esModule', { value: true });\nexports.main = main;\nfunction main() {}", "the format CommonJS"),
        ("main.js", "const _ = require('lodash');\nfunction main(o) { return _.sum(o); }", "the format CommonJS"),
        ("main.js", "define(['exports'], function (exports) { exports.main = 1; });", "the format AMD"),
        ("main.js", "System.register([], function (exports) { return {}; });", "the format SystemJS"),
        ("main.js", "(() => { function main() {} })();", "the format IIFE"),
        ("main.js", "var script = (() => { var meta = { main: 'index.js' }; return { default: 1 }; })();", "the format IIFE"),
        ("main.js", "(function (root, factory) { typeof exports === 'object' ? factory(exports) : factory(root.Lib = {}); })(this, function (exports) { exports.total = 1; });", "the format UMD"),
    ];
    let mut wrong = String::new();
    for (name, source, words) in cases {
        let found = found(name, source);
        if !found.iter().any(|found| found.code.to_string() == "SM1005" && found.message.contains(words)) {
            wrong += &format!("{source}\n  wanted {words:?}\n  found {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
