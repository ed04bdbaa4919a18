//! What the fuzz target `guest` reaches: the host's readers of bytes that a guest chose.

use scriptmill_sdk::Limits;

use crate::abi::{Kind, Level};
use crate::guest::{Completion, Logs};
use crate::json::deeper_than;
use crate::memory_module::{memory_module, runs};
use crate::places::Places;
use crate::prepare::{EmittedModule, ModuleKind, SourceMap};
use crate::stack::{Report, located};

/// Hands `bytes` to all of them. The first byte chooses a kind and a level.
pub fn guest(bytes: &[u8]) {
    let Some((&number, bytes)) = bytes.split_first() else { return };
    let places = Places::new(vec![EmittedModule {
        name: "main.ts".to_owned(),
        kind: ModuleKind::Module,
        code: "export default () => {\n  throw new Error('ü');\n};\n".to_owned(),
        map: SourceMap::identity(),
    }]);
    let report = Report::read(bytes);
    let _ = (report.code(), report.sentence(), report.position(&places));
    let _ = report.thrown(&places);
    let text = String::from_utf8_lossy(bytes);
    let _ = located(&text, &places);
    let _ = deeper_than(&text, u64::from(number));
    if let Some(kind) = Kind::from_number((number % 8).into()) {
        let _ = Completion::read(kind, bytes, 1_000);
    }
    let level = Level::from_number((number % 4).into()).unwrap_or(Level::Info);
    let mut logs = Logs::kept();
    while logs.add(level, bytes, &Limits { log_lines: 10, ..Limits::default() }).is_ok() {}
    assert!(logs.take().len() <= 10);
    // Every byte that is not zero is in a run, so that an image loses nothing.
    let kept: usize = runs(bytes).map(|run| bytes[run].iter().filter(|byte| **byte != 0).count()).sum();
    assert_eq!(kept, bytes.iter().filter(|byte| **byte != 0).count());
    assert!(wasmparser::validate(&memory_module(bytes)).is_ok());
}
