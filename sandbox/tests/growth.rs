//! How the check grows with its source. The tests compare emitted code with its bound, and check that sources beyond a limit are
//! refused. `--ratios` prints, for each kind of source, the processor time of a check and how it grows where the source doubles:
//! 2 is linear, 4 quadratic.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sandbox::prepare::{self, Bounds, Checked};
use scriptmill_sdk::{Bundle, Code, Module, Severity};

/// Makes a source of one kind, with about this many bytes in all modules.
type Source = fn(usize) -> Vec<(String, String)>;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--kinds") {
        SOURCES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|argument| argument == "--ratios") {
        return on_large_stack(ratios);
    }
    let trials = vec![
        Trial::test("what is emitted has a bound", || on_large_stack(emitted_is_bounded)),
        Trial::test("what takes quadratic time is refused with its line", || on_large_stack(bounded)),
        Trial::test("what would be too large is refused with its line", || on_large_stack(refused)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(1 << 30);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

fn check(modules: &[(String, String)], bounds: &Bounds) -> Checked {
    let module = |(name, source): &(String, String)| Module::new(name, source);
    prepare::check(&Bundle { modules: modules.iter().map(module).collect() }, bounds)
}

/// The processor time of this thread, as Linux counts it.
fn cpu() -> Duration {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(counts.split(' ').next().unwrap().parse().unwrap())
}

fn ratios() -> ExitCode {
    let bytes: usize = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    println!("{:<44} {:>9} {:>9} {:>6} {:>9}  found", "", "1", "2", "ratio", "emitted");
    for (name, source) in SOURCES.iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name == only)) {
        let mut times = Vec::new();
        let mut last = String::new();
        for bytes in [bytes, bytes * 2] {
            let modules = source(bytes);
            let size: usize = modules.iter().map(|(_, source)| source.len()).sum();
            let began = cpu();
            let checked = check(&modules, &Bounds::default());
            times.push((cpu() - began).as_secs_f64() * 1000.0 * (bytes as f64 / size as f64));
            let emitted = emitted(&checked) as f64 / size as f64;
            let found = checked.diagnostics.first().map_or(String::new(), |found| {
                format!("{}:{} {} {}", found.at.line, found.at.column, found.code, found.message)
            });
            last = format!("{emitted:>9.2}  {}", found.chars().take(90).collect::<String>());
        }
        println!("{name:<44} {:>7.0}ms {:>7.0}ms {:>6.1} {last}", times[0], times[1], times[1] / times[0]);
    }
    ExitCode::SUCCESS
}

fn emitted(checked: &Checked) -> usize {
    checked.script.as_ref().map_or(0, |script| script.modules.iter().map(|module| module.code.len()).sum())
}

fn emitted_is_bounded() -> Result<(), Failed> {
    for (name, source) in SOURCES {
        let modules = source(20_000);
        let size: usize = modules.iter().map(|(_, source)| source.len()).sum();
        let emitted = emitted(&check(&modules, &Bounds::default()));
        // The printer puts spaces around punctuation, and TypeScript writes much code for members and parameters.
        assert!(emitted <= 32 * size, "{name}: {size} bytes become {emitted}");
    }
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let doubling = |last: &str| {
        let members: String = (1..24).map(|index| format!("A{index} = A{0} + A{0},\n", index - 1)).collect();
        format!("enum E {{ A0 = 'xxxxxxxxxx',\n{members}}}\n{last}export default () => 1;")
    };
    let constants: String =
        (1..24).map(|index| format!("const c{index} = `${{c{0}}}${{c{0}}}`;\n", index - 1)).collect();
    let long = "n".repeat(3000);
    let members: String = (0..3000).map(|index| format!("a{index},\n")).collect();
    let names: String = (0..1000).map(|_| format!("export enum {long} {{}}\n")).collect();
    let bounds = Bounds::default();
    let small = Bounds { source_bytes: 100_000, ..bounds };
    let cases = [
        ("an enum whose members double", doubling(""), bounds, Some((Code::SourceTooLarge, 20))),
        (
            "constants that double",
            format!("const c0 = 'xxxxxxxxxx';\n{constants}enum E {{\nA = c23 }}\nexport default () => 1;"),
            bounds,
            Some((Code::SourceTooLarge, 26)),
        ),
        (
            "constants that no enum names",
            format!("const c0 = 'xxxxxxxxxx';\n{constants}enum E {{ A }}\nexport default () => 1;"),
            bounds,
            None,
        ),
        ("a long name of many members", format!("export enum {long} {{\n{members}}}"), small, None),
        (
            "a long name of many blocks",
            format!("export namespace N {{\n{names}}}"),
            bounds,
            Some((Code::SourceTooLarge, 595)),
        ),
        (
            "a long name of a class with many accessors",
            format!("export class {long} {{{}}}", many_of(1900, |index| format!("static accessor a{index};\n"))),
            bounds,
            Some((Code::SourceTooLarge, 1363)),
        ),
        (
            "a minified script",
            format!("export default () => 1;{}", "{;".repeat(300) + &"a;".repeat(40_000) + &"}".repeat(300)),
            small,
            None,
        ),
    ];
    for (name, source, bounds, expected) in cases {
        let checked = check(&[("main.ts".to_owned(), source.clone())], &bounds);
        let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let found: Vec<_> = errors.map(|found| (found.code, found.at.line)).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name}");
        assert!(emitted(&checked) <= bounds.source_bytes * 2, "{name}");
        assert!(emitted(&checked) <= source.len() * 32, "{name}: {} become {}", source.len(), emitted(&checked));
    }
    Ok(())
}

