//! Leads places of the emitted code to places in the author's source. The engine asks for all places of a module when it compiles
//! the module, once for each script, and keeps the author's places. So an error costs its job nothing here.

use std::collections::BTreeSet;

use scriptmill_sdk::Position;

use crate::abi::SOURCE_LINES;
use crate::prepare::{Bundled, EmittedModule, SourceMap, Walk};

/// Bytes of code between two marks. A place is found by reading that much at most.
const MARK_BYTES: usize = 1 << 6;

/// The places of a script's modules, in the order in which the engine is given them.
pub(crate) struct Places(Vec<Module>);

struct Module {
    columns: Columns,
    map: SourceMap,
    bundled: Option<Bundled>,
    /// Where the place asked for last was found in `map`, and in the map of `bundled`.
    last: (Walk, Walk),
    /// For each file that the module was made of, the number of lines before its first.
    before: Vec<u32>,
}

/// How columns in bytes become columns in UTF-16 units.
enum Columns {
    /// Every character is one byte.
    Equal,
    Counted(Counted),
}

struct Counted {
    code: String,
    /// The place where each stretch of [`MARK_BYTES`] bytes of the code begins.
    marks: Vec<Mark>,
}

/// A place of the code. All count from 0.
#[derive(Clone, Copy, Default)]
struct Mark {
    line: u32,
    /// Where that line begins, in bytes.
    line_start: u32,
    /// UTF-16 units from the start of the line.
    units: u32,
}

/// The files that a script's errors may name: its modules, and what they were made of.
pub(crate) struct Files(BTreeSet<String>);

impl Files {
    pub(crate) fn new(modules: &[EmittedModule]) -> Self {
        let made_of = |module: &EmittedModule| {
            let files = module.bundled.iter().flat_map(|bundled| bundled.files.iter().map(|file| file.name.clone()));
            files.chain([module.name.clone()]).collect::<Vec<_>>()
        };
        Self(modules.iter().flat_map(made_of).collect())
    }

    /// The position of a place that the engine reports, if it lies in one of these files.
    pub(crate) fn position(&self, file: &str, line: u32, column: u32) -> Option<Position> {
        let is_there = line > 0 && self.0.contains(file);
        is_there.then(|| Position { file: file.to_owned(), line, column })
    }

    /// About how many bytes the names take in memory.
    pub(crate) fn size_bytes(&self) -> usize {
        self.0.iter().map(|name| name.len() + 2 * size_of::<String>()).sum()
    }
}

/// Whether the engine must ask for the author's places of a module. It need not where its own places are the author's: in
/// JavaScript that is emitted as it was written, that has no bundler's map, and in which every character is one byte.
pub(crate) fn are_asked(module: &EmittedModule) -> bool {
    !module.map.is_identity() || module.bundled.is_some() || !module.code.is_ascii()
}

/// The files that modules were made of, each with the number of lines before its first. The count starts at [`SOURCE_LINES`] and
/// goes on from one file to the next.
pub(crate) fn files_made_of(modules: &[EmittedModule]) -> impl Iterator<Item = (u32, &str)> {
    let files = modules.iter().flat_map(|module| module.bundled.iter().flat_map(|bundled| &bundled.files));
    files.scan(SOURCE_LINES, |lines, file| {
        let before = *lines;
        *lines = lines.saturating_add(file.lines);
        Some((before, file.name.as_str()))
    })
}

impl Places {
    /// Takes time linear in the size of code and maps.
    pub(crate) fn new(modules: Vec<EmittedModule>) -> Self {
        let befores: Vec<u32> = files_made_of(&modules).map(|(before, _)| before).collect();
        let mut befores = befores.into_iter();
        let places = |EmittedModule { code, map, bundled, .. }| {
            map.prepare();
            if let Some(bundled) = &bundled {
                bundled.map.prepare();
            }
            let files = bundled.as_ref().map_or(0, |bundled| bundled.files.len());
            let columns = match code.is_ascii() {
                true => Columns::Equal,
                false => Columns::Counted(Counted { marks: marks(&code), code }),
            };
            let before = befores.by_ref().take(files).collect();
            Module { columns, map, bundled, last: Default::default(), before }
        };
        Self(modules.into_iter().map(places).collect())
    }

