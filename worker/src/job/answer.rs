//! An outcome as it goes out, within the bound on messages.

use bytes::Bytes;
use scriptmill_sdk::{Code, Ending, Exhausted, LimitKind, Outcome};

use crate::metrics::Counted;

/// An outcome as it goes out.
pub struct Answer {
    pub(crate) body: Bytes,
    pub(crate) tenant: String,
    pub(crate) counted: Counted,
}

impl Answer {
    /// Writes an outcome down. One longer than `bytes_max` becomes `exhausted: output`.
    pub fn new(mut outcome: Outcome, bytes_max: u64) -> Self {
        let mut body = text(&outcome);
        if body.len() as u64 > bytes_max {
            let message = format!("the outcome has {} bytes; this worker publishes {bytes_max} at most", body.len());
            let limit = LimitKind::OutputBytes;
            let exhausted = Exhausted { code: Code::Output, message, limit, allowed: bytes_max, stack: Vec::new() };
            outcome.ending = Ending::Exhausted(exhausted);
            body = text(&outcome);
            if body.len() as u64 > bytes_max {
                outcome.logs.clear();
                outcome.diagnostics.clear();
                body = text(&outcome);
            }
        }
        Self { body: body.into(), counted: Counted::from(&outcome), tenant: outcome.tenant }
    }

    /// The code of its error, if it has one.
    pub fn code(&self) -> Option<Code> {
        self.counted.code
    }

    /// `succeeded`, `failed` …
    pub fn status(&self) -> &'static str {
        self.counted.status
    }
}

fn text(outcome: &Outcome) -> Vec<u8> {
    // Writing to memory fails for no value of this type; an empty body would still be answered and logged.
    serde_json::to_vec(outcome).unwrap_or_else(|error| {
        tracing::error!(%error, job = outcome.job_id, "an outcome cannot be written");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sdk::{LogLevel, LogLine, Usage};
    use serde_json::value::RawValue;

    use super::*;

    fn outcome(value: &str, log: &str) -> Outcome {
        Outcome {
            job_id: "a".to_owned(),
            tenant: "acme".to_owned(),
            ending: Ending::Succeeded(RawValue::from_string(value.to_owned()).unwrap()),
            diagnostics: Vec::new(),
            logs: vec![LogLine { level: LogLevel::Info, text: log.to_owned() }],
            usage: Usage::default(),
            engine: String::new(),
        }
    }

    #[test]
    fn an_outcome_keeps_to_its_bound() {
        let long = "x".repeat(2_000);
        let quoted = format!("\"{long}\"");
        let cases = [
            ("fits", outcome("1e400", "short"), "succeeded", true),
            ("value too long", outcome(&quoted, "short"), "exhausted", true),
            ("value and logs too long", outcome(&quoted, &long), "exhausted", false),
        ];
        for (name, outcome, status, has_logs) in cases {
            let answer = Answer::new(outcome, 1_000);
            assert!(answer.body.len() <= 1_000, "{name}");
            assert_eq!(answer.status(), status, "{name}");
            let read: Outcome = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(read.logs.len() == 1, has_logs, "{name}");
            if let Ending::Exhausted(exhausted) = read.ending {
                assert_eq!(
                    (exhausted.code, exhausted.limit, exhausted.allowed),
                    (Code::Output, LimitKind::OutputBytes, 1_000)
                );
            }
        }
    }
}
