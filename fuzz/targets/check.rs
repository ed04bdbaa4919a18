//! Scripts of strangers: the check accepts or refuses them, its places lie in the source, and it does not panic. The
//! first byte chooses the language.
#![no_main]

use std::thread;

use libfuzzer_sys::fuzz_target;
use scriptmill_sandbox::prepare::{Bounds, check};
use scriptmill_sdk::{Bundle, Severity};

/// Room for the deepest nesting that an input can have. In production the check runs in a child process, which may die of it.
const STACK_BYTES: usize = 1 << 30;

fuzz_target!(|bytes: &[u8]| {
    let Some((language, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let name = if language % 2 == 0 { "main.ts" } else { "main.js" };
    let bundle = Bundle::of(name, text);
    let checking = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || judge(&bundle));
    checking.expect("a thread").join().expect("the check does not panic");
});

fn judge(bundle: &Bundle) {
    let source = &bundle.modules[0].source;
    let checked = check(bundle, &Bounds::default());
    let is_refused = checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
    assert_eq!(checked.script.is_none(), is_refused, "{:?}", checked.diagnostics);
    // Lines end as in ECMAScript.
    let lines = source.matches(['\n', '\r', '\u{2028}', '\u{2029}']).count() + 1;
    for found in &checked.diagnostics {
        assert!((1..=lines).contains(&(found.at.line as usize)), "{found:?}");
        assert!(found.at.column >= 1 && found.at.column as usize <= source.len() + 1, "{found:?}");
    }
    for module in checked.script.iter().flat_map(|script| &script.modules) {
        for (number, line) in module.code.lines().enumerate().take(50) {
            let place = module.map.original(number as u32 + 1, line.len() as u32 / 2 + 1);
            assert!(place.is_none_or(|(line, _)| (1..=lines).contains(&(line as usize))), "{place:?}");
        }
    }
}
