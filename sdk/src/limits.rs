//! What one job may use at most.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Code;
use crate::strict::optional_whole;

/// What one job may use at most, in force for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of the entry: about one unit for each WebAssembly instruction, and one for each byte copied in bulk.
    pub fuel: u64,
    /// Fuel of the top level, which runs once for each script, while its image is made.
    pub prepare_fuel: u64,
    /// The script's linear memory, in bytes, its engine included.
    pub memory_bytes: u64,
    /// Time from the start of the run to its end, waiting on the host included.
    pub wall_time: Duration,
    /// Length of the value as JSON text, in bytes.
    pub output_bytes: u64,
    /// Lines logged.
    pub log_lines: u64,
    /// Bytes logged, all lines together.
    pub log_bytes: u64,
    /// How deeply arrays and objects of the input and of the value may be nested.
    pub nesting: u64,
    /// Host calls, timers among them, waiting for their answer at one time.
    pub pending_calls: u64,
    /// Whether a job that logs more than it may is ended. Otherwise it goes on, and its further lines are left out.
    pub strict_logs: bool,
}

impl Default for Limits {
    /// Generous for business scripts: about two seconds of computing, 64 MiB, 30 seconds in all.
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            prepare_fuel: 10_000_000_000,
            memory_bytes: 64 << 20,
            wall_time: Duration::from_secs(30),
            output_bytes: 4 << 20,
            log_lines: 1_000,
            log_bytes: 256 << 10,
            nesting: 512,
            pending_calls: 1_000,
            strict_logs: false,
        }
    }
}

/// The limits that a job asks for. Each may only lower the worker's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct JobLimits {
    /// Fuel of the entry: about one unit for each WebAssembly instruction.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub fuel: Option<u64>,
    /// Linear memory in bytes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub memory_bytes: Option<u64>,
    /// Wall time of the run in milliseconds, waiting included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub wall_time_ms: Option<u64>,
    /// Length of the value as JSON text, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub output_bytes: Option<u64>,
    /// Lines logged.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub log_lines: Option<u64>,
    /// Bytes logged.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub log_bytes: Option<u64>,
    /// Depth of arrays and objects in the input and the value.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub nesting: Option<u64>,
    /// Host calls pending at one time.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u64::MAX))]
    pub pending_calls: Option<u64>,
    /// Whether the job is ended when it logs more than it may, and does not go on with its further lines left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_logs: Option<bool>,
}

/// A job asks for more than the worker allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limits.{field} is {asked}{}, above this worker's {allowed}", if *field == "wallTimeMs" { " milliseconds" } else { "" })]
pub struct LimitAboveWorker {
    /// The field within `limits`.
    pub field: &'static str,
    /// What the job asked for.
    pub asked: u64,
    /// The worker's own limit.
    pub allowed: u64,
}

impl Limits {
    /// These limits, lowered to what a job asks for.
    ///
    /// ```
    /// use scriptmill_sdk::{JobLimits, Limits};
    ///
    /// let worker = Limits { fuel: 1_000, ..Limits::default() };
    /// let asked = |fuel| JobLimits { fuel: Some(fuel), ..JobLimits::default() };
    /// assert_eq!(worker.lowered(&asked(10))?.fuel, 10);
    /// assert_eq!(worker.lowered(&JobLimits::default())?, worker);
    ///
    /// let above = worker.lowered(&asked(5_000)).unwrap_err();
    /// assert_eq!(above.to_string(), "limits.fuel is 5000, above this worker's 1000");
    /// # Ok::<(), scriptmill_sdk::LimitAboveWorker>(())
    /// ```
    ///
    /// # Errors
    /// The first field that asks for more than these limits allow.
    pub fn lowered(mut self, job: &JobLimits) -> Result<Self, LimitAboveWorker> {
        let mut wall_ms = u64::try_from(self.wall_time.as_millis()).unwrap_or(u64::MAX);
        for (field, asked, limit) in [
            ("fuel", job.fuel, &mut self.fuel),
            ("memoryBytes", job.memory_bytes, &mut self.memory_bytes),
            ("wallTimeMs", job.wall_time_ms, &mut wall_ms),
            ("outputBytes", job.output_bytes, &mut self.output_bytes),
            ("logLines", job.log_lines, &mut self.log_lines),
            ("logBytes", job.log_bytes, &mut self.log_bytes),
            ("nesting", job.nesting, &mut self.nesting),
            ("pendingCalls", job.pending_calls, &mut self.pending_calls),
        ] {
            match asked {
                Some(asked) if asked > *limit => {
                    return Err(LimitAboveWorker { field, asked, allowed: *limit });
                }
                Some(asked) => *limit = asked,
                None => {}
            }
        }
        self.strict_logs |= job.strict_logs == Some(true);
        if job.wall_time_ms.is_some() {
            self.wall_time = Duration::from_millis(wall_ms);
        }
        Ok(self)
    }
}

