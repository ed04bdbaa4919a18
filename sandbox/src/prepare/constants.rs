//! Assignments to constants and to imported names.

use oxc::semantic::SymbolFlags;
use oxc::span::Span;
use scriptmill_sdk::Code;

use super::source::Finding;

pub(super) fn constant_assigned(name: &str, span: Span, declared: Span, flags: SymbolFlags) -> Finding {
    let (message, help, what) = if flags.contains(SymbolFlags::ConstVariable) {
        (
            format!("'{name}' is a constant and cannot be given another value."),
            "Declare it with `let` instead of `const` if its value changes.",
            "declared as a constant here",
        )
    } else {
        (
            format!("'{name}' is imported and cannot be given another value."),
            "Copy it into a variable of your own first: `let copy = …`.",
            "imported here",
        )
    };
    Finding::warning(Code::ConstantAssignment, span, message).help(help).related(declared, what)
}

/// This is an error, since the emitted code would assign to a property that can be written: only TypeScript makes it a constant.
pub(super) fn constant_member_assigned(name: &str, span: Span) -> Finding {
    let message = format!("'{name}' is a constant of its namespace or enum and cannot be given another value.");
    let help = "Declare it with `export let` if its value changes.";
    Finding::error(Code::ConstantAssignment, span, message).help(help)
}
