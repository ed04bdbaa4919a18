//! Packets: four bytes of length, little endian, then as many bytes.

use std::io::{self, Read, Write};

/// Writes one packet.
pub(crate) fn write(to: &mut impl Write, body: &[u8]) -> io::Result<()> {
    write_parts(to, &[body])
}

/// Writes a packet that begins with a number.
pub(crate) fn write_numbered(to: &mut impl Write, number: u32, body: &[u8]) -> io::Result<()> {
    write_parts(to, &[&number.to_le_bytes(), body])
}

fn write_parts(to: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    for part in parts {
        to.write_all(part)?;
    }
    to.flush()
}

/// The next packet that begins with a number: the number, and what follows it.
pub(crate) fn read_numbered(from: &mut impl Read, max: u32) -> io::Result<Option<(u32, Vec<u8>)>> {
    let Some(mut packet) = read(from, max)? else { return Ok(None) };
    let Some(number) = packet.first_chunk().copied() else { return Err(io::ErrorKind::InvalidData.into()) };
    packet.drain(..4);
    Ok(Some((u32::from_le_bytes(number), packet)))
}

/// The next packet, of `max` bytes at most, or `None` at the end of the stream.
pub(crate) fn read(from: &mut impl Read, max: u32) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = u32::from_le_bytes(length);
    if length > max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a packet of {length} bytes; at most {max} are allowed"),
        ));
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(Some(body))
}
