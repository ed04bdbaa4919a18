//! What the check says about scripts: each `tests/check/NAME.ts`, or folder with a `main.ts`, has its
//! `NAME.expected.json`. `BLESS=1` writes them anew. The last tests run checks in a child process, which is this very
//! program once more.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use scriptmill_sandbox::child::{Bounds as ChildBounds, Program};
use scriptmill_sandbox::prepare::{self, Bounds, Checked, Checker, ReadFailed};
use scriptmill_sdk::{Bundle, Code, Module, Position, Severity};
use serde_json::{Value, json};

type Case = fn() -> Result<(), Failed>;
type Modules<'m> = &'m [(&'m str, &'m str)];

/// Makes this program the child.
const SERVE: &str = "--serve-checks";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(SERVE) => return prepare::serve(),
        Some("--die-at-once") => return ExitCode::from(7),
        _ => {}
    }
    let arguments = Arguments::from_args();
    let mut trials: Vec<_> = golden_cases().into_iter().map(golden_trial).collect();
    let cases: [(&str, Case); 14] = [
        ("the list of diagnostics is bounded, errors first", bounded_diagnostics),
        ("what must not compile is refused", must_not_compile),
        ("a bundle is held against its bounds", bundle_bounds),
        ("places are counted in UTF-16 units", positions),
        ("any place is shown in the author's source", frames),
        ("emitted code leads back to the author's", source_maps),
        ("a script is read from its files", read_files),
        ("a file that is no text is refused", read_no_text),
        ("a child answers as this process does", child_answers),
        ("sources nested deeply are refused, and the next one is checked", nested_deeply),
        ("a slow check is given up", slow_check),
        ("a child that dies at once is nobody's fault but the platform's", dies_at_once),
        ("a check that gets no processor is not the script's fault", no_processor),
        ("many checks at once wait for one child", many_at_once),
    ];
    trials.extend(cases.map(|(name, case)| Trial::test(name, case)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn golden_cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_none_or(|end| end != "json"));
    found.sort();
    found
}

fn golden_trial(path: PathBuf) -> Trial {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    Trial::test(name, move || {
        let bundle = read_bundle(&path);
        let checked = block_on(Checker::in_process(Bounds::default()).check(&bundle))?;
        let found = format!("{:#}\n", summary(&checked));
        let expected = path.with_extension("expected.json");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, found)?;
            return Ok(());
        }
        let expected = fs::read_to_string(&expected).map_err(|error| format!("{}: {error}", expected.display()))?;
        if found == expected { Ok(()) } else { Err(format!("expected\n{expected}\nfound\n{found}").into()) }
    })
    .with_kind("golden")
}

/// A file, or a folder with its `main.ts` first.
fn read_bundle(path: &Path) -> Bundle {
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            folders.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort_by_key(|file| (!file.ends_with("main.ts"), file.clone()));
    let base = if path.is_dir() { path } else { path.parent().unwrap() };
    let module = |file: &PathBuf| {
        Module::new(file.strip_prefix(base).unwrap().to_string_lossy(), fs::read_to_string(file).unwrap())
    };
    Bundle { modules: files.iter().map(module).collect() }
}

/// The result with its texts as lists of lines, which read better in a file.
fn summary(checked: &Checked) -> Value {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let diagnostics = checked.diagnostics.iter().map(|diagnostic| {
        let mut value = json!(diagnostic);
        value["frame"] = json!(lines(&diagnostic.excerpt));
        value
    });
    let script = checked.script.as_ref().map(|script| {
        let modules = script
            .modules
            .iter()
            .map(|module| json!({ "name": module.name, "kind": module.kind, "code": lines(&module.code) }));
        json!({ "modules": modules.collect::<Vec<_>>(), "resolutions": script.resolutions })
    });
    json!({ "diagnostics": diagnostics.collect::<Vec<_>>(), "script": script })
}

fn bundle(modules: &[(&str, &str)]) -> Bundle {
    let module = |(name, source): &(&str, &str)| Module::new(*name, *source);
    Bundle { modules: modules.iter().map(module).collect() }
}

fn check(bundle: &Bundle) -> Checked {
    block_on(Checker::in_process(Bounds::default()).check(bundle)).unwrap()
}

