//! What takes memory or stack: until the limit, past it, and after it was met.

use scriptmill_sdk::Code;

use super::case::{Case, body, later, module};

pub(crate) fn cases() -> Vec<Case> {
    [memory(), recursion()].into_iter().flatten().collect()
}

fn memory() -> Vec<Case> {
    Vec::from(
        [
            body(
                "text that grows",
                "const some = 'a'.repeat(300000); let t = ''; for (;;) { t += some; t.charCodeAt(5); }",
            ),
            body("texts kept", "const all = []; for (let n = 0; ; n++) all.push('a'.repeat(50000) + n);"),
            body("text repeated", "return 'abcd'.repeat(2 ** 26).length;"),
            body("text padded", "return 'a'.padEnd(2 ** 28).length;"),
            body("array", "const all = [], some = new Array(1000).fill(1); for (;;) all.push(...some);"),
            body("array filled", "return new Array(1e8).fill(0).length;"),
            body("arrays joined", "let all = [1]; for (;;) all = all.concat(all);"),
            body("arrays inside arrays", "let all = []; for (;;) all = [all];"),
            body("objects", "const all = []; for (let n = 0; ; n++) all.push({ ['key' + n]: n });"),
            body("keys", "const all = {}, t = 'key'.repeat(1000); for (let n = 0; ; n++) all[t + n] = n;"),
            body("map", "const all = new Map(); for (let n = 0; ; n++) all.set(n, n);"),
            body("typed arrays", "const all = []; for (;;) all.push(new Float64Array(1000));"),
            body("one buffer", "return new ArrayBuffer(2 ** 30).byteLength;"),
            body(
                "one buffer that grows",
                "const b = new ArrayBuffer(8, { maxByteLength: 2 ** 26 }); b.resize(2 ** 26);",
            ),
            body("closures", "let f = () => 0; for (;;) { const g = f; f = () => g; }"),
            body(
                "generators",
                "const all = []; for (;;) { const g = (function* () { yield 1; })(); g.next(); all.push(g); }",
            ),
            body(
                "symbols",
                "const all = [], t = 's'.repeat(10000); for (let n = 0; ; n++) all.push(Symbol.for(t + n));",
            ),
            body("promises", "const all = []; for (;;) all.push(Promise.resolve(new Array(100).fill(1)));"),
            body("large number", "const all = []; for (let n = 1n; ; n++) all.push(n << 100000n);"),
            body("errors", "const all = [], t = 'a'.repeat(10000); for (let n = 0; ; n++) all.push(new Error(t + n));"),
            body("spread of a generator", "return [...(function* () { for (;;) yield new Array(100).fill(0); })()];"),
            body("arguments", "const a = new Array(1e7); return Math.max.apply(null, a.fill(1));"),
            body(
                "arguments that are bound",
                "const all = [], f = () => 0, a = new Array(60000).fill(1); for (;;) all.push(f.bind(null, ...a));",
            ),
            body(
                "a match for each character",
                "return ['a'.repeat(4e6).matchAll(/a/g)].map((all) => [...all]).length;",
            ),
            body(
                "memory swallowed",
                "const all = []; for (;;) { try { for (;;) all.push(new Array(1000).fill('a')); } catch {} }",
            ),
            body(
                "memory swallowed and let go",
                "for (;;) { try { const all = []; for (;;) all.push(new Uint8Array(1e6)); } catch {} }",
            ),
            body(
                "memory swallowed at last",
                "try { return 'a'.repeat(2 ** 28); } catch { return 'caught'; } finally { return 'last'; }",
            ),
            later(
                "memory swallowed by a promise",
                "return Promise.resolve().then(() => new ArrayBuffer(2 ** 29)).catch(() => 'caught');",
            ),
            body(
                "memory while JSON is written",
                "return { toJSON() { const all = []; for (;;) all.push(new Array(1000).fill(1)); } };",
            ),
            body("input as large as the memory", "return input.length;").input(format!("\"{}\"", "a".repeat(12 << 20))),
        ]
        .map(|case| case.heavy().fuel(1_000_000_000).exhausts(Code::Memory)),
    )
}

