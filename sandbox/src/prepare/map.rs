//! From a place in the emitted code to the author's.

use serde::{Deserialize, Serialize};

/// Where each piece of an emitted module comes from. It stays on the host, in the compact text form of source maps
/// (revision 3, one source, no names), and is decoded only when a place is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMap {
    /// `None`: the code was emitted as it was written.
    mappings: Option<Box<str>>,
}

/// A decoded segment: everything from 0.
#[derive(Clone, Copy, Default)]
struct Segment {
    column: i64,
    source_line: i64,
    source_column: i64,
}

impl SourceMap {
    /// The map of code that was emitted as it was written.
    pub fn identity() -> Self {
        Self { mappings: None }
    }

    /// From the `mappings` of a source map.
    pub(super) fn from_mappings(mappings: String) -> Self {
        Self { mappings: Some(mappings.into_boxed_str()) }
    }

    /// The author's line and column of a place in the emitted code. All count from 1; columns are UTF-16 units.
    ///
    /// It is the nearest mapped place at or before the one asked for on the same line, else the first one on it.
    /// `None` where the line was not the author's. Takes time linear in the map's size.
    pub fn original(&self, line: u32, column_utf16: u32) -> Option<(u32, u32)> {
        let Some(mappings) = &self.mappings else { return Some((line, column_utf16)) };
        let wanted = i64::from(column_utf16) - 1;
        let mut state = Segment::default();
        let mut found = None;
        for (index, text) in mappings.split(';').enumerate() {
            state.column = 0;
            for segment in text.split(',').filter(|segment| !segment.is_empty()) {
                state = advance(state, segment)?;
                if index as u64 + 1 == u64::from(line) && (found.is_none() || state.column <= wanted) {
                    found = Some(state);
                }
            }
            if index as u64 + 1 >= u64::from(line) {
                break;
            }
        }
        let found = found?;
        Some((u32::try_from(found.source_line + 1).ok()?, u32::try_from(found.source_column + 1).ok()?))
    }

    /// Bytes it takes in memory.
    pub fn size_bytes(&self) -> usize {
        self.mappings.as_ref().map_or(0, |mappings| mappings.len())
    }
}

/// Adds a segment's deltas (column, source, line, column and perhaps a name) to the state before it.
fn advance(mut state: Segment, segment: &str) -> Option<Segment> {
    let mut bytes = segment.bytes();
    let mut next = || vlq(&mut bytes);
    state.column += next()?;
    next()?;
    state.source_line += next()?;
    state.source_column += next()?;
    Some(state)
}

/// One base-64 variable-length quantity.
fn vlq(bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let mut value = 0_i64;
    for shift in (0..60).step_by(5) {
        let digit = match bytes.next()? {
            byte @ b'A'..=b'Z' => byte - b'A',
            byte @ b'a'..=b'z' => byte - b'a' + 26,
            byte @ b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        value |= i64::from(digit & 31) << shift;
        if digit & 32 == 0 {
            return Some(if value & 1 == 1 { -(value >> 1) } else { value >> 1 });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn finds_the_nearest_place_before() {
        // Line 1: columns 0 and 8 from 2:5 and 2:9. Line 2: none. Line 3: column 4 from 1:1.
        let map = SourceMap::from_mappings("AACI,QAAI;;IADR".to_owned());
        let cases = [((1, 1), Some((2, 5))), ((1, 8), Some((2, 5))), ((1, 9), Some((2, 9))), ((1, 900), Some((2, 9)))];
        for ((line, column), expected) in cases {
            assert_eq!(map.original(line, column), expected, "{line}:{column}");
        }
        assert_eq!(map.original(2, 1), None);
        assert_eq!(map.original(3, 1), Some((1, 1)), "before the first place of a line is that place");
        assert_eq!(map.original(4, 1), None);
    }

    #[test]
    fn code_emitted_as_written_maps_to_itself() {
        assert_eq!(SourceMap::identity().original(7, 3), Some((7, 3)));
    }
}