fn codes(checked: &Checked) -> Vec<Code> {
    checked.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn bounded_diagnostics() -> Result<(), Failed> {
    let warnings: String = (0..90).map(|index| format!("unknownNumber{index}x;\n")).collect();
    let errors: String = (0..60).map(|index| format!("let c{index} = 1; let c{index} = 2;\n")).collect();
    let source = format!("export default () => 1;\n{warnings}{errors}");
    let checked = check(&bundle(&[("main.ts", &source)]));
    assert_eq!(checked.diagnostics.len(), 101);
    let errors = checked.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    assert_eq!(errors, 60, "every error is reported");
    let last = checked.diagnostics.last().unwrap();
    assert!(last.message.starts_with("50 more problems were found"), "{}", last.message);
    let places: Vec<_> =
        checked.diagnostics[..100].iter().map(|diagnostic| (diagnostic.at.line, diagnostic.at.column)).collect();
    assert!(places.is_sorted(), "in the order of the source");
    Ok(())
}

fn must_not_compile() -> Result<(), Failed> {
    let cases = [
        "using x;",
        "{ using x; }",
        "{ await using y; }",
        "using { a } = {};",
        "await using { a } = {};",
        "{ using let = null; }",
        "{ using x = null; let x; }",
        "{ let x; using x = null; }",
        "{ using x = null, x = null; }",
        "{ using x = null; var x; }",
        "for (using x in {}) ;",
        "for (await using x in {}) ;",
        "for (using x = 1 of []) ;",
        "for (using x, y of []) ;",
        "for (using x of []) { var x; }",
        "for (using x;;) ;",
        "if (1) using x = null;",
        "while (0) using x = null;",
        "label: using x = null;",
        "export using x = null;",
        "export await using x = null;",
        "switch (1) { case 1: using x = null; }",
        "switch (1) { default: await using x = null; }",
        "function f() { await using x = null; }",
        "() => { await using x = null; }",
        "async () => { function f() { for (await using x of []) ; } }",
        "class C { static { await using x = null; } }",
        "async (a = await using) => 1;",
        "class C { accessor constructor; }",
        "class C { static accessor prototype; }",
        "class C { accessor #constructor; }",
        "class C { accessor x; accessor #x; #x; }",
        "class C { accessor x = arguments; }",
        "class C { accessor x = super(); }",
        "({ accessor x: 1 });",
        "import('');;import(...a);",
        "import();",
        "new import('a');",
        "import('a', 'b', 'c');",
    ];
    for case in cases {
        for name in ["main.js", "main.ts"] {
            let checked = check(&bundle(&[(name, &format!("export default () => 1;\n{case}"))]));
            assert!(checked.script.is_none(), "{name}: {case}");
        }
    }
    Ok(())
}

fn bundle_bounds() -> Result<(), Failed> {
    let large = "x".repeat(5 << 20);
    let many: Vec<String> = (0..1000).map(|index| format!("m{index}.ts")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let cases: [(&str, Modules<'_>, Code); 8] = [
        ("no module", &[], Code::InvalidBundle),
        ("too large", &[("main.ts", "1"), ("large.ts", &large)], Code::SourceTooLarge),
        ("too many", &many, Code::TooManyModules),
        ("the same name twice", &[("main.ts", ""), ("a.ts", ""), ("a.ts", "")], Code::InvalidBundle),
        ("an absolute name", &[("/main.ts", "")], Code::InvalidBundle),
        ("a name that leads out", &[("../main.ts", "")], Code::InvalidBundle),
        ("an empty name", &[("", "")], Code::InvalidBundle),
        ("a NUL", &[("main.ts", "let a = 1;\n\0")], Code::SourceNotText),
    ];
    for (name, modules, code) in cases {
        let checked = check(&bundle(modules));
        assert_eq!(codes(&checked), [code], "{name}");
        assert!(checked.script.is_none(), "{name}");
    }
    let module = Module::new("main.ts", "export default () => 1;");
    let checked = check(&Bundle { modules: vec![Module { source_map: Some(large), ..module }] });
    assert_eq!(codes(&checked), [Code::SourceTooLarge], "a map counts as source");
    Ok(())
}

fn positions() -> Result<(), Failed> {
    // The text before the failing assignment, and the column of the assignment in UTF-16 units.
    let cases = [
        ("", 1),
        ("1; ", 4),
        ("\t", 2),
        ("'😀'; ", 7),
        ("'é'; ", 6),
        ("'e\u{301}'; ", 7),
        ("'👩\u{200d}👩\u{200d}👧'; ", 13),
        ("/* 名前 */ ", 10),
        ("\u{feff}", 2),
    ];
    for (before, column) in cases {
        for line_end in ["\n", "\r\n", "\r", "\u{2028}"] {
            let source = format!("const x = 1;{line_end}export default () => 1;{line_end}{before}x = 2;");
            let checked = check(&bundle(&[("main.ts", &source)]));
            assert_eq!(codes(&checked), [Code::ConstantAssignment], "{source:?}");
            let found = &checked.diagnostics[0];
            assert_eq!((found.at.line, found.at.column), (3, column), "{source:?}");
            assert_eq!((found.end_line, found.end_column), (3, column + 1), "{source:?}");
        }
    }
    Ok(())
}

fn frames() -> Result<(), Failed> {
    let bundle = bundle(&[("main.ts", "\u{feff}let a: number;\n  /* 😀 */ a.b.c;\n")]);
    let at = |line, column| Position { file: "main.ts".to_owned(), line, column };
    let lines = |frame: String| frame.lines().map(str::to_owned).collect::<Vec<_>>();
    let expected = ["  |", "1 | let a: number;", "2 |   /* 😀 */ a.b.c;", "  |              ^"];
    assert_eq!(lines(prepare::excerpt(&bundle, &at(2, 14)).unwrap()), expected);
    for (line, column) in [(0, 0), (1, 1), (2, 900), (3, 1), (99, 1)] {
        assert!(prepare::excerpt(&bundle, &at(line, column)).unwrap().contains('^'), "{line}:{column}");
    }
    let found = prepare::engine_diagnostic(&bundle, Some(&at(2, 14)), "no");
    assert_eq!((found.code, found.at, found.end_column), (Code::EngineRefusesSyntax, at(2, 14), 18));
    let found = prepare::engine_diagnostic(&bundle, None, "no");
    assert_eq!((found.at, found.excerpt.as_str()), (at(1, 1), ""));
    Ok(())
}

fn source_maps() -> Result<(), Failed> {
    // Every name that ends in a number stands once in the source, and must be found again from the emitted code.
    let source = r#"
interface Long { a: string; b: { c: number } }
type Alias<T> = T extends string ? 1 : 2;
export enum Kind { /* 😀 */ A = call2(), B = "b".length + value3 }
namespace Space {
  export const x5 = call6("😀😀", `
    é ${value7 as number} 😀 ${call8()}`);
}
class Box9<T> extends Base10 implements Long {
  constructor(private readonly first: string, public second = call11()) { super(value12!); }
  field = (<any>value13).x; method14(): asserts this is Box9<T> { return call15<number>(value16 satisfies number); }
}
export default async function main17(input: Long, ctx?: unknown) {
  const 名前 = "ﷺ"; if (input) throw18(名前, call19); /* 😀 */ return await call20?.();
}
"#;
    let all: Vec<_> = source
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.ends_with(|c: char| c.is_ascii_digit()))
        .collect();
    let checked = check(&bundle(&[("main.ts", source)]));
    let script = checked.script.unwrap();
    let module = &script.modules[0];
    let mut found = 0;
    for (line, text) in module.code.lines().enumerate() {
        for name in all.iter().filter(|name| name.len() > 2) {
            for (index, _) in text
                .match_indices(name)
                .filter(|(index, _)| !text[index + name.len()..].starts_with(|c: char| c.is_ascii_digit()))
            {
                let column = text[..index].encode_utf16().count() + 1;
                let (line, column) = module.map.original(line as u32 + 1, column as u32).unwrap();
                let there: Vec<u16> =
                    source.lines().nth(line as usize - 1).unwrap().encode_utf16().skip(column as usize - 1).collect();
                let there = String::from_utf16(&there).unwrap();
                assert!(there.starts_with(name), "{name} leads to {line}:{column}: {there}");
                found += 1;
            }
        }
    }
    assert!(found >= 18, "{found} names found in\n{}", module.code);
    Ok(())
}

fn read_files() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let files = [
        (
            "app/main.ts",
            "import { a } from './lib/a.js';\nimport type { T } from './types';\nimport { U } from './page';\nimport data from './data.json';\n\
             export default (u: U, d: typeof data) => [a, import(`../shared`)];",
        ),
        ("app/lib/a.ts", "export * from './b';\nexport const a = 1;\nimport './missing';\nimport 'lodash';"),
        ("app/lib/b/index.ts", "import '../a';\nimport { main } from '../../main.ts';\nmain();"),
        ("app/types.ts", "export type T = 1;"),
        ("app/page.tsx", "export type U = 1;"),
        ("app/data.json", "{}"),
        ("app/not-imported.ts", ""),
        ("shared.mjs", "this is no JavaScript"),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap())?;
        fs::write(path, text)?;
    }
    let checker = child(Checker::CHILD_BOUNDS);
    let names = |main: &str| {
        let script = block_on(checker.read(&folder.path().join(main))).unwrap();
        assert!(script.bundle.modules.iter().all(|module| script.folder.join(&module.name).is_file()));
        script.bundle.modules.into_iter().map(|module| module.name).collect::<Vec<_>>()
    };
    assert_eq!(names("app/main.ts"), ["app/main.ts", "app/lib/a.ts", "shared.mjs", "app/lib/b/index.ts"]);
    assert_eq!(names("app/lib/../types.ts"), ["types.ts"], "names begin at the folder that holds them all");
    let all = ["app/lib/a.ts", "app/lib/b/index.ts", "app/main.ts", "shared.mjs"];
    assert_eq!(names("app/lib/a.ts"), all, "the first module is the one that was asked for");
    assert!(matches!(block_on(checker.read(&folder.path().join("nothing.ts"))), Err(ReadFailed::File { .. })));
    assert!(matches!(block_on(checker.read(folder.path())), Err(ReadFailed::File { .. })));
    Ok(())
}

