//! Attempts at the host, at the next job, and at the outcome: intrinsics replaced, prototypes polluted, values that lie.

use scriptmill_sdk::Code;

use super::case::{Case, body, later, module};

/// A case that gives its honest value in spite of `setup`.
fn after(name: &'static str, setup: &str) -> Case {
    body(name, &format!("{setup}\nreturn {{ honest: [1, 'a'] }};")).gives(r#"{"honest":[1,"a"]}"#)
}

pub(crate) fn cases() -> Vec<Case> {
    [pollution(), promises(), values(), host(), texts()].into_iter().flatten().collect()
}

fn pollution() -> Vec<Case> {
    Vec::from([
        after("JSON.stringify replaced", "JSON.stringify = () => '\"forged\"';"),
        after("JSON replaced", "globalThis.JSON = { stringify: () => '1', parse: () => 2 };"),
        after("JSON.parse replaced", "JSON.parse = () => 'forged';"),
        after(
            "setters on Array.prototype",
            "for (const n of [0, 1]) Object.defineProperty(Array.prototype, n, { set() { throw 1; }, get: () => 'forged' });",
        ),
        after(
            "setters on Object.prototype",
            "for (const n of ['honest', 'value', 'name', 'stack', 'then']) Object.defineProperty(Object.prototype, n, Object.assign(Object.create(null), { set() { throw 1; }, get: () => 'forged', configurable: true }));",
        ),
        after(
            "iterators replaced",
            "Array.prototype[Symbol.iterator] = function* () { yield 'forged'; }; String.prototype[Symbol.iterator] = null;",
        ),
        after(
            "Array.prototype emptied",
            "for (const k of Reflect.ownKeys(Array.prototype)) if (k !== 'length') delete Array.prototype[k];",
        ),
        after(
            "Object.prototype emptied",
            "for (const k of Reflect.ownKeys(Object.prototype)) if (k !== '__proto__') delete Object.prototype[k];",
        ),
        after(
            "Function.prototype.call replaced",
            "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'forged';",
        ),
        after("globals deleted", "for (const k of Reflect.ownKeys(globalThis)) try { delete globalThis[k]; } catch {}"),
        after("ctx replaced", "globalThis.ctx = { get jobId() { throw 1; } };"),
        after(
            "errors replaced",
            "globalThis.Error = globalThis.TypeError = globalThis.RangeError = null; Error?.prepareStackTrace;",
        ),
        after(
            "prepareStackTrace",
            "Error.prepareStackTrace = () => { throw 1; }; Error.stackTraceLimit = 1e9; try { null.a; } catch {}",
        ),
        after(
            "everything frozen",
            "for (const k of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k].prototype); } catch {} Object.freeze(globalThis);",
        ),
        after("console replaced", "globalThis.console = null; Promise.reject('a');"),
        after(
            "polluted for the next job",
            "Object.prototype.polluted = Array.prototype.polluted = globalThis.polluted = 1; Math.round = () => 0; Map.prototype.get = () => 0;",
        ),
    ])
}

fn promises() -> Vec<Case> {
    Vec::from([
        later("Promise.prototype.then replaced", "Promise.prototype.then = (f) => f('forged'); return { honest: 1 };").gives(r#"{"honest":1}"#),
        body("then of the promise itself", "const p = Promise.resolve('promise'); p.then = (f) => f('own then'); return p;").gives(r#""own then""#),
        later("Promise replaced", "globalThis.Promise = null; await sleep(1); return { honest: 1 };").gives(r#"{"honest":1}"#),
        later("Promise.resolve replaced", "Promise.resolve = () => 'forged'; await sleep(0); return 1;").gives("1"),
        body("Symbol.species", "class P extends Promise { static get [Symbol.species]() { throw new RangeError('species'); } } return new P((r) => r(1));")
            .throws("RangeError"),
        body("settled twice", "return { then(a, b) { a(1); b(2); a(3); throw 4; } };").gives("1"),
        body("settled later and twice", "return { then(a) { setTimeout(() => { a(1); a(2); }, 1); } };").gives("1"),
        body("then that throws", "return { get then() { throw new RangeError('then'); } };").throws("RangeError"),
        body("then on Object.prototype", "Object.prototype.then = function (f) { delete Object.prototype.then; f('theirs'); }; return {};").gives(r#""theirs""#),
    ])
}

fn values() -> Vec<Case> {
    Vec::from([
        body("Object.prototype.toJSON", "Object.prototype.toJSON = () => 'own'; return {};").gives(r#""own""#),
        body("value that looks like an outcome", "return { status: 'exhausted', kind: 1, error: { code: 'SM5001' } };")
            .gives(r#"{"status":"exhausted","kind":1,"error":{"code":"SM5001"}}"#),
        body("thrown value that claims a code", "throw Object.assign(new Error('mine'), { code: 'SM5001', retryable: true });").throws("Error"),
        body("thrown getter", "throw { get name() { throw 1; }, get message() { throw 2; }, get stack() { throw 3; } };").throws(""),
        body("thrown proxy", "throw new Proxy(new Error('a'), { get() { throw new Error('trap'); }, getPrototypeOf() { throw 1; } });").throws(""),
        body("thrown revoked proxy", "const { proxy, revoke } = Proxy.revocable(() => {}, {}); revoke(); throw proxy;").throws(""),
        body("thrown function", "throw Object.assign(() => {}, { toJSON() { throw 1; } });").throws(""),
        body("thrown null", "throw null;").throws(""),
        body("thrown error whose stack lies", "const e = new Error('a'); e.stack = '    at f (main.js:1:99999999999999999999)\\n    at (((:-1:-1)\\n  at \\n'; throw e;").throws("Error"),
        body("thrown thenable", "throw { then(a) { a('forged'); } };").throws(""),
        body("getter that throws", "return { a: 1, get b() { throw new RangeError('b'); } };").throws("RangeError"),
        body("getter that changes the value", "const v = { get a() { delete v.b; v.c = 3; return 1; }, b: 2 }; return v;").gives(r#"{"a":1}"#),
        body("getter that shortens the array", "const v = [0, 1, 2]; Object.defineProperty(v, 0, { get() { v.length = 1; return 7; } }); return v;").gives("[7,null,null]"),
        body("proxy that lies about its length", "return new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 40 : 1) });").exhausts(Code::Fuel),
        body("proxy that throws", "return new Proxy({}, { ownKeys() { throw new RangeError('keys'); } });").throws("RangeError"),
        body("revoked proxy", "const { proxy, revoke } = Proxy.revocable([], {}); revoke(); return proxy;").throws("TypeError"),
        body("toJSON that throws", "return { toJSON() { throw new TypeError('circular reference'); } };").throws("TypeError"),
        body("toJSON that leaves work behind", "return { toJSON() { Promise.resolve().then(() => { for (;;); }); setTimeout(() => {}, 1); return 1; } };").gives("1"),
        body("BigInt with a toJSON", "BigInt.prototype.toJSON = function () { return String(this); }; return [1n];").gives(r#"["1"]"#),
    ])
}

fn host() -> Vec<Case> {
    Vec::from([
        body("constructors of constructors", "const F = [].constructor.constructor; return ['process', 'require', 'module', 'Deno', 'Bun', 'window', 'self', 'WebAssembly', 'fetch', 'XMLHttpRequest', 'std', 'os', 'bjson', 'print', 'load', '__dirname', 'gc', 'navigator', 'Worker'].filter((n) => F('return typeof ' + n)() !== 'undefined');")
            .gives("[]"),
        body("constructor of the context", "return ctx.constructor.constructor('return this === globalThis && typeof process')();").gives(r#""undefined""#),
        body("callers", "const f = function () { return [f.caller, arguments.callee?.caller]; }; return f();").throws("TypeError"),
        later("imports of the host", "const found = []; for (const n of ['std', 'os', 'qjs:std', 'node:fs', 'fs', 'file:///etc/passwd', '/etc/passwd', '../../etc/passwd', 'https://example.com/a.js', 'data:text/javascript,1', './main.js\\0', '']) try { await import(n); found.push(n); } catch (e) { if (e.name !== 'TypeError') throw e; } return found;")
            .gives("[]"),
        body("functions of the platform called wrongly", "const f = [setTimeout, clearTimeout, sleep, console.log, queueMicrotask, structuredClone, Object.getOwnPropertyDescriptor(ctx, 'jobId').get, Object.getOwnPropertyDescriptor(ctx, 'budget').get]; let n = 0; for (const g of f) for (const t of [null, {}, globalThis, ctx]) for (const a of [[], [null], [{}], [Symbol()], [1n], [() => {}, Symbol()]]) try { Reflect.apply(g, t, a); n++; } catch (e) { if (!(e instanceof TypeError || e.name === 'DataCloneError')) throw e; } return n > 0;")
            .gives("true"),
        body("functions of the platform constructed", "let n = 0; for (const F of [setTimeout, sleep, console.log, structuredClone]) try { new F(() => {}); n++; } catch {} return n;").gives("0"),
        later("Promise.prototype.constructor replaced", "Promise.prototype.constructor = null; await sleep(0); return 1;").throws("TypeError"),
        body("bytes of a module", "return typeof import.meta === 'object' ? Object.keys(import.meta) : [];").gives("[]"),
        body("reads past an array", "const a = new Float64Array(4); return [a[4], a[-1], a[2 ** 32], a.at(-5), new DataView(a.buffer).byteLength].map((v) => v === undefined ? null : v);")
            .gives("[null,null,null,null,32]"),
        body("an array that shrinks while it is sorted", "const a = Array.from({ length: 999 }, (_, n) => 999 - n); a.sort((x, y) => { a.length = 0; return x - y; }); return a.length;").gives("999"),
        body("a buffer that shrinks while it is filled", "const b = new ArrayBuffer(64, { maxByteLength: 64 }); const a = new Uint8Array(b); a.fill({ valueOf() { b.resize(1); return 1; } }); return a.length;").gives("1"),
        body("a buffer that is gone while it is set", "const b = new ArrayBuffer(64); const a = new Uint8Array(b); try { a.set([1, { valueOf() { b.transfer(); return 2; } }, 3]); } catch {} return a.length;").gives("0"),
    ])
}

fn texts() -> Vec<Case> {
    Vec::from([
        body("lone surrogates", r"return { '\ud800': ['\udc00', '\ud83d\ude00'[0], 'a\ud800b'] };")
            .gives(r#"{"\ud800":["\udc00","\ud83d","a\ud800b"]}"#),
        body("lone surrogate thrown", r"throw new Error('\ud800');").throws("Error"),
        body("lone surrogate logged", r"console.log('\udfff', { '\ud800': '\ud800' }); return 1;").gives("1"),
        body("lone surrogate in a name", r"const o = { ['\ud800']() { throw new Error('a'); } }; o['\ud800']();")
            .throws("Error"),
        body("invalid UTF-8 decoded", "return decodeURIComponent('%ff%c0%80');").throws("URIError"),
        body("invalid UTF-8 unescaped", "return unescape('%u D800%ud800%ff').length;").gives("9"),
        body("NUL in texts", r"const o = { 'a\0b': 'c\0d' }; console.log(Object.keys(o)[0]); return o;")
            .gives(r#"{"a\u0000b":"c\u0000d"}"#),
        body("separators in texts", r"return '\u2028\u2029\ufeff\uffff';")
            .gives("\"\u{2028}\u{2029}\u{feff}\u{ffff}\""),
        module("NUL in the source", "export default () => 'a\0b';").refused(Code::SourceNotText),
    ])
}
