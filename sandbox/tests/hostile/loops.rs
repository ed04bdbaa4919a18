//! What never ends: loops in every form, regular expressions, built-ins that take seconds without a call.

use scriptmill_sdk::Code;

use super::case::{Case, body, later, module};

const ENDLESS: u64 = 30_000_000;

pub(crate) fn cases() -> Vec<Case> {
    [loops(), expressions(), built_ins(), others()].into_iter().flatten().collect()
}

fn loops() -> Vec<Case> {
    Vec::from(
        [
            body("while", "while (true) {}"),
            body("for", "for (;;);"),
            body("do", "do {} while (1);"),
            body("for in a loop that is continued", "outer: for (;;) { for (const key in { a: 1 }) continue outer; }"),
            body("finally that continues", "for (;;) { try { throw 1; } catch {} finally { continue; } }"),
            body(
                "finally that returns into a loop",
                "const f = () => { try { return 1; } finally { while (true) {} } }; f();",
            ),
            body("loop inside try", "try { while (true) {} } catch { return 'caught'; } finally { return 'last'; }"),
            body("generator", "for (const n of (function* () { for (let n = 0; ; n++) yield n % 9; })());"),
            body(
                "iterator of its own",
                "for (const n of { [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) });",
            ),
            body("recursion as wide as a tree", "const f = (n) => { if (n) { f(n - 1); f(n - 1); } }; f(60);"),
            body("getter", "return { get a() { for (;;); } }.a;"),
            body("valueOf", "return 1 + { valueOf() { for (;;); } };"),
            body("proxy trap", "return new Proxy({}, { get() { for (;;); } }).a;"),
            body("prototype trap", "return Object.create(new Proxy({}, { get() { for (;;); } })).a;"),
            body("comparator", "return [3, 2, 1].sort(() => { for (;;); });"),
            body("callback of replace", "return 'a'.replace(/a/, () => { for (;;); });"),
            body("reviver", "return JSON.parse('[1]', () => { for (;;); });"),
            body("toJSON", "return { toJSON() { for (;;); } };"),
            body("getter of the value", "return { get a() { for (;;); } };"),
            body("keys of the value", "return new Proxy({}, { ownKeys() { for (;;); } });"),
            body("then of the value", "return { get then() { for (;;); } };"),
            body("message of what is thrown", "throw { name: 'a', get message() { for (;;); } };"),
            body(
                "cause of what is thrown",
                "throw Object.defineProperty(new Error('a'), 'cause', { get() { for (;;); } });",
            ),
            body("toString of what is logged", "console.log(1); return String({ toString() { for (;;); } });"),
            body("static block", "class A { static { for (;;); } }"),
            body("eval", "eval('for (;;);');"),
            body("new Function", "new Function('for (;;);')();"),
            later("await", "for (;;) await null;"),
            later("async generator", "for await (const n of (async function* () { for (;;) yield 1; })());"),
            body("microtasks", "const f = () => queueMicrotask(f); f(); return new Promise(() => {});"),
            body(
                "promise chain",
                "const f = () => Promise.resolve().then(() => { f(); }); return f().then(() => new Promise(() => {}));",
            ),
            body("thenable that names itself", "const t = { then(resolve) { resolve(t); } }; return t;"),
            body("timers of no time", "const f = () => setTimeout(f); f(); return new Promise(() => {});"),
            body("timers cleared at once", "for (;;) clearTimeout(setTimeout(() => {}, 1000));"),
            later("imports of itself", "for (;;) await import('./main.js');"),
        ]
        .map(|case| case.fuel(ENDLESS).exhausts(Code::Fuel)),
    )
}