fn read_no_text() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("main.ts");
    let checker = Checker::in_process(Bounds::default());
    let cases: [(&[u8], (u32, u32), &str); 3] = [
        (b"let a = 1;\nlet b = '\xe4';\n", (2, 10), "Save the file as UTF-8; every editor can."),
        (b"\xff\xfee\0x\0", (1, 1), "It was saved as UTF-16. Save it as UTF-8."),
        (b"\x89PNG\r\n", (1, 1), "Save the file as UTF-8; every editor can."),
    ];
    for (bytes, place, help) in cases {
        fs::write(&path, bytes)?;
        let Err(ReadFailed::NotText(_, found)) = block_on(checker.read(&path)) else { panic!("{bytes:?} was read") };
        assert_eq!((found.code, (found.at.line, found.at.column)), (Code::SourceNotText, place), "{bytes:?}");
        assert_eq!(found.help.as_deref(), Some(help));
    }
    fs::write(&path, "\u{feff}export default () => 1;")?;
    let script = block_on(checker.read(&path))?;
    assert_eq!(codes(&check(&script.bundle)), []);
    fs::write(&path, "ä".repeat(3 << 20))?;
    let script = block_on(checker.read(&path))?;
    assert_eq!(codes(&check(&script.bundle)), [Code::SourceTooLarge]);
    Ok(())
}

