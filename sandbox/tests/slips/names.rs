//! Names that nothing declares, and characters that nobody sees.

use crate::found;

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
