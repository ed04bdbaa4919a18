//! Writes JSON without the engine's own `JSON`.

use alloc::vec::Vec;

/// Writes WTF-8 text as a JSON string, cut at `max` bytes. Lone surrogates are escaped.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &[u8], max: usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut index = 0;
    while index < text.len() {
        let byte = text[index];
        if index >= max && byte & 0xc0 != 0x80 {
            out.extend_from_slice("…".as_bytes());
            break;
        }
        index += 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
            }
            0xed if text.get(index).is_some_and(|&next| next >= 0xa0) && index + 1 < text.len() => {
                let (second, third) = (text[index], text[index + 1]);
                out.extend_from_slice(b"\\ud");
                let low = (u16::from(second & 0x3f) << 6) | u16::from(third & 0x3f);
                for shift in [8, 4, 0] {
                    out.push(HEX[(low >> shift & 15) as usize]);
                }
                index += 2;
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