fn child(bounds: ChildBounds) -> Checker {
    let program = Program { path: std::env::current_exe().unwrap(), arguments: vec![SERVE.into()] };
    Checker::child(program, bounds, Bounds::default()).unwrap()
}

fn child_answers() -> Result<(), Failed> {
    let checker = child(Checker::CHILD_BOUNDS);
    for path in golden_cases() {
        let bundle = read_bundle(&path);
        assert_eq!(block_on(checker.check(&bundle))?, check(&bundle), "{}", path.display());
    }
    Ok(())
}

fn nested_deeply() -> Result<(), Failed> {
    let checker = child(Checker::CHILD_BOUNDS);
    let deep = 100_000;
    let cases = [
        ("parentheses", format!("{}1{}", "(".repeat(deep), ")".repeat(deep))),
        ("arrays", format!("{}{}", "[".repeat(deep), "]".repeat(deep))),
        ("ternaries", format!("{}0{}", "1 ? ".repeat(deep), " : 0".repeat(deep))),
        ("ternaries to the right", format!("{}0", "1 ? 2 : ".repeat(deep))),
        ("arrows", format!("{}1", "() => ".repeat(deep))),
        ("types", format!("1; type T = {}1{}", "[".repeat(deep), "]".repeat(deep))),
        ("type arguments", format!("1; type T = {}1{}", "A<".repeat(deep), ">".repeat(deep))),
        ("templates", format!("{}1{}", "`${".repeat(deep), "}`".repeat(deep))),
        ("blocks", format!("1; {}{}", "{".repeat(deep), "}".repeat(deep))),
        ("functions", format!("1; {}{}", "function f(){".repeat(deep), "}".repeat(deep))),
        ("unary operators", format!("{}1", "- ".repeat(deep))),
        ("a chain of members", format!("1{}", "['a']".repeat(deep))),
        ("a chain of sums", format!("1{}", "+1".repeat(deep))),
        ("only openings", "(".repeat(deep)),
        ("else ifs", format!("1; {}{{}}", "if (1) {} else ".repeat(deep))),
        ("patterns", format!("1; let {}a{} = 1", "[".repeat(deep), "]".repeat(deep))),
    ];
    for (name, source) in cases {
        let checked = block_on(checker.check(&bundle(&[("main.ts", &format!("export default {source};"))])))?;
        let found = codes(&checked);
        assert!(found.contains(&Code::TooComplex) || found == [Code::Syntax], "{name}: {found:?}");
        assert!(checked.script.is_none(), "{name}");
        let next = block_on(checker.check(&bundle(&[("main.ts", "export default () => 1;")])))?;
        assert_eq!(codes(&next), [], "after {name}");
        assert!(next.script.is_some(), "after {name}");
    }
    Ok(())
}

