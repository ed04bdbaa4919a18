//! The order of texts as people expect it: that of Unicode's root collation, which English, German, French, Italian,
//! Dutch and Portuguese use unchanged. The tables here have the characters of those languages. Other characters are
//! refused: in the order of their code points they would stand anywhere.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Blanks and signs in their order. They stand before digits, and digits before letters.
const SIGNS: &str = "\t\n\u{b}\u{c}\r _-–—,;:!¡?¿.·'‹›\"«»()[]{}§¶@*/\\&#%‰†‡•`´^¯¨¸°©®←→+±÷×<=>¬|¦~−≤≥¤¢$£¥€";
/// Marks on letters in their order.
const MARKS: [char; 18] = [
    '\u{301}', '\u{300}', '\u{306}', '\u{302}', '\u{30c}', '\u{30a}', '\u{308}', '\u{30b}', '\u{303}', '\u{307}',
    '\u{338}', '\u{327}', '\u{328}', '\u{304}', '\u{335}', '\u{309}', '\u{31b}', '\u{323}',
];
const DIGITS: u32 = 0x100;
const LETTERS: u32 = 0x200;
/// Hangul and Han stand in the order of their code points, after all letters.
const IDEOGRAPHS: u32 = 0x1_0000;

/// What is compared, and how.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether digits are numbers.
    pub(crate) is_numeric: bool,
    pub(crate) sensitivity: Sensitivity,
}

/// The differences that count.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sensitivity {
    Base,
    Accent,
    Case,
    Variant,
}

/// The weights of a character or of a part of it. A weight of 0 means that it has none at that level.
#[derive(Clone, Copy)]
struct Element {
    primary: u32,
    secondary: u8,
    tertiary: u8,
}

impl Element {
    fn base(primary: u32, tertiary: u8) -> Self {
        Self { primary, secondary: 1, tertiary }
    }

    /// What tells a letter from its base letter: a mark, or the fact that it is a ligature.
    fn mark(secondary: u8) -> Self {
        Self { primary: 0, secondary, tertiary: 1 }
    }
}

/// Compares two texts, both decomposed (NFD). The error is a character whose place in the order is not known.
pub(crate) fn compare(one: &str, other: &str, rules: Rules) -> Result<Ordering, char> {
    let (one, other) = (elements(one, rules)?, elements(other, rules)?);
    let level = |weight: fn(&Element) -> u32| {
        let weights =
            |elements: &[Element]| elements.iter().map(weight).filter(|weight| *weight > 0).collect::<Vec<_>>();
        weights(&one).cmp(&weights(&other))
    };
    let primary = level(|element| element.primary);
    let accents = || level(|element| element.secondary.into());
    // Only letters have cases.
    let cases = || level(|element| if element.primary > LETTERS { element.tertiary.into() } else { 0 });
    Ok(match rules.sensitivity {
        Sensitivity::Base => primary,
        Sensitivity::Accent => primary.then_with(accents),
        Sensitivity::Case => primary.then_with(cases),
        Sensitivity::Variant => primary.then_with(accents).then_with(|| level(|element| element.tertiary.into())),
    })
}

fn elements(text: &str, rules: Rules) -> Result<Vec<Element>, char> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if rules.is_numeric && c.is_ascii_digit() {
            let mut digits = alloc::vec![c];
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let zeros = digits.iter().take_while(|digit| **digit == '0').count().min(digits.len() - 1);
            // A longer number is a greater one.
            let length = u32::try_from(digits.len() - zeros).unwrap_or(u32::MAX >> 1);
            out.push(Element::base(DIGITS, 1));
            out.push(Element::base(DIGITS + length, 1));
            out.extend(digits[zeros..].iter().map(|digit| Element::base(DIGITS + u32::from(*digit), 1)));
            continue;
        }
        character(&mut out, c)?;
    }
    Ok(out)
}

fn character(out: &mut Vec<Element>, c: char) -> Result<(), char> {
    const LIGATURE: u8 = 100;
    let mut spelt = |first: char, between: u8, second: Option<char>, tertiary: u8| {
        out.push(Element::base(letter(first), tertiary));
        out.push(Element::mark(between));
        out.extend(second.map(|second| Element::base(letter(second), tertiary)));
    };
    let stroke = |mark: char| MARKS.iter().position(|other| *other == mark).unwrap_or(0) as u8 + 2;
    match c {
        'a'..='z' => out.push(Element::base(letter(c), 1)),
        'A'..='Z' => out.push(Element::base(letter(c.to_ascii_lowercase()), 2)),
        '0'..='9' => out.push(Element::base(DIGITS + u32::from(c), 1)),
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' => {}
        '\u{a0}' => out.push(Element::base(sign(' ').unwrap_or(0), 2)),
        '…' => out.extend([Element::base(sign('.').unwrap_or(0), 2); 3]),
        '‘' | '’' => {
            out.extend([Element::base(sign('\'').unwrap_or(0), 1), Element::mark(100 + u8::from(c == '’'))])
        }
        '“' | '”' | '„' => {
            let which = if c == '“' {
                0
            } else if c == '”' {
                1
            } else {
                2
            };
            out.extend([Element::base(sign('"').unwrap_or(0), 1), Element::mark(100 + which)]);
        }
        'ß' => spelt('s', LIGATURE, Some('s'), 1),
        'ẞ' => spelt('s', LIGATURE, Some('s'), 2),
        'æ' => spelt('a', LIGATURE, Some('e'), 1),
        'Æ' => spelt('a', LIGATURE, Some('e'), 2),
        'œ' => spelt('o', LIGATURE, Some('e'), 1),
        'Œ' => spelt('o', LIGATURE, Some('e'), 2),
        'ø' => spelt('o', stroke('\u{338}'), None, 1),
        'Ø' => spelt('o', stroke('\u{338}'), None, 2),
        'đ' => spelt('d', stroke('\u{335}'), None, 1),
        'Đ' => spelt('d', stroke('\u{335}'), None, 2),
        'ł' => spelt('l', stroke('\u{335}'), None, 1),
        'Ł' => spelt('l', stroke('\u{335}'), None, 2),
        'ð' => spelt('d', LIGATURE, None, 1),
        'Ð' => spelt('d', LIGATURE, None, 2),
        'þ' => out.push(Element::base(letter('z') + 1, 1)),
        'Þ' => out.push(Element::base(letter('z') + 1, 2)),
        // The parts of Hangul's syllables, before Han.
        '\u{1100}'..='\u{1112}' | '\u{1161}'..='\u{1175}' | '\u{11a8}'..='\u{11c2}' | '\u{4e00}'..='\u{9fa5}' => {
            out.push(Element::base(IDEOGRAPHS + u32::from(c), 1));
        }
        _ => match MARKS.iter().position(|mark| *mark == c) {
            Some(index) => out.push(Element::mark(index as u8 + 2)),
            None => out.push(Element::base(sign(c).ok_or(c)?, 1)),
        },
    }
    Ok(())
}

fn letter(c: char) -> u32 {
    LETTERS + u32::from(c)
}

fn sign(c: char) -> Option<u32> {
    SIGNS.chars().position(|other| other == c).map(|index| index as u32 + 1)
}