/// Checks each source with the most of something that passes, and with one more.
fn bounded() -> Result<(), Failed> {
    type Repeated = fn(usize) -> String;
    let lines: [(&str, usize, u32, Repeated); 9] = [
        ("labels", 250, 251, |n| format!("{};", many_of(n, |i| format!("l{i}:\n")))),
        ("variables in blocks", 999, 1000, |n| {
            format!("{}{}{}", "{".repeat(1001), many_of(n, |i| format!("var v{i};\n")), "}".repeat(1001))
        }),
        ("private names that are used", 2000, 1, |n| {
            format!("class C {{{} a() {{{}}}}}", many_of(n, |i| format!("#p{i};\n")), "this.#p0;".repeat(2000))
        }),
        ("accessors", 2000, 2001, |n| format!("class C {{{}}}", many_of(n, |i| format!("accessor p{i};\n")))),
        ("conditional types", 1000, 1001, |n| format!("type T<A> = {} 0;", "A extends 1 ? 2 :\n".repeat(n))),
        ("digits of a whole number", 9_997, 1, |n| format!("const x = 0x{}n;", "f".repeat(n))),
        ("named groups", 5000, 5001, |n| "/(?<a>b)/;\n".repeat(n)),
        ("less-than signs", 300, 302, |n| format!("const a = 1, x = a\n{};", "< a\n".repeat(n))),
        ("namespaces", 100, 101, |n| {
            format!("{}export const a = 1;{}", "export namespace N {\n".repeat(n), "}".repeat(n))
        }),
    ];
    for (name, most, line, source) in lines {
        let errors = |count| {
            let checked = check(&one(source(count)), &Bounds::default());
            let errors = checked.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            errors.map(|found| (found.code, found.at.line)).collect::<Vec<_>>()
        };
        assert_eq!(errors(most), [], "{name}: {most}");
        assert_eq!(errors(most + 1), [(Code::TooComplex, line)], "{name}: {}", most + 1);
    }
    Ok(())
}