fn recursion() -> Vec<Case> {
    Vec::from([
        body("recursion", "const f = () => f() + 1; return f();").throws("RangeError"),
        body("recursion between two", "const f = () => g() + 1, g = () => f() + 1; return f();").throws("RangeError"),
        body("recursion caught", "let d = 0; const f = () => { d++; f(); }; try { f(); } catch (e) { return [e.name, d > 1000]; }")
            .gives(r#"["RangeError",true]"#),
        body("recursion caught again and again", "const f = () => { try { f(); } catch { f(); } }; f();").exhausts(Code::Fuel),
        body("recursion of a getter", "const o = { get a() { return this.a; } }; return o.a;").throws("RangeError"),
        body("recursion of toString", "const o = { toString() { return `${this}`; } }; return String(o);").throws("RangeError"),
        body("recursion of a constructor", "class A { b = new A(); } return new A();").throws("RangeError"),
        body("recursion of a proxy", "const p = new Proxy({}, { get: (t, k, r) => r[k] }); return p.a;").throws("RangeError"),
        body("recursion of eval", "globalThis.f = () => eval('f()'); return f();").throws("RangeError"),
        body("recursion of sort", "const f = () => [2, 1].sort(f); return f();").throws("RangeError"),
        body("recursion of replace", "const f = () => 'a'.replace(/a/, f); return f();").throws("RangeError"),
        body("recursion of JSON", "const f = () => JSON.stringify({ toJSON: f }); return f();").throws("RangeError"),
        later("recursion of async functions", "const f = async () => { await f(); }; await f();").throws("RangeError"),
        body("recursion of toJSON in the value", "const f = () => ({ a: { toJSON: f } }); return f();").throws("RangeError"),
        body("proxy without end in the value", "const f = () => new Proxy({}, { ownKeys: () => ['a'], get: (t, k) => k === 'a' ? f() : undefined, getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) }); return f();")
            .throws("RangeError"),
        body("stacked iterator helpers", &stacked(50_000, "[1].values()", "v.map((x) => x)", "return v.next().value;"))
            .throws("RangeError"),
        body("stacked filters", &stacked(50_000, "[1].values()", "v.filter(() => true)", "return [...v];"))
            .throws("RangeError"),
        body("stacked proxies", &stacked(20_000, "{}", "new Proxy(v, {})", "return v.a;")).throws("RangeError"),
        body("stacked proxies as prototypes", &stacked(20_000, "{}", "Object.create(new Proxy(v, {}))", "return v.a;"))
            .throws("RangeError"),
        body("stacked bound functions", &stacked(10_000, "() => 1", "Object.defineProperty(v, 'name', { value: '' }).bind()", "return v();")).throws("RangeError"),
        body("stacked arrays made text", &stacked(100_000, "[]", "[v]", "return String(v);")).throws("RangeError"),
        body("stacked arrays made flat", &stacked(100_000, "[]", "[v]", "return v.flat(Infinity).length;")).throws("RangeError"),
        body("stacked objects cloned", &stacked(20_000, "{}", "({ v })", "return structuredClone(v) !== v;")).gives("true"),
        body("stacked arrays read", "return JSON.parse('['.repeat(100000) + ']'.repeat(100000));").throws("RangeError"),
        body("stacked objects compared by a reviver", "return JSON.parse('['.repeat(9000) + ']'.repeat(9000), (k, v) => 1);")
            .gives("1"),
        body("stacked causes", &stacked(5_000, "new Error('b')", "new Error('a', { cause: v })", "throw v;")).throws("Error"),
        body("stacked promises", &stacked(5_000, "1", "((w) => Promise.resolve(w).then(() => w))(v)", "return v;")).gives("1"),
        body("stacked logs", &stacked(100_000, "[]", "[v]", "console.log(v); return 1;")).gives("1"),
        body("stacked groups of an expression", "return new RegExp('('.repeat(100000) + ')'.repeat(100000)).test('');")
            .throws("SyntaxError"),
        body("source of brackets for eval", "return eval('['.repeat(100000) + ']'.repeat(100000)).length;").throws("RangeError"),
        body("stacked values let go", &stacked(100_000, "[]", "[v]", "v = null; return 1;")).gives("1"),
        module("top level that recurses", "const f = () => f() + 1; f();\nexport default () => 1;").fails(Code::TopLevelThrew),
        module("top level that takes memory", "const all = []; for (;;) all.push(new Uint8Array(1e5).fill(1));\nexport default () => 1;")
            .heavy()
            .exhausts(Code::Memory),
        module("top level that leaves much", "const all = new Uint8Array(20e6).fill(1);\nexport default () => all.length;")
            .heavy()
            .exhausts(Code::Memory),
    ])
}

/// A value wrapped many times, and what is done with it.
fn stacked(times: u32, start: &str, wrap: &str, rest: &str) -> String {
    format!("let v = {start}; for (let n = 0; n < {times}; n++) v = {wrap};\n{rest}")
}
