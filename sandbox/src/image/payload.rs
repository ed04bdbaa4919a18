//! A script as the guest's `load` reads it.

use crate::abi::{MODULE_HAS_PLACES, MODULE_IS_SCRIPT};
use crate::places::{are_asked, files_made_of};
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
        let kind = if module.kind == ModuleKind::Script { MODULE_IS_SCRIPT } else { 0 };
        let kind = kind | if are_asked(module) { MODULE_HAS_PLACES } else { 0 };
        bytes.extend(kind.to_le_bytes());
        text(&mut bytes, &module.code);
    }
    number(&mut bytes, script.resolutions.len());
    for resolution in &script.resolutions {
        number(&mut bytes, resolution.importer);
        text(&mut bytes, &resolution.specifier);
        number(&mut bytes, resolution.target);
    }
    number(&mut bytes, files_made_of(&script.modules).count());
    for (before, name) in files_made_of(&script.modules) {
        bytes.extend(before.to_le_bytes());
        text(&mut bytes, name);
    }
    bytes
}