fn many_of(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

fn one(source: String) -> Vec<(String, String)> {
    vec![("main.ts".to_owned(), format!("{source}\nexport default () => 1;"))]
}

/// Repeats a piece, each time with its number, until there are `bytes` bytes.
fn many(bytes: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(bytes + 100);
    let mut index = 0;
    while text.len() < bytes {
        text.push_str(&piece(index));
        index += 1;
    }
    text
}

/// `open` and `close` nested in each other, as often as `bytes` allows.
fn nested(bytes: usize, open: &str, inside: &str, close: &str) -> String {
    let times = bytes / (open.len() + close.len()).max(1);
    format!("{}{inside}{}", open.repeat(times), close.repeat(times))
}

/// Like [`nested`], but only `levels` deep, as scripts may be: `inside` is repeated instead, with numbers for `#`.
fn deep(bytes: usize, levels: usize, open: &str, inside: &str, close: &str) -> String {
    let inside = many(bytes, |index| inside.replace('#', &index.to_string()));
    format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
}

fn modules(bytes: usize, count: usize, piece: impl Fn(usize, usize) -> String) -> Vec<(String, String)> {
    let each = bytes / count;
    let mut all: Vec<_> =
        (0..count).map(|module| (format!("m{module}.ts"), many(each, |index| piece(module, index)))).collect();
    all[0].1.push_str("\nexport default () => 1;");
    all
}

const SOURCES: &[(&str, Source)] = &[
    ("variables", |n| one(many(n, |i| format!("let v{i} = {i};\n")))),
    ("variables on one line", |n| one(many(n, |i| format!("let v{i}={i};")))),
    ("variables in one declaration", |n| one(format!("let x{};", many(n, |i| format!(",v{i}={i}"))))),
    ("functions", |n| one(many(n, |i| format!("function f{i}(a){{return a}}\n")))),
    ("overloads", |n| one(format!("{}function f(a: any) {{}}", many(n, |i| format!("function f(a: {i}): void;\n"))))),
    ("overloads of a method", |n| {
        one(format!("class C {{{} f(a: any) {{}} }}", many(n, |i| format!("f(a: {i}): void;\n"))))
    }),
    ("classes", |n| one(many(n, |i| format!("class C{i} {{ #a = 1; b() {{ return this.#a }} }}\n")))),
    ("private names of one class", |n| {
        one(format!("class C {{{}}}", many(n, |i| format!("#p{i} = 1; m{i}() {{ return this.#p{i} }}\n"))))
    }),
    ("private names in nested classes", |n| one(deep(n, 300, "class C { #a = 1; static { ", "this.z#;", "} }"))),
    ("fields", |n| one(format!("class C {{{}}}", many(n, |i| format!("f{i} = {i};\n"))))),
    ("accessors", |n| one(format!("class C {{{}}}", many(n, |i| format!("accessor f{i} = {i};\n"))))),
    ("accessors with computed keys", |n| one(format!("class C {{{}}}", many(n, |i| format!("accessor [{i}];"))))),
    ("parameter properties", |n| {
        one(format!("class C {{ constructor({}) {{}} }}", many(n, |i| format!("private p{i}: number,"))))
    }),
    ("the same variable declared again", |n| one(many(n, |_| "let a;".to_owned()))),
    ("the same var declared again", |n| one(many(n, |_| "var a;".to_owned()))),
    ("the same function declared again", |n| one(many(n, |_| "function a() {}".to_owned()))),
    ("the same parameter again", |n| one(format!("function f({}) {{}}", many(n, |_| "a,".to_owned())))),
    ("the same property again", |n| one(format!("x = {{{}}}", many(n, |_| "__proto__: 1,".to_owned())))),
    ("the same private name again", |n| one(format!("class C {{{}}}", many(n, |_| "#a;".to_owned())))),
    ("the same label again", |n| one(deep(n, 1, "{", "a: 1;", "}"))),
    ("the same export again", |n| one(many(n, |_| "export { a };".to_owned()))),
    ("the same member of an enum again", |n| one(format!("enum E {{{}}}", many(n, |_| "A,".to_owned())))),
    ("labels", |n| one(format!("{} {{}}", many(n, |i| format!("l{i}:"))))),
    ("labels of one name", |n| one(format!("{} {{}}", many(n, |_| "l:".to_owned())))),
    ("labels before a loop with breaks", |n| {
        one(format!("{} for(;;) {{ {} }}", many(n / 4, |i| format!("l{i}:")), many(n / 2, |i| format!("break l{i};"))))
    }),
    ("breaks out of nested labels", |n| {
        one(format!(
            "{}{}{}",
            (0..1000).map(|i| format!("l{i}: {{")).collect::<String>(),
            many(n, |_| "break l0;".to_owned()),
            "}".repeat(1000)
        ))
    }),
    ("breaks to nothing", |n| one(many(n, |i| format!("break l{i};")))),
    ("undeclared names", |n| one(many(n, |i| format!("u{i};\n")))),
    ("undeclared names in nested scopes", |n| one(deep(n, 2000, "{", "u#;", "}"))),
    ("names of an outer scope in nested scopes", |n| one(format!("let a; {}", deep(n, 2000, "{ let b;", "a;", "}")))),
    ("declared names in nested functions", |n| one(deep(n, 1500, "(function(){ ", "v#;", "})"))),
    ("nested scopes", |n| one(nested(n.min(9_000), "{let a;", "", "}"))),
    ("catch clauses", |n| one(many(n, |i| format!("try {{}} catch (e{i}) {{ var v{i}; }}\n")))),
    ("nested catch clauses", |n| one(deep(n, 1500, "try {} catch (e) { ", "var v#;", "}"))),
    ("vars in nested blocks", |n| one(deep(n, 3000, "{", "var v#;", "}"))),
    ("functions in nested blocks", |n| one(deep(n, 3000, "{", "function f#() {}", "}"))),
    ("nested arrow functions", |n| one(format!("x = {}", nested(n.min(20_000), "() => ", "1", "")))),
    ("arrow functions in parameters", |n| one(format!("x = {}", nested(n.min(30_000), "(a = ", "1", ") => 1")))),
    ("parentheses that may be arrows", |n| one(format!("x = {}", nested(n.min(30_000), "(a, ", "1", ")")))),
    ("parentheses that may be types", |n| one(format!("x = {}", nested(n.min(30_000), "(a?: ", "1", ")")))),
    ("conditional arrows", |n| one(format!("x = {}", nested(n.min(30_000), "a ? (b) : ", "1", "")))),
    ("conditional arrows within", |n| one(format!("x = {}", nested(n.min(30_000), "a ? (b", "", ") : c => d")))),
    ("generics that may be comparisons", |n| one(format!("x = {}", nested(n.min(30_000), "a<", "b", ">")))),
    ("generic calls", |n| one(format!("x = {}", nested(n.min(20_000), "a<b>(", "1", ")")))),
    ("generic arrows", |n| one(format!("x = {}", nested(n.min(30_000), "<T,>(a: T) => ", "1", "")))),
    ("less-than signs", |n| one(format!("x = a{};", many(n.min(19_000), |_| " < a".to_owned())))),
    ("sums", |n| one(format!("x = 1{};", "+1".repeat(n.min(19_000) / 2)))),
    ("sums, many", |n| one(many(n, |_| format!("x = 1{};\n", "+1".repeat(4000))))),
    ("sums of texts in an enum", |n| one(format!("enum E {{ A = 'a'{} }}", "+'abc'".repeat(n.min(50_000) / 6)))),
    ("enums with sums of texts", |n| {
        one(format!("enum E {{{}}}", many(n, |i| format!("A{i} = 'a'{},", "+'abc'".repeat(2000)))))
    }),
    ("commas", |n| one(format!("x = (1{});", ",1".repeat(n / 2)))),
    ("optional chains", |n| one(format!("x = a{};", "?.a".repeat(n.min(27_000) / 3)))),
    ("many optional chains", |n| one(many(n, |_| "x = a?.b?.c?.[d]?.(e);\n".to_owned()))),
    ("ternaries", |n| one(format!("x = {} 0;", "a ? b : ".repeat(n.min(70_000) / 8)))),
    ("else ifs", |n| one(format!("{} {{}}", "if (a) {} else ".repeat(n.min(60_000) / 15)))),
    ("nested templates", |n| one(format!("x = {};", nested(n.min(20_000), "`${", "1", "}`")))),
    ("one template of many parts", |n| one(format!("x = `{}`;", "${a}".repeat(n / 4)))),
    ("nested arrays", |n| one(format!("x = {};", nested(n.min(9_000), "[", "", "]")))),
    ("one array", |n| one(format!("x = [{}];", "1,".repeat(n / 2)))),
    ("nested objects", |n| one(format!("x = {};", nested(n.min(20_000), "{a:", "1", "}")))),
    ("one object", |n| one(format!("x = {{{}}};", many(n, |i| format!("a{i}:{i},"))))),
    ("assigned patterns", |n| one(format!("{} = 1;", nested(n.min(8_000), "[", "a", "]")))),
    ("nested patterns in assignments", |n| one(format!("({} = 1);", nested(n.min(30_000), "{a:", "b", "} = {}")))),
    ("switch cases", |n| one(format!("switch (a) {{{}}}", many(n, |i| format!("case {i}: b;"))))),
    ("long texts", |n| one(many(n, |i| format!("x = '{}{i}';", "😀é".repeat(300))))),
    ("escapes", |n| one(format!("x = '{}';", "\\u{1F600}\\x41\\n".repeat(n / 16)))),
    ("control characters", |n| one(format!("x = '{}';", "\u{1}\u{7f}\u{1b}".repeat(n / 3)))),
    ("escaped names", |n| one(many(n, |i| format!("let \\u{{61}}\\u0062{i};")))),
    ("lone surrogates", |n| one(format!("x = '{}';", "\\ud800".repeat(n / 6)))),
    ("one long line of other characters", |n| one(many(n, |i| format!("名{i}=u{i};")))),
    ("constants assigned on one long line", |n| one(format!("const é = 1; {}", many(n, |_| "é = 2;".to_owned())))),
    ("constants assigned", |n| one(format!("const a = 1;\n{}", many(n, |_| "a = 2;\n".to_owned())))),
    ("regular expressions", |n| one(many(n, |i| format!("x = /a{i}(b|c)*[d-f]{{2}}/gu;\n")))),
    ("one long regular expression", |n| one(format!("x = /{}/;", "(a|b)*".repeat(n / 6)))),
    ("nested regular expression", |n| one(format!("x = /{}/;", nested(n.min(8_000), "(", "a", ")")))),
    ("named groups", |n| one(format!("x = /{}/;", many(n, |i| format!("(?<n{i}>a)"))))),
    ("references to named groups", |n| {
        one(format!("x = /{}{}/;", many(n / 2, |i| format!("(?<n{i}>a)")), many(n / 2, |i| format!("\\k<n{i}>"))))
    }),
    ("the same named group again", |n| one(format!("x = /{}/;", many(n, |_| "(?<n>a)".to_owned())))),
    ("the same named group in alternatives", |n| one(format!("x = /{}a/;", many(n, |_| "(?<n>a)|".to_owned())))),
    ("numbers with many digits", |n| one(many(n, |_| format!("x = {};", "9".repeat(5000))))),
    ("one number", |n| one(format!("x = {};", "9".repeat(n)))),
    ("one fraction", |n| one(format!("x = 0.{};", "9".repeat(n)))),
    ("one bigint", |n| one(format!("x = {}n;", "9".repeat(n)))),
    ("one hexadecimal bigint", |n| one(format!("x = 0x{}n;", "f".repeat(n)))),
    ("one hexadecimal number", |n| one(format!("x = 0x{};", "f".repeat(n)))),
    ("one name", |n| one(format!("x{}();", "y".repeat(n)))),
    ("a long name used often", |n| {
        one(format!("let {0}; {1}", "y".repeat(n / 20), many(n, |_| format!("{}; ", "y".repeat(n / 20)))))
    }),
    ("comments", |n| one(many(n, |i| format!("/* {i} */ // @ts-ignore\n")))),
    ("comments before calls", |n| one(many(n, |_| "/* @__PURE__ */ a();".to_owned()))),
    ("empty lines", |n| one("\n".repeat(n))),
    ("other ends of lines", |n| one("\u{2028}\r".repeat(n / 4))),
    ("semicolons", |n| one(";".repeat(n))),
    ("semicolons nested", |n| one(deep(n, 3000, "{", ";", "}"))),
    ("one type", |n| one(format!("type T = {};", many(n, |i| format!("| {i} "))))),
    ("types", |n| one(many(n, |i| format!("type T{i} = {{ a: {i} }};\n")))),
    ("nested types", |n| one(format!("type T = {};", nested(n.min(8_000), "[", "1", "]")))),
    ("conditional types", |n| one(format!("type T<A> = {} 0;", "A extends 1 ? 2 : ".repeat(n / 18)))),
    ("conditional types, few", |n| one(format!("type T<A> = {} 0;", "A extends 1 ? 2 : ".repeat(n.min(160_000) / 18)))),
    ("conditional types within", |n| {
        one(format!("type T<A> = {};", nested(n.min(60_000), "A extends 1 ? ", "0", " : 2")))
    }),
    ("conditional types that infer", |n| {
        one(format!("type T<A> = {} 0;", "A extends [infer B] ? B : ".repeat(n.min(50_000) / 26)))
    }),
    ("function types", |n| one(format!("type T = {};", nested(n.min(9_000), "(a: ", "1", ") => 1")))),
    ("parentheses in types", |n| one(format!("type T = {};", nested(n.min(9_000), "(", "1", ")")))),
    ("type arguments", |n| one(format!("type T = {};", nested(n.min(9_000), "A<", "1", ">")))),
    ("array types", |n| one(format!("type T = a{};", "[]".repeat(n.min(18_000) / 2)))),
    ("indexed types", |n| one(format!("type T = a{};", "['a']".repeat(n.min(45_000) / 5)))),
    ("interfaces of one name", |n| one(many(n, |i| format!("interface I {{ a{i}: 1 }}\n")))),
    ("members of an interface", |n| one(format!("interface I {{{}}}", many(n, |i| format!("a{i}: 1;"))))),
    ("casts", |n| one(format!("x = a{};", " as b".repeat(n.min(45_000) / 5)))),
    ("non-null marks", |n| one(format!("x = a{};", "!".repeat(n.min(9_000))))),
    ("declarations alone", |n| one(many(n, |i| format!("declare function d{i}(): void; d{i}();\n")))),
    ("enums", |n| one(many(n, |i| format!("enum E{i} {{ A, B = {i} }}\n")))),
    ("one enum", |n| one(format!("enum E {{{}}}", many(n, |i| format!("A{i},"))))),
    ("members that name others", |n| {
        one(format!("enum E {{ A0 = 1,{}}}", many(n, |i| format!("A{} = A{i} + 1,", i + 1))))
    }),
    ("members that name others at run time", |n| {
        one(format!("enum E {{ A0 = f(),{}}}", many(n, |i| format!("A{} = A{i} + 1,", i + 1))))
    }),
    ("blocks of one enum", |n| one(many(n, |i| format!("enum E {{ A{i} = {i} }}\n")))),
    ("blocks of one enum that name others", |n| {
        one(format!("enum E {{ A0 = 1 }}{}", many(n, |i| format!("enum E {{ A{} = A{i} + 1 }}\n", i + 1))))
    }),
    ("texts of enums", |n| one(format!("enum E {{ A0 = 'a',{}}}", many(n, |i| format!("A{} = `${{A{i}}}`,", i + 1))))),
    ("constants for enums", |n| {
        one(format!("const c0 = 1;{} enum E {{ A = c1 }}", many(n, |i| format!("const c{} = c{i};", i + 1))))
    }),
    ("namespaces", |n| one(many(n, |i| format!("namespace N{i} {{ export const a = {i}; }}\n")))),
    ("blocks of one namespace", |n| one(many(n, |i| format!("namespace N {{ export const a{i} = {i}; }}\n")))),
    ("blocks of one namespace that name others", |n| {
        one(format!(
            "namespace N {{ export const a0 = 1; }}{}",
            many(n, |i| format!("namespace N {{ export const a{} = a{i}; }}\n", i + 1))
        ))
    }),
    ("exports of one namespace", |n| {
        one(format!("namespace N {{{}}}", many(n, |i| format!("export let a{i} = {i}; a{i}++;"))))
    }),
    ("nested namespaces", |n| one(deep(n, 90, "namespace N { export const a = 1;", "a; u#; x#;", "}"))),
    ("nested namespaces with names of others", |n| {
        one(format!(
            "{} {}",
            many(n / 3, |i| format!("namespace O{i} {{ export const x = 1 }}")),
            deep(n / 2, 90, "namespace N { export const a = 1;", "{ x; }", "}")
        ))
    }),
    ("too many nested namespaces", |n| one(nested(n.min(50_000), "namespace N { ", "export const a = 1;", "}"))),
    ("dotted namespaces", |n| one(many(n, |i| format!("namespace A.B.C{i} {{ export const a = 1; }}")))),
    ("a long dotted namespace", |n| {
        one(format!("namespace A{} {{ export const a = 1; }}", many(n.min(180), |_| ".B".to_owned())))
    }),
    ("names that lose their declaration", |n| {
        one(many(n, |i| format!("import a{i} = T{i}; namespace T{i} {{ export type x = 1 }} a{i};\n")))
    }),
    ("aliases", |n| {
        one(format!("namespace N {{ export const a = 1 }} {}", many(n, |i| format!("import a{i} = N.a; a{i};"))))
    }),
    ("aliases of aliases", |n| {
        one(format!(
            "namespace N {{ export const a = 1 }} import b0 = N; {} ",
            many(n, |i| format!("import b{} = b{i};", i + 1))
        ))
    }),
    ("exports", |n| one(many(n, |i| format!("export const e{i} = {i};")))),
    ("exports by list", |n| {
        one(format!("{} export {{{}}};", many(n / 2, |i| format!("let e{i};")), many(n / 4, |i| format!("e{i},"))))
    }),
    ("exports of nothing", |n| one(format!("export {{{}}};", many(n, |i| format!("e{i},"))))),
    ("imports of nothing", |n| one(many(n, |i| format!("import {{ a{i} }} from './m{i}'; a{i};\n")))),
    ("imports of packages", |n| one(many(n, |i| format!("import a{i} from 'package{i}'; a{i};\n")))),
    ("dynamic imports", |n| one(many(n, |i| format!("import('./m{i}');")))),
    ("names that a module does not export", |n| {
        vec![
            (
                "main.ts".to_owned(),
                format!(
                    "import {{{}}} from './other'; export default () => 1; {}",
                    many(n / 3, |i| format!("nam{i},")),
                    many(n / 3, |i| format!("nam{i};"))
                ),
            ),
            ("other.ts".to_owned(), many(n / 3, |i| format!("export let mane{i};"))),
        ]
    }),
    ("names that no module has, nearly", |n| {
        let mut all = modules(n / 10, 200, |_, index| format!("export const a{index} = 1;"));
        all[0].1.push_str(&many(n, |i| format!("import {{ a as i{i} }} from './n{i}'; i{i};\n")));
        all
    }),
    ("modules that export all of each other", |n| {
        modules(n, 200, |module, index| {
            if index < 200 {
                format!("export * from './m{index}';")
            } else {
                format!("export const m{module}_{index} = 1;")
            }
        })
    }),
    ("modules that import from stars", |n| {
        modules(n, 100, |module, index| match index {
            0..100 => format!("export * from './m{index}';"),
            100..200 => format!(
                "import {{ e{0}_{1} as i{0}_{1} }} from './m{2}'; i{0}_{1};",
                (module + index) % 100,
                index + 100,
                (module + 1) % 100
            ),
            _ => format!("export const e{module}_{index} = 1;"),
        })
    }),
    ("a circle of modules", |n| {
        modules(n, 250, |module, index| match index {
            0 => format!("import {{ a as b }} from './m{}'; export const a = () => b;", (module + 1) % 250),
            _ => format!("export const v{index} = {index};"),
        })
    }),
    ("decorators", |n| one(many(n, |i| format!("@d{i} class C{i} {{}}")))),
    ("JSX", |n| one(many(n, |_| "x = <a>b</a>;".to_owned()))),
    ("unclosed brackets", |n| one("(".repeat(n.min(9_000)))),
    ("broken statements", |n| one(many(n, |_| "let let = 1;".to_owned()))),
    ("wrong in strict mode", |n| one(many(n, |_| "var eval = 010;".to_owned()))),
    ("wrong modifiers", |n| one(format!("class C {{{}}}", many(n, |i| format!("public public a{i};"))))),
    ("optional markers that are wrong", |n| one(format!("class C {{{}}}", many(n, |i| format!("accessor a{i}?;"))))),
    ("returns outside", |n| one(many(n, |_| "return 1;".to_owned()))),
    ("super outside", |n| one(many(n, |_| "super.a;".to_owned()))),
    ("new.target outside", |n| one(many(n, |_| "new.target;".to_owned()))),
    ("yields and awaits", |n| one(many(n, |i| format!("async function* g{i}() {{ yield await 1; }}")))),
    ("unknown private names", |n| one(format!("class C {{ m() {{ {} }} }}", many(n, |i| format!("this.#q{i};"))))),
    ("clock at top level", |n| one(many(n, |_| "Date.now();".to_owned()))),
    ("using", |n| one(format!("{{{}}}", many(n, |i| format!("using u{i} = null;"))))),
    ("functions that use before they declare", |n| {
        one(format!("{}{}", many(n / 2, |i| format!("f{i}();")), many(n / 2, |i| format!("function f{i}(){{}}"))))
    }),
    ("default parameters", |n| one(format!("function f({}) {{}}", many(n, |i| format!("a{i} = {i},"))))),
    ("directives", |n| one(many(n, |i| format!("'d{i}';")))),
    ("getters", |n| one(format!("x = {{{}}}", many(n, |i| format!("get a{i}() {{ return 1 }},"))))),
    ("spreads", |n| one(format!("x = [{}]", many(n, |_| "...a,".to_owned())))),
    ("static blocks", |n| one(format!("class C {{{}}}", many(n, |_| "static { this.a; }".to_owned())))),
];
