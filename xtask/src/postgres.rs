//! The PostgreSQL that the tests need.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use url::Url;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Version 3.0 of PostgreSQL's protocol.
const PROTOCOL: i32 = 196_608;
/// The beginning of an answer to a login: what kind it is, its length, and which authentication it asks for.
const ANSWER_BYTES: usize = 9;

/// Begins a login, and returns where the server is. An error says why it can't be used.
pub(crate) fn look(url: &str) -> Result<String> {
    let url = Url::parse(url)?;
    let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
    let mut last = None;
    for address in url.socket_addrs(|| Some(port))? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.write_all(&login(url.username()))?;
                let mut answer = [0; ANSWER_BYTES];
                stream.read_exact(&mut answer).context("no PostgreSQL there")?;
                lets_in(answer, url.password().is_some())?;
                return Ok(format!("{host}:{port} answers"));
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("the name has no address")?.into())
}

/// Gives the user of a newly installed server the password that the tests know. Only this machine reaches that server.
pub(crate) fn set_up() -> Result<()> {
    let statement = "psql --command \"alter role postgres password 'postgres'\"";
    let status = Command::new("su").args(["postgres", "--command", statement]).status()?;
    ensure!(status.success(), "the password of PostgreSQL's user postgres could not be set");
    Ok(())
}

/// The startup message (the chapter on message formats in PostgreSQL's manual).
fn login(user: &str) -> Vec<u8> {
    let parameters = format!("user\0{user}\0database\0postgres\0\0");
    let length = i32::try_from(8 + parameters.len()).unwrap_or(i32::MAX);
    [&length.to_be_bytes(), &PROTOCOL.to_be_bytes(), parameters.as_bytes()].concat()
}

/// Checks the beginning of the server's answer. It may ask for a password only if there is one.
fn lets_in(answer: [u8; ANSWER_BYTES], has_password: bool) -> Result<()> {
    match (answer[0], &answer[5..]) {
        (b'R', [0, 0, 0, 0]) => Ok(()),
        (b'R', _) if has_password => Ok(()),
        (b'R', _) => bail!("it asks for a password"),
        (b'E', _) => bail!("it refuses the login"),
        _ => bail!("no PostgreSQL there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let trusts = *b"R\0\0\0\x08\0\0\0\0";
        let asks = *b"R\0\0\0\x17\0\0\0\x0a";
        for (answer, has_password, expected) in [
            (trusts, false, true),
            (trusts, true, true),
            (asks, true, true),
            (asks, false, false),
            (*b"E\0\0\0\x50SFAT", true, false),
            (*b"HTTP/1.1 ", true, false),
        ] {
            assert_eq!(lets_in(answer, has_password).is_ok(), expected, "{answer:?}");
        }
    }
}
