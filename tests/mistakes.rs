//! The commonest mistakes of authors of scripts. Each is answered with a place, a name and a remedy.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::process::{Command, Stdio};

/// What is called, the script, the place, the name and the remedy.
#[rustfmt::skip]
const MISTAKES: &[(&str, &[&str], &str, [&str; 3])] = &[
    ("a name is misspelt", &["check", "main.ts"], "export default (order) =>\n  ordr.total;", ["main.ts:2:3", "'ordr'", "Did you mean 'order'?"]),
    ("a name is written in another case", &["check", "main.ts"], "export default (order) => Json.stringify(order);", ["main.ts:1:27", "'Json'", "Did you mean 'JSON'?"]),
    ("a word is misspelt", &["check", "main.ts"], "export default fucntion (order) {\n}", ["main.ts:1:16", "`fucntion`", "Did you mean `function`?"]),
    ("a comma is missing", &["check", "main.ts"], "export default () => ({\n  a: 1\n  b: 2,\n});", ["main.ts:3:3", "`b`", "Write `,` at the end of line 2."]),
    ("a bracket is missing", &["check", "main.ts"], "export default (order) => {\n  if (order.paid {\n    return 1;\n  }\n};", ["main.ts:2:18", "`{`", "write `)` before `{`"]),
    ("a quote comes from a word processor", &["check", "main.ts"], "export default () => “gold”;", ["main.ts:1:22", "`“`", "write `\"`"]),
    ("the type comes first", &["check", "main.ts"], "export default function (Order order) {}", ["main.ts:1:26", "parameter", "`order: Order`"]),
    ("an operator is a word", &["check", "main.ts"], "export default (o) => o.a and o.b;", ["main.ts:1:27", "`and`", "Write `&&` for `and`"]),
    ("there is no entry", &["check", "main.ts"], "function approve(order) {\n}", ["main.ts:1:10", "entry", "export default function approve"]),
    ("the entry is a class", &["check", "main.ts"], "export default class Order {\n}", ["main.ts:1:1", "a class", "Export a function"]),
    ("the entry is misspelt", &["run", "main.ts", "--entry", "discuont"], "export function discount() {}", ["\"path\":\"entry\"", "'discuont'", "did you mean 'discount'?"]),
    ("the network is used", &["check", "main.ts"], "export default async () =>\n  await fetch('https://example.com');", ["main.ts:2:9", "'fetch'", "give the data to the job as input"]),
    ("a file is read", &["check", "main.ts"], "import fs from 'node:fs';\nexport default () => fs;", ["main.ts:1:16", "'node:fs'", "give the data to the job as input"]),
    ("a package is imported", &["check", "main.ts"], "import _ from 'lodash';\nexport default () => _;", ["main.ts:1:15", "'lodash'", "bundle a package into the script"]),
    ("a module's name is nearly right", &["check", "main.ts"], "import { rate } from './rate';\nexport default () => rate;", ["main.ts:1:22", "rate.ts", "Did you mean './rates'?"]),
    ("a module is named without ./", &["check", "main.ts"], "import { rate } from 'rates';\nexport default () => rate;", ["main.ts:1:22", "'rates'", "Did you mean './rates'?"]),
    ("a locale is asked for", &["check", "main.ts"], "export default (n) => n.toLocaleString('de-DE');", ["main.ts:1:25", "`toLocaleString`", "`toFixed`"]),
    ("an object is meant, and it is a block", &["check", "main.ts"], "export default (o) => o.lines.map((l) => { name: l.name });", ["main.ts:1:44", "`name:`", "in parentheses"]),
    ("return stands alone", &["check", "main.ts"], "export default () => {\n  return\n    { total: 5 };\n};", ["main.ts:2:3", "`return`", "on the line of the `return`"]),
    ("await is missing", &["check", "main.ts"], "async function send() {}\nexport default async () => {\n  send();\n};", ["main.ts:3:3", "'send'", "Write `await send(…)`"]),
    ("the script is not there", &["check", "mian.ts"], "", ["mian.ts", "SM4003", "scriptmill explain SM4003"]),
];

#[test]
fn every_mistake_has_a_place_a_name_and_a_remedy() {
    let mut wrong = String::new();
    for (what, arguments, script, expected) in MISTAKES {
        let said = said(arguments, &[("main.ts", script), ("rates.ts", "export const rate = 0.19;")]);
        if !expected.iter().all(|words| said.contains(words)) {
            wrong += &format!("{what}: not all of {expected:?} in\n{said}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn several_scripts_keep_their_names() {
    let scripts = [("a/main.ts", "export default () => totl;"), ("b/main.ts", "export default () => nmae;")];
    let said = said(&["check", "a/main.ts", "b/main.ts"], &scripts);
    assert!(said.contains(" --> a/main.ts:1:22\n") && said.contains(" --> b/main.ts:1:22\n"), "{said}");
}

/// All that a command says in a folder with these files.
fn said(arguments: &[&str], files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_scriptmill"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("SCRIPTMILL_") && !name.ends_with("CACHE_DIR"))
    {
        command.env_remove(name);
    }
    let output = command.args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat()
}
