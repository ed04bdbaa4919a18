//! How a job or a top level came to its end, as the guest says.

use crate::abi::Kind;

/// How a job or a top level came to its end, as the guest says.
#[derive(Debug)]
pub(crate) enum Completion {
    /// JSON text.
    Value(Vec<u8>),
    /// A report of what was thrown.
    Thrown(Vec<u8>),
    Stalled,
    /// The names of the entries there are.
    UnknownEntry(Vec<u8>),
    SyntaxRefused(Vec<u8>),
    ValueNotJson(Vec<u8>),
    TooDeep,
    TooLarge,
}

impl Completion {
    /// Reads the guest's kind and bytes. A value of more than `output_bytes_max` bytes is not kept.
    pub(crate) fn read(kind: Kind, bytes: &[u8], output_bytes_max: u64) -> Self {
        let is_too_large = bytes.len() as u64 > output_bytes_max;
        let bytes = || bytes.to_vec();
        match kind {
            Kind::Value if is_too_large => Self::TooLarge,
            Kind::Value => Self::Value(bytes()),
            Kind::Thrown => Self::Thrown(bytes()),
            Kind::Stalled => Self::Stalled,
            Kind::UnknownEntry => Self::UnknownEntry(bytes()),
            Kind::Syntax => Self::SyntaxRefused(bytes()),
            Kind::NotJson => Self::ValueNotJson(bytes()),
            Kind::TooDeep => Self::TooDeep,
        }
    }
}