fn slow_check() -> Result<(), Failed> {
    let checker = child(ChildBounds { time: Duration::from_millis(1), ..Checker::CHILD_BOUNDS });
    let source = format!("export default {};", "1 + ".repeat(200_000) + "1");
    let checked = block_on(checker.check(&bundle(&[("main.ts", &source)])))?;
    assert_eq!(codes(&checked), [Code::TooComplex]);
    assert!(checked.diagnostics[0].message.contains("more than 1ms"), "{}", checked.diagnostics[0].message);
    Ok(())
}

fn dies_at_once() -> Result<(), Failed> {
    let program = Program { path: std::env::current_exe().unwrap(), arguments: vec!["--die-at-once".into()] };
    let checker = Checker::child(program, Checker::CHILD_BOUNDS, Bounds::default()).unwrap();
    let failed = block_on(checker.check(&bundle(&[("main.ts", "export default () => 1;")]))).unwrap_err();
    assert!(failed.0.contains("exit status: 7"), "{failed}");
    let program = Program { path: "/nowhere/scriptmill".into(), arguments: Vec::new() };
    let checker = Checker::child(program, Checker::CHILD_BOUNDS, Bounds::default()).unwrap();
    assert!(block_on(checker.check(&bundle(&[("main.ts", "export default () => 1;")]))).is_err());
    Ok(())
}

fn no_processor() -> Result<(), Failed> {
    let checker = child(ChildBounds { wall_time: Duration::from_millis(1), ..Checker::CHILD_BOUNDS });
    let source = format!("export default {};", "1 + ".repeat(200_000) + "1");
    let failed = block_on(checker.check(&bundle(&[("main.ts", &source)]))).unwrap_err();
    assert!(failed.0.contains("waited for a processor"), "{failed}");
    Ok(())
}

fn many_at_once() -> Result<(), Failed> {
    let checker = child(ChildBounds { queue: 2, ..Checker::CHILD_BOUNDS });
    let killer = format!("export default {}", "(".repeat(1_000_000));
    let results: Vec<Vec<Code>> = std::thread::scope(|scope| {
        let ask = |index: usize| {
            let (checker, killer) = (checker.clone(), killer.as_str());
            scope.spawn(move || {
                let source = if index.is_multiple_of(4) { killer } else { "export default () => 1;" };
                codes(&block_on(checker.check(&bundle(&[("main.ts", source)]))).unwrap())
            })
        };
        let asked: Vec<_> = (0..12).map(ask).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (index, found) in results.iter().enumerate() {
        let expected: &[Code] = if index.is_multiple_of(4) { &[Code::TooComplex] } else { &[] };
        assert_eq!(found, expected, "check {index}");
    }
    Ok(())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
