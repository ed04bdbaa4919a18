//! From a place in the emitted code to the author's.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// Bytes of mappings between two marks. A place is found by decoding that much at most. With fewer, the marks of the largest script would
/// take more memory than is counted for what a check gave.
const MARK_BYTES: usize = 1 << 7;

/// Where each piece of a module comes from: of an emitted module, or of one that a bundler made. It stays on the host, in the compact
/// text form of source maps (revision 3). Its marks, made once, let a place be found without decoding all mappings before it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceMap {
    /// `None`: the code was emitted as it was written.
    mappings: Option<Box<str>>,
    #[serde(skip)]
    marks: OnceLock<Box<[Walk]>>,
}

impl PartialEq for SourceMap {
    fn eq(&self, other: &Self) -> bool {
        self.mappings == other.mappings
    }
}

impl Eq for SourceMap {}

/// A walk over mappings: where it stands, and the last segment that it has passed. All count from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    /// Bytes of the mappings that the walk has passed.
    at: usize,
    line: u32,
    /// Whether the walk has passed a segment of this line; then `column` is that segment's.
    has_column: bool,
    column: i64,
    /// Whether the code that begins at `column` comes from a source.
    is_mapped: bool,
    source: i64,
    source_line: i64,
    source_column: i64,
}

impl SourceMap {
    /// The map of code that was emitted as it was written.
    pub fn identity() -> Self {
        Self { mappings: None, marks: OnceLock::new() }
    }

    /// Whether the code was emitted as it was written.
    pub(crate) fn is_identity(&self) -> bool {
        self.mappings.is_none()
    }

    /// From the `mappings` of a source map.
    pub(super) fn from_mappings(mappings: String) -> Self {
        Self { mappings: Some(mappings.into_boxed_str()), marks: OnceLock::new() }
    }

    /// How many lines the map names of each of `sources` sources. Returns `None` if the mappings are broken or not in order.
    pub(super) fn lines(&self, sources: usize) -> Option<Vec<u32>> {
        let mappings = self.mappings.as_ref()?.as_bytes();
        let mut lines = vec![0; sources];
        let (mut walk, mut last) = (Walk::default(), (0, 0));
        while let Some(is_segment) = walk.step(mappings) {
            if !is_segment {
                continue;
            }
            let here = (walk.line, walk.column);
            if here < last || u32::try_from(walk.source_column).is_err() {
                return None;
            }
            last = here;
            if walk.is_mapped {
                let most: &mut u32 = lines.get_mut(usize::try_from(walk.source).ok()?)?;
                *most = (*most).max(u32::try_from(walk.source_line).ok()?.checked_add(1)?);
            }
        }
        (walk.at == mappings.len()).then_some(lines)
    }

    /// The author's line and column of a place in the emitted code. All count from 1; columns are UTF-16 units.
    ///
    /// It is the nearest mapped place at or before the one asked for on the same line, else the first one on it.
    /// `None` where the line was not the author's. The first call takes time linear in the map's size, unless
    /// [`SourceMap::prepare`] did; further ones next to none.
    pub fn original(&self, line: u32, column_utf16: u32) -> Option<(u32, u32)> {
        self.place(line, column_utf16, &mut Walk::default()).map(|(_, line, column)| (line, column))
    }

    /// Like [`SourceMap::original`], with the index of the source before the line. `last` is where the place asked for before was found:
    /// mostly just before this one, so that little is to be decoded.
    pub(crate) fn place(&self, line: u32, column_utf16: u32, last: &mut Walk) -> Option<(usize, u32, u32)> {
        let Some(mappings) = &self.mappings else { return Some((0, line, column_utf16)) };
        let (line, wanted) = (line.checked_sub(1)?, i64::from(column_utf16) - 1);
        let marks = self.marks(mappings.as_bytes());
        let is_before = |walk: &Walk| (walk.line, walk.has_column, walk.column) <= (line, true, wanted);
        let before = marks.partition_point(is_before);
        let mark = before.checked_sub(1).map_or_else(Walk::default, |index| marks[index]);
        let mut walk = if last.at > mark.at && is_before(last) { *last } else { mark };
        let mut found = (walk.line == line && walk.has_column).then_some(walk);
        while walk.line <= line
            && let Some(is_segment) = walk.step(mappings.as_bytes())
        {
            if walk.line == line && is_segment {
                if found.is_some() && walk.column > wanted {
                    break;
                }
                found = Some(walk);
            }
        }
        *last = found.unwrap_or_default();
        let found = found.filter(|found| found.is_mapped)?;
        let number = |from_zero: i64| u32::try_from(from_zero.checked_add(1)?).ok();
        Some((usize::try_from(found.source).ok()?, number(found.source_line)?, number(found.source_column)?))
    }