    /// Returns the author's line and column for a place of a module's emitted code, whose column is in bytes, as the engine
    /// counts. For a file that the module was made of, the number of lines before that file is added to the line.
    pub(crate) fn original(&mut self, module: usize, line: u32, column: u32) -> Option<(u32, u32)> {
        let Module { columns, map, bundled, last, before } = self.0.get_mut(module)?;
        let (from_zero, column) = (line.checked_sub(1)?, column.saturating_sub(1));
        let column = match columns {
            Columns::Equal => column,
            Columns::Counted(counted) => counted.utf16_column(from_zero, column as usize)?,
        };
        let (_, line, column) = map.place(line, column.saturating_add(1), &mut last.0)?;
        let bundled = bundled.as_ref().and_then(|bundled| bundled.map.place(line, column, &mut last.1));
        let in_file = bundled.and_then(|(file, line, column)| {
            Some((before.get(file)?.checked_add(line)?, column)).filter(|(line, _)| i32::try_from(*line).is_ok())
        });
        Some(in_file.unwrap_or((line, column)))
    }
}

impl Counted {
    /// The number of UTF-16 units before a byte of a line; all count from 0. A byte beyond the line's end counts as the end.
    fn utf16_column(&self, line: u32, column: usize) -> Option<u32> {
        let start = self.line_start(line)?;
        let target = start.saturating_add(column);
        // The last mark that lies before the target and not behind the line.
        let last = self.marks.partition_point(|mark| mark.line <= line).checked_sub(1)?;
        let index = last.min(target / MARK_BYTES);
        let mark = self.marks[index];
        let (from, units) = if mark.line == line { (self.offset(index), mark.units) } else { (start, 0) };
        let rest = self.code[from..]
            .char_indices()
            .take_while(|(at, character)| *character != '\n' && from + at + character.len_utf8() <= target);
        Some(units + rest.map(|(_, character)| character.len_utf16() as u32).sum::<u32>())
    }

    fn line_start(&self, line: u32) -> Option<usize> {
        let next = self.marks.partition_point(|mark| mark.line < line);
        if let Some(mark) = self.marks.get(next).filter(|mark| mark.line == line) {
            return Some(mark.line_start as usize);
        }
        // The line begins between two marks.
        let before = next.checked_sub(1)?;
        let (from, to) = (self.offset(before), self.marks.get(next).map_or(self.code.len(), |_| self.offset(next)));
        let ends = self.code.as_bytes()[from..to].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let (at, _) = ends.skip((line - self.marks[before].line - 1) as usize).map(|(at, byte)| (at, *byte)).next()?;
        Some(from + at + 1)
    }

    /// Where a mark lies.
    fn offset(&self, mark: usize) -> usize {
        self.code.floor_char_boundary(mark * MARK_BYTES)
    }
}

fn marks(code: &str) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(code.len() / MARK_BYTES + 1);
    let mut here = Mark::default();
    let mut from = 0;
    loop {
        marks.push(here);
        let to = code.floor_char_boundary(marks.len() * MARK_BYTES);
        if to == code.len() {
            return marks;
        }
        let text = &code[from..to];
        here.line += u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
        let rest = match text.rfind('\n') {
            Some(end) => {
                (here.line_start, here.units) = (u32::try_from(from + end + 1).unwrap_or(u32::MAX), 0);
                &text[end + 1..]
            }
            None => text,
        };
        here.units += if rest.is_ascii() { rest.len() as u32 } else { rest.encode_utf16().count() as u32 };
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::ModuleKind;

    fn places(code: &str) -> Places {
        let (name, kind, map) = ("main.js".to_owned(), ModuleKind::Module, SourceMap::identity());
        Places::new(vec![EmittedModule { name, kind, code: code.to_owned(), map, bundled: None }])
    }

    #[test]
    fn a_place_is_the_same_however_far_into_the_code_it_lies() {
        // Lines of all lengths, some far longer than what lies between two marks, with characters of all widths.
        let line = |n: usize| "ab".repeat(n * n % 700) + &"ü😀".repeat(n % 7 * 150);
        let lines: Vec<String> = (0..60).map(line).collect();
        let mut places = places(&lines.join("\n"));
        for (index, line) in lines.iter().enumerate() {
            for column in (0..line.len() + 3).step_by(13).chain([line.len(), usize::MAX >> 40]) {
                let bytes = line.floor_char_boundary(column);
                let expected = line[..bytes].encode_utf16().count() as u32 + 1;
                let (number, column) = (index as u32 + 1, column as u32 + 1);
                let found = places.original(0, number, column);
                assert_eq!(found, Some((number, expected)), "{number}:{column}");
            }
        }
        assert_eq!(places.original(0, 61, 1), None);
        assert_eq!(places.original(0, 0, 1), None);
        assert_eq!(places.original(1, 1, 1), None);
    }

    #[test]
    fn where_every_character_is_one_byte_columns_are_the_same() {
        assert_eq!(places("first\nsecond").original(0, 2, 4), Some((2, 4)));
    }
}
