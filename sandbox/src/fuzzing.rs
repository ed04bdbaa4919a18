//! What the fuzz target `guest` reaches: the host's readers of bytes that a guest chose.

use scriptmill_sdk::Limits;

use crate::abi::{Kind, Level, WarningKind};
use crate::guest::{Completion, Logs, Warnings};
use crate::json::deeper_than;
use crate::memory_module::{memory_module, runs};
use crate::places::{Files, Places};
use crate::prepare::{EmittedModule, ModuleKind, SourceMap};
use crate::stack::{Report, located};

/// Hands `bytes` to all of these readers. The first byte chooses a kind and a level.
pub fn guest(bytes: &[u8]) {
    let Some((&number, bytes)) = bytes.split_first() else { return };
    let modules = vec![EmittedModule {
        name: "main.ts".to_owned(),
        kind: ModuleKind::Module,
        code: "export default () => {\n  throw new Error('ü');\n};\n".to_owned(),
        map: SourceMap::identity(),
        bundled: None,
    }];
    let files = Files::new(&modules);
    let mut places = Places::new(modules);
    let [line, column] = [0, 4]
        .map(|at| bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])));
    let _ = places.original(number.into(), line, column);
    let report = Report::read(bytes);
    let _ = (report.code(), report.sentence(), report.position(&files));
    let _ = report.thrown(&files);
    let text = String::from_utf8_lossy(bytes);
    let _ = located(&text, &files);
    let _ = deeper_than(&text, u64::from(number));
    if let Some(kind) = Kind::from_number((number % 8).into()) {
        let _ = Completion::read(kind, bytes, 1_000);
    }
    let level = Level::from_number((number % 4).into()).unwrap_or(Level::Info);
    let mut logs = Logs::kept();
    let limits = Limits { log_lines: 10, ..Limits::default() };
    for _ in 0..20 {
        let _ = logs.add(level, bytes, &limits);
    }
    // Ten lines, and one that says how many were left out.
    assert!(logs.take().len() <= 11);
    let mut warnings = Warnings::default();
    if let Some(kind) = WarningKind::from_number((number % 5).into()) {
        (0..30).for_each(|_| warnings.add(kind, bytes));
    }
    let _ = warnings.stalled_at(&files);
    assert!(warnings.take(&files).len() <= 21);
    // Every byte that is not zero is in a run, so that an image loses nothing.
    let kept: usize = runs(bytes).map(|run| bytes[run].iter().filter(|byte| **byte != 0).count()).sum();
    assert_eq!(kept, bytes.iter().filter(|byte| **byte != 0).count());
    assert!(wasmparser::validate(&memory_module(bytes)).is_ok());
}