    /// Makes the marks, in time linear in the map's size, so that no place takes long to find.
    pub fn prepare(&self) {
        if let Some(mappings) = &self.mappings {
            self.marks(mappings.as_bytes());
        }
    }

    /// Bytes it takes in memory.
    pub fn size_bytes(&self) -> usize {
        let marks = self.marks.get().map_or(0, |marks| size_of_val::<[Walk]>(marks));
        self.mappings.as_ref().map_or(0, |mappings| mappings.len()) + marks
    }

    fn marks(&self, mappings: &[u8]) -> &[Walk] {
        self.marks.get_or_init(|| {
            let mut marks = Vec::new();
            let (mut walk, mut next) = (Walk::default(), MARK_BYTES);
            while walk.step(mappings).is_some() {
                if walk.at >= next {
                    marks.push(walk);
                    next = walk.at + MARK_BYTES;
                }
            }
            marks.into_boxed_slice()
        })
    }
}

impl Walk {
    /// Passes a segment and returns true, or a separator and returns false. After a segment, the walk has that segment's column,
    /// and its line and column in the source. Returns `None` at the end, or if the mappings are broken.
    fn step(&mut self, mappings: &[u8]) -> Option<bool> {
        match *mappings.get(self.at)? {
            b';' => (self.at, self.line, self.has_column, self.column) = (self.at + 1, self.line + 1, false, 0),
            b',' => self.at += 1,
            _ => {
                let mut bytes = mappings[self.at..].iter().copied();
                self.column = self.column.saturating_add(vlq(&mut bytes)?);
                let goes_on = |bytes: &std::iter::Copied<std::slice::Iter<'_, u8>>| {
                    bytes.clone().next().is_some_and(|byte| !matches!(byte, b',' | b';'))
                };
                self.is_mapped = goes_on(&bytes);
                if self.is_mapped {
                    for number in [&mut self.source, &mut self.source_line, &mut self.source_column] {
                        *number = number.saturating_add(vlq(&mut bytes)?);
                    }
                    // A name may follow.
                    if goes_on(&bytes) {
                        vlq(&mut bytes)?;
                    }
                }
                if goes_on(&bytes) {
                    return None;
                }
                self.at = mappings.len() - bytes.len();
                self.has_column = true;
                return Some(true);
            }
        }
        Some(false)
    }
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
    fn marks_change_no_place() {
        // Two thousand lines, one of them of a thousand segments: many times what lies between two marks.
        let long = (0..1_000).map(|n| if n == 0 { "AAAA" } else { "EAAE" }).collect::<Vec<_>>().join(",");
        let lines: Vec<_> = (0..2_000).map(|n| if n == 1_000 { long.as_str() } else { "EACA,IAAI" }).collect();
        let map = SourceMap::from_mappings(lines.join(";"));
        map.prepare();
        let marks = map.marks.get().unwrap();
        assert!(marks.len() > 10);
        // No two marks are further apart than `MARK_BYTES` and one segment.
        assert!(marks.windows(2).all(|pair| pair[1].at - pair[0].at <= MARK_BYTES + 32));
        let walked = |line: u32, column: u32| {
            let mappings = map.mappings.as_ref().unwrap().as_bytes();
            let (mut walk, mut found) = (Walk::default(), None);
            while let Some(is_segment) = walk.step(mappings) {
                if is_segment && walk.line + 1 == line && (found.is_none() || walk.column < i64::from(column)) {
                    found = Some((walk.source_line as u32 + 1, walk.source_column as u32 + 1));
                }
            }
            found
        };
        let mut last = Walk::default();
        for line in [1, 2, 300, 999, 1_000, 1_001, 1_002, 1_500, 2_000, 2_001, 1_000, 3] {
            for column in [1, 2, 3, 6, 7, 8, 700, 1_999, 2_000, 5_000, 4] {
                let expected = walked(line, column);
                assert_eq!(map.original(line, column), expected, "{line}:{column}");
                let found = map.place(line, column, &mut last).map(|(_, line, column)| (line, column));
                assert_eq!(found, expected, "{line}:{column}, after another");
            }
        }
    }

    #[test]
    fn code_emitted_as_written_maps_to_itself() {
        assert_eq!(SourceMap::identity().original(7, 3), Some((7, 3)));
    }
}
