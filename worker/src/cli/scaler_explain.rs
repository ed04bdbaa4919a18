//! `scriptmill scaler explain`: why a running process asks for that many workers.

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use scriptmill::page::{outlooks, words};
use scriptmill::scale::{Explanation, Number};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::text::{say, say_json, tame};

const EXAMPLES: &str = "\
Examples:
  scriptmill scaler explain
  scriptmill scaler explain --address http://scaler.example:8080 --group default
  scriptmill scaler explain --json | jq .number.terms

The same is a page for a browser: http://127.0.0.1:8080/scaling/explain

Exit code: 0, or 1 where the number is unknown or cannot be asked for, 2 for a wrong call.";

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: many times what an hour of points takes.
const ANSWER_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The admin server of a worker or scaler, as http.address set it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    address: Address,
    /// The worker group [default: the process' own]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Print everything as JSON, with the last hour
    #[arg(long)]
    json: bool,
}

/// Where an admin server listens.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("must be http://HOST:PORT, but is {text}");
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_root = matches!(uri.path(), "" | "/") && uri.query().is_none();
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) if is_root && !host.is_empty() => {
                Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80) })
            }
            _ => Err(wrong()),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// The answer if there is nothing to explain.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    groups: Vec<String>,
}

pub(crate) fn explain(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { address, group, json } = arguments;
    let runtime = Runtime::new().context("the runtime cannot be started")?;
    let (explanation, body) = runtime.block_on(asked(&address, group.as_deref()))?;
    if json {
        say_json(String::from_utf8_lossy(&body))?;
        return Ok(ExitCode::from(u8::from(explanation.number.is_none())));
    }
    match &explanation.number {
        Some(number) => say(shown(&explanation, number))?,
        None => bail!(tame(&explanation.error.unwrap_or_else(|| format!("{address} does not say why it is unknown")))),
    }
    Ok(ExitCode::SUCCESS)
}

/// The explanation of a running process, and the text in which it came.
pub(crate) async fn asked(address: &Address, group: Option<&str>) -> anyhow::Result<(Explanation, Bytes)> {
    let asked = timeout(PATIENCE, ask(address, group)).await;
    let (status, body) = asked.map_err(|_| anyhow!("{address} did not answer within {PATIENCE:?}"))??;
    if !matches!(status, StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE) {
        let Ok(Refusal { error, groups }) = serde_json::from_slice(&body) else {
            bail!("{address} answered {status}, and no explanation: --address must name a worker or scaler");
        };
        bail!("{}; groups that {address} knows: {}", tame(&error), tame(&groups.join(", ")));
    }
    let explanation = serde_json::from_slice(&body)
        .with_context(|| format!("{address} answered no explanation: --address must name a worker or scaler"))?;
    Ok((explanation, body))
}

/// The answer to a GET, and its body.
async fn ask(address: &Address, group: Option<&str>) -> anyhow::Result<(StatusCode, Bytes)> {
    let Address { host, port } = address;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, *port)).await.with_context(|| {
        format!("nobody can be asked at {address}: --address must name the admin server (http.address) of a running worker or scaler")
    })?;
    let failed = || format!("{address} did not answer as a web server does");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.with_context(failed)?;
    // The connection ends with the answer. The request reports its errors too.
    tokio::spawn(connection);
    let query = group.map(|group| format!("&group={}", encoded(group))).unwrap_or_default();
    let request = Request::get(format!("/scaling/explain?format=json{query}"))
        .header(header::HOST, format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())
        .context("the request cannot be made")?;
    let response = sender.send_request(request).await.with_context(failed)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow!("the answer of {address} cannot be read: {error}"))?;
    Ok((status, body.to_bytes()))
}

/// Encodes a value of a query.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn shown(explanation: &Explanation, number: &Number) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(outlooks::header(&explanation.policy));
    table.add_rows(outlooks::rows(number).into_iter().map(|(_, cells)| cells));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let (group, state, age) = (&explanation.group, number.state.name(), words::seconds(number.age_seconds));
    tame(&format!(
        "{}\n\n{}\n\n{}\n\ngroup {group}, state {state}, computed {age} ago\n",
        number.sentence,
        number.arithmetic.join("\n"),
        table.trim_fmt(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_address_is_that_of_an_admin_server() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("scaler.example:9090", "http://scaler.example:9090"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
            ("http://scaler", "http://scaler:80"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), expected);
        }
        for wrong in ["https://scaler:8080", "http://scaler/metrics", "", "http://", "two words"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
        assert_eq!(encoded("a&b c/ü"), "a%26b%20c%2F%C3%BC");
    }
}
