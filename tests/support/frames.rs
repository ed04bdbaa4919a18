//! Where a frame of AMQP 0-9-1 ends, which is all that a proxy must know of AMQP (section 4.2.3 of the specification).

use std::io;

/// A frame's type, its channel and the size of what follows.
const HEAD: usize = 7;
/// The octet at the end of every frame.
const END: u8 = 0xCE;
/// What a client sends before its first frame, and what a broker sends that refuses it: `AMQP` and a version.
const GREETING: usize = 8;

/// The length of the frame with which these bytes begin. Returns `None` while the head of the frame is not complete.
///
/// # Errors
/// The frame is complete, and does not end as a frame does.
pub fn length(bytes: &[u8]) -> io::Result<Option<usize>> {
    if bytes.first() == Some(&b'A') {
        return Ok(Some(GREETING));
    }
    let Some(&[a, b, c, d]) = bytes.get(3..HEAD) else { return Ok(None) };
    let length = HEAD + u32::from_be_bytes([a, b, c, d]) as usize + 1;
    match bytes.get(length - 1) {
        None | Some(&END) => Ok(Some(length)),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "no frame of AMQP")),
    }
}

/// How many of these bytes are whole frames.
///
/// # Errors
/// One of them does not end as a frame does.
pub fn whole(bytes: &[u8]) -> io::Result<usize> {
    let mut end = 0;
    while let Some(length) = length(&bytes[end..])?
        && end + length <= bytes.len()
    {
        end += length;
    }
    Ok(end)
}

/// What a broker that is short of memory says to those who publish: the method 60 of the class 10, with the reason.
pub const BLOCKED: &[u8] = b"\x01\x00\x00\x00\x00\x00\x12\x00\x0a\x00\x3c\x0dlow on memory\xce";

/// Whether a frame says that a consumer is cancelled: the method 30 of the class 60.
pub fn is_cancel(frame: &[u8]) -> bool {
    frame.first() == Some(&1) && frame.get(HEAD..HEAD + 4) == Some(&[0, 60, 0, 30])
}

/// These whole frames without those that are hidden.
pub fn without(mut frames: &[u8], is_hidden: fn(&[u8]) -> bool) -> Vec<u8> {
    let mut shown = Vec::new();
    while let Ok(Some(length)) = length(frames)
        && let Some((frame, rest)) = frames.split_at_checked(length)
    {
        if !is_hidden(frame) {
            shown.extend_from_slice(frame);
        }
        frames = rest;
    }
    shown
}
