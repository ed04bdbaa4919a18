//! An outcome as it is published, within the bound on messages.

use bytes::Bytes;
use scriptmill_sdk::{Code, Ending, Exhausted, LimitKind, Outcome, Usage};

use crate::ledger::Record;
use crate::metrics::Counted;

/// An outcome as it is published.
pub struct Answer {
    pub(crate) body: Bytes,
    pub(crate) tenant: String,
    /// The job's id, for the log. `path` is the field that is to blame, if there is one.
    job_id: String,
    path: Option<String>,
    pub(crate) counted: Counted,
    /// Why the job did not succeed, as a sentence.
    pub(crate) reason: Option<String>,
}

impl Answer {
    /// Serialises an outcome, [within] `bytes_max`.
    pub fn new(outcome: Outcome, bytes_max: u64) -> Self {
        let (outcome, body) = within(outcome, bytes_max);
        let reason = outcome.ending.message().map(str::to_owned);
        let counted = Counted::from(&outcome);
        let path = match outcome.ending {
            Ending::Rejected(rejection) => rejection.path,
            _ => None,
        };
        Self { body: body.into(), counted, reason, tenant: outcome.tenant, job_id: outcome.job_id, path }
    }

    /// Logs how the job ended, in one line. The line holds nothing that the script or its input says.
    pub fn log(&self, is_dead_letter: bool) {
        let Self { job_id: job, tenant, path, .. } = self;
        let (status, path) = (self.status(), path.as_deref());
        let Some(code) = self.code() else {
            tracing::debug!(status, job, tenant, "the job ended");
            return;
        };
        if is_dead_letter {
            tracing::warn!(status, %code, path, job, tenant, "the message is no job for this worker; it goes to the dead letters");
        } else {
            tracing::info!(status, %code, path, job, tenant, "the job did not succeed");
        }
    }

    /// The answer for an outcome that was recorded before. Its usage was counted then, and is empty here.
    pub fn recorded(record: Record, tenant: String) -> Self {
        const STATUSES: [&str; 6] = ["succeeded", "failed", "exhausted", "rejected", "cancelled", "completed"];
        let Record { status, code, body } = record;
        let status = STATUSES.into_iter().find(|known| *known == status).unwrap_or("unknown");
        let code = code.map(|code| code.parse().unwrap_or(Code::Unknown));
        let counted = Counted { status, code, usage: Usage::default() };
        Self { body, tenant, counted, reason: None, job_id: String::new(), path: None }
    }

    /// The outcome as the ledger records it.
    pub fn record(&self) -> Record {
        let code = self.code().map(|code| code.to_string());
        Record { status: self.status().to_owned(), code, body: self.body.clone() }
    }

    /// The code of the outcome's error, if it has one.
    pub fn code(&self) -> Option<Code> {
        self.counted.code
    }

    /// The status: `succeeded`, `failed` …
    pub fn status(&self) -> &'static str {
        self.counted.status
    }
}

/// Returns an outcome and its JSON text of at most `bytes_max` bytes. A longer outcome becomes `exhausted: output`.
pub fn within(mut outcome: Outcome, bytes_max: u64) -> (Outcome, Vec<u8>) {
    let mut body = text(&outcome);
    if body.len() as u64 > bytes_max {
        let message = format!("the outcome has {} bytes; this worker publishes {bytes_max} at most", body.len());
        let limit = LimitKind::OutputBytes;
        let exhausted = Exhausted { code: Code::Output, message, limit, allowed: bytes_max, stack: Vec::new() };
        outcome.ending = Ending::Exhausted(exhausted);
        body = text(&outcome);
        if body.len() as u64 > bytes_max {
            outcome.logs.clear();
            outcome.warnings.clear();
            outcome.diagnostics.clear();
            body = text(&outcome);
        }
    }
    (outcome, body)
}

fn text(outcome: &Outcome) -> Vec<u8> {
    // Serialising a value of this type to memory never fails. If it did, an empty body would still be published and logged.
    serde_json::to_vec(outcome).unwrap_or_else(|error| {
        tracing::error!(%error, job = outcome.job_id, "an outcome cannot be written");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use scriptmill_sdk::{LogLevel, LogLine};
    use serde_json::value::RawValue;

    use super::*;

    fn outcome(value: &str, log: &str) -> Outcome {
        Outcome {
            job_id: "a".to_owned(),
            tenant: "acme".to_owned(),
            ending: Ending::Succeeded(RawValue::from_string(value.to_owned()).unwrap()),
            diagnostics: Vec::new(),
            logs: vec![LogLine { level: LogLevel::Info, text: log.to_owned() }],
            warnings: Vec::new(),
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