fn expressions() -> Vec<Case> {
    Vec::from(
        [
            body("nested quantifiers", "return /^(a+)+$/.test('a'.repeat(60) + 'b');"),
            body("alternatives that overlap", "return /^(a|aa)+$/.test('a'.repeat(80) + 'b');"),
            body("any of any", "return /(.*)*x/.test('a'.repeat(60));"),
            body("words", r"return /^(\w+\s?)*$/.test('word '.repeat(30) + '!');"),
            body("back references", r"return /^(a*)*\1$/.test('a'.repeat(60) + 'b');"),
            body("look-ahead", "return /^(?=(a+)+$)b/.test('a'.repeat(60) + 'c');"),
            body("unicode and sticky", r"return /(\p{L}+)+!/uy.test('ä'.repeat(60));"),
            body("split by an expression", "return 'a'.repeat(60).split(/(a+)+b/);"),
            body("a global replace", "return ('a'.repeat(40) + 'b').repeat(9).replace(/(a+)+c/g, '');"),
            body("named groups of groups", "return /^(?<a>(?<b>a+)+)+$/.test('a'.repeat(60) + 'b');"),
        ]
        .map(|case| case.fuel(ENDLESS).exhausts(Code::Fuel)),
    )
}

fn built_ins() -> Vec<Case> {
    Vec::from(
        [
            body("sparse reverse", "const a = []; a.length = 4294967295; return a.reverse().length;"),
            body("sparse join", "const a = []; a.length = 4294967295; return a.join().length;"),
            body("sparse indexOf", "return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);"),
            body("sparse sort", "return Array.prototype.sort.call({ length: 2 ** 32, 0: 1 });"),
            body("sparse forEach", "return Array.prototype.forEach.call({ length: 2 ** 53 - 1 }, () => {});"),
            body("sparse copyWithin", "return Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1);"),
            body("sparse lastIndexOf", "return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);"),
            body("large numbers multiplied", "let n = 3n; for (;;) n = (n * n) % (2n ** 100000n) + 3n;"),
            body("a large power", "return String(7n ** 400000n).length;"),
            body("a large number read", "return String(BigInt('9'.repeat(900000))).length;"),
            body("split into many", "let n = 0; for (;;) n += 'a'.repeat(100000).split('').length;"),
            body("replaceAll of nothing", "for (;;) 'ab'.repeat(10000).replaceAll('', 'x');"),
            body("fill", "const a = new Uint8Array(1e6); for (;;) a.fill(1);"),
            body(
                "sort of a typed array",
                "const a = new Float64Array(1e5).map(Math.random); for (;;) a.slice().sort();",
            ),
            body("includes of texts", "const t = 'a'.repeat(1e6); for (;;) t.includes('a'.repeat(5e5) + 'b');"),
            body(
                "keys that collide",
                "const m = new Map(); for (let n = 0; ; n++) { m.set(n * 2 ** 20, n); m.delete((n - 9) * 2 ** 20); }",
            ),
            body("normalize", "for (;;) 'e\\u0301'.repeat(10000).normalize('NFC');"),
            body("a value that shares its parts", "let v = []; for (let n = 0; n < 60; n++) v = [v, v]; return v;"),
        ]
        .map(|case| case.fuel(ENDLESS).exhausts(Code::Fuel)),
    )
}

fn others() -> Vec<Case> {
    Vec::from([
        later("interval", "setInterval(() => {}, 1); await new Promise(() => {});").wall(80).exhausts(Code::WallTime),
        later("sleep of a year", "await sleep(365 * 24 * 3600 * 1000);").wall(80).exhausts(Code::WallTime),
        later("sleep for ever", "await sleep(Infinity);").wall(80).exhausts(Code::WallTime),
        body("loop longer than the wall time", "for (;;);").fuel(u64::MAX / 4).wall(80).exhausts(Code::WallTime),
        body("wait on shared memory", "return Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0);")
            .throws("TypeError"),
        later("promise that never settles", "await new Promise(() => {});").fails(Code::NeverSettles),
        body(
            "promises that wait for each other",
            "let a; const b = new Promise((r) => { a = r; }); a(b.then(() => b)); return b;",
        )
        .fails(Code::NeverSettles),
        module("top level that never ends", "for (;;);\nexport default () => 1;").exhausts(Code::PrepareFuel),
        module("top level that waits", "await new Promise(() => {});\nexport default () => 1;")
            .fails(Code::NeverSettles),
        module("top level of microtasks", "const f = () => queueMicrotask(f); f();\nexport default () => 1;")
            .exhausts(Code::PrepareFuel),
    ])
}
