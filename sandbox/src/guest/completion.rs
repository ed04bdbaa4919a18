//! How a job or a top level came to its end, as the guest says.

use crate::abi::Kind;

/// Bytes of a report that are kept. The guest cuts what it writes to less than that.
const REPORT_BYTES: usize = 4 << 20;
/// Bytes of a list of names that are kept: names may be as long as the memory holds.
const NAMES_BYTES: usize = 16 << 10;

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
    /// Reads the guest's kind and bytes. A value of more than `output_bytes_max` bytes is not kept, nor is the end of other
    /// texts that are too long.
    pub(crate) fn read(kind: Kind, bytes: &[u8], output_bytes_max: u64) -> Self {
        let is_too_large = bytes.len() as u64 > output_bytes_max;
        let first = |most: usize| bytes[..bytes.len().min(most)].to_vec();
        match kind {
            Kind::Value if is_too_large => Self::TooLarge,
            Kind::Value => Self::Value(bytes.to_vec()),
            Kind::Thrown => Self::Thrown(first(REPORT_BYTES)),
            Kind::Stalled => Self::Stalled,
            Kind::UnknownEntry => Self::UnknownEntry(first(NAMES_BYTES)),
            Kind::Syntax => Self::SyntaxRefused(first(REPORT_BYTES)),
            Kind::NotJson => Self::ValueNotJson(first(REPORT_BYTES)),
            Kind::TooDeep => Self::TooDeep,
        }
    }
}
