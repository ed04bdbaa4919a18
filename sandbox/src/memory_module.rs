//! A memory as a WebAssembly module: data without code.

use crate::engine::PAGE;

/// Bytes of a page of the machine. A page of zeros is left out of the module.
const MACHINE_PAGE: usize = 4 << 10;
const ZEROS: [u8; MACHINE_PAGE] = [0; MACHINE_PAGE];

/// A module that defines and exports one memory of this content, and holds no code.
pub(crate) fn memory_module(content: &[u8]) -> Vec<u8> {
    use wasm_encoder::{ConstExpr, DataSection, ExportKind, ExportSection, MemorySection, MemoryType, Module};
    let mut memories = MemorySection::new();
    let minimum = content.len().div_ceil(PAGE) as u64;
    memories.memory(MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    let mut data = DataSection::new();
    for run in runs(content) {
        let offset = u32::try_from(run.start).unwrap_or(u32::MAX).cast_signed();
        data.active(0, &ConstExpr::i32_const(offset), content[run].iter().copied());
    }
    let mut module = Module::new();
    module.section(&memories).section(&exports).section(&data);
    module.finish()
}

/// The ranges of machine pages that are not all zero.
pub(crate) fn runs(content: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let is_zero = |at: usize| {
        let page = &content[at..content.len().min(at + MACHINE_PAGE)];
        page == &ZEROS[..page.len()]
    };
    let skip =
        move |from: usize, zero: bool| (from..content.len()).step_by(MACHINE_PAGE).find(|at| is_zero(*at) != zero);
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip(at, true)?;
        let end = skip(start, false).unwrap_or(content.len());
        at = end;
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_zeros_are_left_out() {
        let mut content = vec![0; 5 * MACHINE_PAGE];
        assert_eq!(runs(&content).count(), 0);
        content[MACHINE_PAGE] = 1;
        content[2 * MACHINE_PAGE + 5] = 1;
        content[5 * MACHINE_PAGE - 1] = 1;
        let ranges: Vec<_> = runs(&content).collect();
        assert_eq!(ranges, [MACHINE_PAGE..3 * MACHINE_PAGE, 4 * MACHINE_PAGE..5 * MACHINE_PAGE]);
    }
}
