//! A script as the guest's `load` reads it.

use crate::prepare::{Emit, ModuleKind};

/// The bundle as `load` reads it.
pub(super) fn payload(script: &Emit) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number =
        |bytes: &mut Vec<u8>, number: usize| bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    let text = |bytes: &mut Vec<u8>, text: &str| {
        number(bytes, text.len());
        bytes.extend(text.as_bytes());
    };
    number(&mut bytes, script.modules.len());
    for module in &script.modules {
        text(&mut bytes, &module.name);
        number(&mut bytes, usize::from(module.kind == ModuleKind::Script));
        text(&mut bytes, &module.code);
    }
    number(&mut bytes, script.resolutions.len());
    for resolution in &script.resolutions {
        number(&mut bytes, resolution.importer);
        text(&mut bytes, &resolution.specifier);
        number(&mut bytes, resolution.target);
    }
    bytes
}
