//! Lays out what inspection finds in lines, by the rules of Node's `util.inspect`.

use alloc::vec::Vec;

/// Members are written on one line if that line is no longer than this.
pub(crate) const LINE_MAX: usize = 80;
/// At most this many of the innermost levels may share a line.
const LEVELS_IN_A_LINE: usize = 3;
/// An array with more elements than this is set in columns.
const IN_COLUMNS_FROM: usize = 6;
const COLUMNS_MAX: usize = 15;

/// The members of a value, and the text around them.
pub(crate) struct Block {
    /// The text before the brace: empty, or for example an error's stack.
    pub(crate) base: Vec<u8>,
    pub(crate) open: Vec<u8>,
    pub(crate) close: &'static [u8],
    pub(crate) members: Vec<Vec<u8>>,
    /// Whether the last member is a note that says how many more there are.
    pub(crate) is_cut: bool,
    /// For an array, whose elements may stand in columns: how they are aligned. Numbers stand to the right.
    pub(crate) elements: Option<Align>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Where a block stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) indentation: usize,
    /// How many levels are below it.
    pub(crate) levels_below: usize,
    /// The longest line; `usize::MAX` for no limit.
    pub(crate) line_max: usize,
}

pub(crate) fn laid_out(mut block: Block, place: Place) -> Vec<u8> {
    let entries = block.members.len();
    if let Some(align) = block.elements
        && entries > IN_COLUMNS_FROM
    {
        block.members = in_columns(block.members, block.is_cut, align, place);
    }
    let Block { base, open, close, members, .. } = block;
    let mut out = base;
    if place.levels_below < LEVELS_IN_A_LINE && entries == members.len() && fits(&out, &open, &members, place) {
        start(&mut out, &open);
        out.push(b' ');
        out.extend_from_slice(&members.join(&b", "[..]));
        out.push(b' ');
        out.extend_from_slice(close);
        return out;
    }
    start(&mut out, &open);
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        new_line(&mut out, place.indentation + 2);
        out.extend_from_slice(member);
    }
    new_line(&mut out, place.indentation);
    out.extend_from_slice(close);
    out
}

fn start(out: &mut Vec<u8>, open: &[u8]) {
    if !out.is_empty() {
        out.push(b' ');
    }
    out.extend_from_slice(open);
}

fn new_line(out: &mut Vec<u8>, indentation: usize) {
    out.push(b'\n');
    out.resize(out.len() + indentation, b' ');
}

fn fits(base: &[u8], open: &[u8], members: &[Vec<u8>], place: Place) -> bool {
    let around = members.len() + place.indentation + units(open) + units(base) + 10;
    let mut total = members.len() + around;
    if total + members.len() > place.line_max || base.contains(&b'\n') {
        return false;
    }
    for member in members {
        total += units(member);
        if total > place.line_max || member.contains(&b'\n') {
            return false;
        }
    }
    true
}

/// Several short elements to a line, in columns.
fn in_columns(members: Vec<Vec<u8>>, is_cut: bool, align: Align, place: Place) -> Vec<Vec<u8>> {
    const SEPARATOR: usize = 2;
    let len = members.len() - usize::from(is_cut);
    let widths: Vec<usize> = members[..len].iter().map(|member| width(member)).collect();
    let total: usize = widths.iter().map(|width| width + SEPARATOR).sum();
    let longest = widths.iter().copied().max().unwrap_or(0);
    let column = longest + SEPARATOR;
    if column * 3 + place.indentation >= place.line_max || (total <= column * 5 && longest > 6) {
        return members;
    }
    let bias = libm_sqrt(column as f64 - total as f64 / members.len() as f64);
    let biased = f64::max(column as f64 - 3.0 - bias, 1.0);
    let square = libm_sqrt(2.5 * biased * len as f64) / biased;
    let columns = ((square + 0.5) as usize)
        .min((place.line_max - place.indentation) / column)
        .min(LEVELS_IN_A_LINE * 4)
        .min(COLUMNS_MAX);
    if columns <= 1 {
        return members;
    }
    let in_column = |first: usize| widths.iter().skip(first).step_by(columns).copied().max().unwrap_or(0);
    let column_widths: Vec<usize> = (0..columns).map(in_column).collect();
    let mut lines = Vec::new();
    for (row, cells) in members[..len].chunks(columns).enumerate() {
        let mut line = Vec::new();
        for (index, cell) in cells.iter().enumerate() {
            let is_last = index + 1 == cells.len();
            let blanks = column_widths[index] - widths[row * columns + index];
            if align == Align::Right {
                line.resize(line.len() + blanks, b' ');
            }
            line.extend_from_slice(cell);
            if !is_last {
                line.extend_from_slice(b", ");
                if align == Align::Left {
                    line.resize(line.len() + blanks, b' ');
                }
            }
        }
        lines.push(line);
    }
    lines.extend(members.into_iter().skip(len));
    lines
}

fn libm_sqrt(number: f64) -> f64 {
    // SAFETY: the C library's function, of a number alone.
    unsafe { sqrt(number) }
}

// SAFETY: the C library defines it, with this signature.
unsafe extern "C" {
    fn sqrt(number: f64) -> f64;
}

/// The length in UTF-16 units of WTF-8 text.
pub(crate) fn units(text: &[u8]) -> usize {
    text.iter().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0)).sum()
}

/// The columns that a text takes in a terminal.
pub(crate) fn width(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.iter().filter(|byte| **byte >= 0x20 && **byte != 0x7f).count();
    }
    alloc::string::String::from_utf8_lossy(text).chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    match u32::from(c) {
        0..0x20 | 0x7f..0xa0 | 0x300..0x370 | 0x200b..=0x200f | 0x20d0..0x2100 | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff => 2,
        0xa000..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 => 2,
        0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