/// Which limit ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LimitKind {
    /// Fuel of the entry.
    Fuel,
    /// Fuel of the top level.
    PrepareFuel,
    /// Linear memory, in bytes.
    MemoryBytes,
    /// Wall time, in milliseconds.
    WallTimeMs,
    /// Length of the value, or of the whole outcome, in bytes.
    OutputBytes,
    /// Lines logged.
    LogLines,
    /// Bytes logged.
    LogBytes,
    /// Depth of the value.
    Nesting,
    /// Host calls pending at one time.
    PendingCalls,
}

impl LimitKind {
    /// The code of a job that met this limit.
    pub fn code(self) -> Code {
        match self {
            Self::Fuel => Code::Fuel,
            Self::PrepareFuel => Code::PrepareFuel,
            Self::MemoryBytes => Code::Memory,
            Self::WallTimeMs => Code::WallTime,
            Self::OutputBytes => Code::Output,
            Self::LogLines => Code::LogLines,
            Self::LogBytes => Code::LogBytes,
            Self::Nesting => Code::Nesting,
            Self::PendingCalls => Code::PendingCalls,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// What a job with these `limits` gets from a worker with the default ones.
    fn lowered(limits: &str) -> Result<Limits, LimitAboveWorker> {
        let job: JobLimits = serde_json::from_str(limits).unwrap();
        Limits::default().lowered(&job)
    }

    #[test]
    fn a_job_may_lower_each_limit_and_raise_none() {
        let worker = Limits::default();
        let cases: [(&'static str, u64, Limits); 8] = [
            ("fuel", 10_000_000_000, Limits { fuel: 7, ..worker }),
            ("memoryBytes", 64 << 20, Limits { memory_bytes: 7, ..worker }),
            ("wallTimeMs", 30_000, Limits { wall_time: Duration::from_millis(7), ..worker }),
            ("outputBytes", 4 << 20, Limits { output_bytes: 7, ..worker }),
            ("logLines", 1_000, Limits { log_lines: 7, ..worker }),
            ("logBytes", 256 << 10, Limits { log_bytes: 7, ..worker }),
            ("nesting", 512, Limits { nesting: 7, ..worker }),
            ("pendingCalls", 1_000, Limits { pending_calls: 7, ..worker }),
        ];
        for (field, allowed, expected) in cases {
            let asked = |number: u64| lowered(&format!("{{\"{field}\": {number}}}"));
            assert_eq!(asked(7), Ok(expected), "{field}");
            assert_eq!(asked(allowed), Ok(worker), "{field}: as much as the worker's own is not above it");
            assert_eq!(asked(allowed + 1), Err(LimitAboveWorker { field, asked: allowed + 1, allowed }));
        }
    }

    #[test]
    fn a_limit_above_the_workers_is_told_with_its_unit() {
        for (limits, told) in [
            (r#"{"wallTimeMs": 60000}"#, "limits.wallTimeMs is 60000 milliseconds, above this worker's 30000"),
            (r#"{"logLines": 1001}"#, "limits.logLines is 1001, above this worker's 1000"),
        ] {
            assert_eq!(lowered(limits).unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn a_job_may_be_stricter_about_its_log_and_never_laxer() {
        for (own, asked, expected) in [
            (false, None, false),
            (false, Some(false), false),
            (false, Some(true), true),
            (true, None, true),
            (true, Some(false), true),
        ] {
            let worker = Limits { strict_logs: own, ..Limits::default() };
            let job = JobLimits { strict_logs: asked, ..JobLimits::default() };
            let limits = Limits { strict_logs: expected, ..worker };
            assert_eq!(worker.lowered(&job), Ok(limits), "{own} and {asked:?}");
        }
    }
}
