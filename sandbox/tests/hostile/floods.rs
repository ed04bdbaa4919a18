//! Too much of what leaves or enters the sandbox: timers, logs, values, inputs.

use scriptmill_sdk::Code;

use super::case::{Case, body, later, module};

pub(crate) fn cases() -> Vec<Case> {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    vec![
        body("timers", "for (;;) setTimeout(() => {}, 1000);").exhausts(Code::PendingCalls),
        body("sleeps", "return Promise.all(Array.from({ length: 51 }, () => sleep(1)));").exhausts(Code::PendingCalls),
        later("as many sleeps as there may be", "return (await Promise.all(Array.from({ length: 50 }, () => sleep(1)))).length;")
            .gives("50"),
        body("intervals", "for (;;) setInterval(() => {}, 1);").exhausts(Code::PendingCalls),
        body("intervals made by intervals", "const f = () => setInterval(f, 1); f(); return new Promise(() => {});")
            .exhausts(Code::PendingCalls),
        body("timer of a time that is none", "setTimeout(() => {}, { valueOf() { throw new RangeError('time'); } });")
            .throws("RangeError"),
        later("timers of odd times", "for (const t of [NaN, -1, '1', null, 1e-9, undefined, -Infinity]) await sleep(t); return 1;").gives("1"),
        later("rejections", "for (let n = 0; n < 20000; n++) Promise.reject(n); return 1;").gives("1"),
        body("rejections with long reasons", "for (let n = 0; n < 20; n++) Promise.reject('a'.repeat(9000)); return 1;")
            .gives("1"),
        body("log lines", "for (;;) console.log('a');").exhausts(Code::Fuel),
        body("log lines, strictly", "for (;;) console.log('a');").strict_logs().exhausts(Code::LogLines),
        body("log lines swallowed", "for (;;) { try { console.log('a'); } catch {} }").strict_logs().exhausts(Code::LogLines),
        body("log bytes", "for (let n = 0; n < 5000; n++) console.error('a'.repeat(1000)); return 1;").gives("1"),
        body("log bytes, strictly", "for (;;) console.error('a'.repeat(1000));").strict_logs().exhausts(Code::LogBytes),
        body("one long log line", "console.log('ä'.repeat(1e6)); return 1;").gives("1"),
        body("log of a wide object", "console.log(Array.from({ length: 1000 }, () => ({ a: 'b'.repeat(1000) }))); return 1;").gives("1"),
        body("log of a large typed array", "const a = new Uint8Array(5e6); console.log(a, [a]); return a.length;").gives("5000000"),
        body("log of a long array", "const a = new Array(5e5).fill(1); console.log(a); console.table(a); return a.length;").gives("500000"),
        body("log of many keys", "const o = {}; for (let n = 0; n < 2e4; n++) o['k' + n] = n; console.log(o); console.table(o); return 1;").gives("1"),
        body("log of deep circles", "let v = {}; const o = v; for (let n = 0; n < 1e4; n++) v = v.v = { o }; v.v = o; console.dir(o, { depth: Infinity }); return 1;").gives("1"),
        body("groups without end", "for (let n = 0; n < 1e3; n++) { console.group('g'); console.count(n); console.time(n); } return 1;").gives("1"),
        body("log of errors that cause themselves", "const e = new Error('e'); e.cause = e; e.errors = [e]; console.log(e, [e], new Map([[e, e]])); return 1;").gives("1"),
        body("an inspection of one's own that logs itself", "const o = { [Symbol.for('nodejs.util.inspect.custom')]() { console.log(o); return 'o'; } }; console.log(o); return 1;").gives("1"),
        body("log that runs no code", "console.log(new Proxy({}, { get() { for (;;); }, ownKeys() { for (;;); } }), { get a() { for (;;); } }, Object.defineProperty(new Error('e'), 'message', { get() { for (;;); } })); return 1;")
            .gives("1"),
        module("log lines of the top level", "for (let n = 0; n < 5000; n++) console.log('a');\nexport default () => 1;").gives("1"),
        body("long text", "return 'a'.repeat(70000);").exhausts(Code::Output),
        body("text that escapes make long", r"return '\u0001'.repeat(20000);").exhausts(Code::Output),
        body("wide array", "return new Array(40000).fill(1);").exhausts(Code::Output),
        body("long toJSON", "return { toJSON: () => 'a'.repeat(70000) };").exhausts(Code::Output),
        body("value as long as it may be", "return 'a'.repeat(65534) + '';").fuel(400_000_000).map_length(),
        body("nested value", "let v = []; for (let n = 0; n < 64; n++) v = [v]; return v;").exhausts(Code::Nesting),
        body("value nested as deep as it may be", "let v = 1; for (let n = 0; n < 64; n++) v = [v]; return JSON.stringify(v).length;").gives("129"),
        body("value nested 5,000 deep", "let v = {}; for (let n = 0; n < 5000; n++) v = { v }; return v;").exhausts(Code::Nesting),
        body("value nested 100,000 deep", "let v = {}; for (let n = 0; n < 1e5; n++) v = { v }; return v;").exhausts(Code::Nesting),
        body("cyclic value", "const v = {}; v.v = [v]; return v;").fails(Code::ValueNotJson),
        body("value cyclic by toJSON", "const v = { toJSON() { return { v }; } }; return v;").throws("RangeError"),
        body("value cyclic, and written within its own toJSON", "const v = { a: 1 }; v.w = { toJSON() { structuredClone({ v: v.a }); try { JSON.stringify(v.w.v); structuredClone(v); } catch {} return { v }; } }; return v;")
            .fails(Code::ValueNotJson),
        body("long message", "throw new Error('a'.repeat(1e6));").throws("Error"),
        body("long stack", "const e = new Error('a'); e.stack = 'a'.repeat(1e6); throw e;").throws("Error"),
        body("long name of a function", "const o = { ['f'.repeat(1e5)]() { throw new Error('a'); } }; o['f'.repeat(1e5)]();").throws("Error"),
        body("input nested deeply", "return input;").input(nested(65)).refused(Code::InputTooDeep),
        body("input nested 100,000 deep", "return input;").input(nested(100_000)).refused(Code::InputTooDeep),
        body("input nested by objects", "return input;").input(r#"{"a":"#.repeat(100) + "1" + &"}".repeat(100)).refused(Code::InputTooDeep),
        body("brackets in a text", "return input.length;").input(format!("\"{}\"", "[{".repeat(50_000))).gives("100000"),
        body("wide input", "return input.length;").input(format!("[{}0]", "0,".repeat(200_000))).gives("200001"),
        body("input of many keys", "return Object.keys(input).length;")
            .input(format!("{{{}\"a\":1}}", (0..20_000).map(|n| format!("\"k{n}\":1,")).collect::<String>()))
            .gives("20001"),
        body("long number", "return input;").input("1".repeat(100_000)).gives("null"),
    ]
}

trait Length {
    fn map_length(self) -> Case;
}

impl Length for Case {
    /// The value is too long to be written here, so the script returns its length.
    fn map_length(mut self) -> Self {
        self.source = self.source.replace("+ ''", ".length");
        self.gives("65534")
    }
}
