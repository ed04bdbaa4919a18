//! What became of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Code, Diagnostic, JsonObject, LimitKind, LogLine, Position, Warning};

/// What became of one job: exactly one of the endings, and what the job used.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "wire::Outcome", into = "wire::Outcome")]
#[schemars(with = "wire::Outcome")]
pub struct Outcome {
    /// The job's id; empty where the message was too broken to tell.
    pub job_id: String,
    /// The job's tenant; empty where the message was too broken to tell.
    pub tenant: String,
    /// How the job ended.
    pub ending: Ending,
    /// What the check of the script found; warnings alone, unless the job was rejected for them.
    pub diagnostics: Vec<Diagnostic>,
    /// What the script logged, in order.
    pub logs: Vec<LogLine>,
    /// What its author has most likely not meant.
    pub warnings: Vec<Warning>,
    /// What the job used.
    pub usage: Usage,
    /// SHA-256 of the engine that ran it, in hexadecimal.
    pub engine: String,
}

/// How a job ended.
///
/// ```
/// use scriptmill_sdk::{Code, Ending, Outcome};
///
/// let body = r#"{
///     "jobId": "order-4711", "tenant": "acme.sales", "status": "failed",
///     "error": { "code": "SM2001", "message": "Error: sold out", "origin": "script", "retryable": false }
/// }"#;
/// let outcome: Outcome = serde_json::from_str(body)?;
/// match &outcome.ending {
///     Ending::Succeeded(value) => println!("{value}"),
///     Ending::Failed(failure) => assert_eq!(failure.message, "Error: sold out"),
///     other => println!("{}", other.status()),
/// }
/// assert_eq!(outcome.ending.code(), Some(Code::Thrown));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Ending {
    /// The entry returned: its value, as the JSON text that the script's engine wrote.
    Succeeded(Box<RawValue>),
    /// Every input of a batch has its result, in the order of the inputs. Some may have failed.
    Completed(Vec<ItemResult>),
    /// Something broke while it ran.
    Failed(Failure),
    /// It met a limit.
    Exhausted(Exhausted),
    /// It never ran.
    Rejected(Rejection),
    /// It was not wanted any more.
    Cancelled {
        /// Why, as a code.
        code: Code,
        /// Why, as a sentence.
        message: String,
    },
}

/// What became of one input of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "wire::Item", into = "wire::Item")]
#[schemars(with = "wire::Item")]
pub struct ItemResult {
    /// How it ended; never `completed`.
    pub ending: Ending,
    /// What the script logged for it, in order.
    pub logs: Vec<LogLine>,
    /// What its author has most likely not meant.
    pub warnings: Vec<Warning>,
    /// What it used.
    pub usage: Usage,
}

/// Something broke while the job ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// Who is at fault.
    pub origin: Origin,
    /// Whether the same job may succeed when it is sent again.
    pub retryable: bool,
    /// What the script threw, where it threw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thrown: Option<Thrown>,
}

/// Who is at fault for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The author's code.
    Script,
    /// What a host call reached.
    Host,
    /// Scriptmill or the machine under it.
    Platform,
}

/// An error that a script threw and did not catch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thrown {
    /// The error's name, such as `TypeError`; empty where something else than an error was thrown.
    pub name: String,
    /// Its message, or the text of what was thrown.
    pub message: String,
    /// The calls that led there, innermost first, in the author's own lines.
    pub stack: Vec<StackFrame>,
    /// What the script put on the error beside its message: the data fields of its own that JSON has a text for. They are the
    /// script's word, and say nothing of the outcome's own fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<JsonObject>,
    /// The errors that it holds, as an `AggregateError` does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Thrown>,
    /// The error that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<Thrown>>,
}

/// One call of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StackFrame {
    /// The function's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Where in the author's source; absent for built-in functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Position>,
}

/// A job met a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exhausted {
    /// The limit's code.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// Which limit.
    pub limit: LimitKind,
    /// How much was allowed, in the limit's unit.
    pub allowed: u64,
    /// Where the script stood, innermost call first; empty where that is unknown.
    #[serde(default)]
    pub stack: Vec<StackFrame>,
}

/// A job never ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// Why, as a code.
    pub code: Code,
    /// Why, as a sentence.
    pub message: String,
    /// The field of the job that is wrong, such as `limits.fuel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a job used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Fuel of the entry.
    pub fuel: u64,
    /// Fuel that the script's top level took when its image was made, for whichever job that was.
    pub prepare_fuel: u64,
    /// The most linear memory the job had, in bytes.
    pub peak_memory_bytes: u64,
    /// Host calls made, timers among them.
    pub host_calls: u64,
    /// Where the time went.
    pub times: Times,
}

/// Where a job's time went, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Times {
    /// From the message's timestamp to its receipt; absent without a timestamp. Clocks of two machines are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_us: Option<u64>,
    /// In the worker, for a slot and for turns on an executor thread.
    pub waited_us: u64,
    /// For the script's image: a look-up, or checking and making it.
    pub prepared_us: u64,
    /// On an executor thread.
    pub ran_us: u64,
    /// For answers of the host, timers among them.
    pub host_us: u64,
}

impl Ending {
    /// The status on the wire: `succeeded`, `completed`, `failed`, `exhausted`, `rejected` or `cancelled`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Exhausted(_) => "exhausted",
            Self::Rejected(_) => "rejected",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// The code of the ending. `None` for a job that succeeded, and for a batch, whose results have codes of their own.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Succeeded(_) | Self::Completed(_) => None,
            Self::Failed(Failure { code, .. })
            | Self::Exhausted(Exhausted { code, .. })
            | Self::Rejected(Rejection { code, .. })
            | Self::Cancelled { code, .. } => Some(*code),
        }
    }

    /// Why the job did not succeed, as a sentence.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Succeeded(_) | Self::Completed(_) => None,
            Self::Failed(Failure { message, .. })
            | Self::Exhausted(Exhausted { message, .. })
            | Self::Rejected(Rejection { message, .. })
            | Self::Cancelled { message, .. } => Some(message),
        }
    }
}

/// The flat shape on the wire: `status`, and beside it `value`, `results` or `error`. It is apart from [`Ending`],
/// since serde's own enum shapes, and flattening, read a raw value through a buffer, which loses its text.
mod wire {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Outcome {
        job_id: String,
        tenant: String,
        /// Decides which other fields there are: `value` when succeeded, `results` when completed, else `error`.
        status: Status,
        /// The entry's value, when the job succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<serde_json::Value>")]
        value: Option<Box<RawValue>>,
        /// What became of each input of a batch, in their order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        results: Option<Vec<ItemResult>>,
        /// What went wrong, when it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Error>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        diagnostics: Vec<Diagnostic>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        logs: Vec<LogLine>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<Warning>,
        #[serde(default)]
        usage: Usage,
        #[serde(default)]
        engine: String,
    }

    /// One result of a batch.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    #[schemars(rename = "ItemResult")]
    pub(super) struct Item {
        /// As an outcome's, but for `completed`.
        status: Status,
        /// The entry's value, when it succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<serde_json::Value>")]
        value: Option<Box<RawValue>>,
        /// What went wrong, when it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Error>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        logs: Vec<LogLine>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<Warning>,
        #[serde(default)]
        usage: Usage,
    }

    #[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Status {
        Succeeded,
        Completed,
        Failed,
        Exhausted,
        Rejected,
        Cancelled,
    }

    /// The fields of all kinds of error; `status` tells which are there.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Error {
        code: Code,
        message: String,
        /// failed: who is at fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Origin>,
        /// failed: whether the same job may succeed when it is sent again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retryable: Option<bool>,
        /// failed: what the script threw.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thrown: Option<Thrown>,
        /// exhausted: which limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<LimitKind>,
        /// exhausted: how much was allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        allowed: Option<u64>,
        /// exhausted: where the script stood.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stack: Vec<StackFrame>,
        /// rejected: the field of the job that is wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    }

    impl Error {
        fn new(code: Code, message: String) -> Self {
            Self {
                code,
                message,
                origin: None,
                retryable: None,
                thrown: None,
                limit: None,
                allowed: None,
                stack: Vec::new(),
                path: None,
            }
        }
    }

    /// The fields that an ending has on the wire.
    #[derive(Default)]
    struct Fields {
        value: Option<Box<RawValue>>,
        results: Option<Vec<ItemResult>>,
        error: Option<Error>,
    }

    fn fields(ending: Ending) -> (Status, Fields) {
        let (status, error) = match ending {
            Ending::Succeeded(value) => {
                return (Status::Succeeded, Fields { value: Some(value), ..Fields::default() });
            }
            Ending::Completed(results) => {
                return (Status::Completed, Fields { results: Some(results), ..Fields::default() });
            }
            Ending::Failed(Failure { code, message, origin, retryable, thrown }) => {
                let error =
                    Error { origin: Some(origin), retryable: Some(retryable), thrown, ..Error::new(code, message) };
                (Status::Failed, error)
            }
            Ending::Exhausted(Exhausted { code, message, limit, allowed, stack }) => {
                let error = Error { limit: Some(limit), allowed: Some(allowed), stack, ..Error::new(code, message) };
                (Status::Exhausted, error)
            }
            Ending::Rejected(Rejection { code, message, path }) => {
                (Status::Rejected, Error { path, ..Error::new(code, message) })
            }
            Ending::Cancelled { code, message } => (Status::Cancelled, Error::new(code, message)),
        };
        (status, Fields { error: Some(error), ..Fields::default() })
    }

    fn ending(status: Status, fields: Fields) -> Result<Ending, String> {
        let lacks = |field: &str| format!("an outcome of this status must have {field}");
        Ok(match (status, fields.error) {
            // serde reads the value `null` as `None`.
            (Status::Succeeded, _) => Ending::Succeeded(fields.value.unwrap_or_else(|| RawValue::NULL.to_owned())),
            (Status::Completed, _) => Ending::Completed(fields.results.ok_or_else(|| lacks("results"))?),
            (_, None) => return Err(lacks("error")),
            (Status::Failed, Some(error)) => Ending::Failed(Failure {
                code: error.code,
                message: error.message,
                origin: error.origin.ok_or_else(|| lacks("error.origin"))?,
                retryable: error.retryable.unwrap_or(false),
                thrown: error.thrown,
            }),
            (Status::Exhausted, Some(error)) => Ending::Exhausted(Exhausted {
                code: error.code,
                message: error.message,
                limit: error.limit.ok_or_else(|| lacks("error.limit"))?,
                allowed: error.allowed.ok_or_else(|| lacks("error.allowed"))?,
                stack: error.stack,
            }),
            (Status::Rejected, Some(error)) => {
                Ending::Rejected(Rejection { code: error.code, message: error.message, path: error.path })
            }
            (Status::Cancelled, Some(error)) => Ending::Cancelled { code: error.code, message: error.message },
        })
    }

    impl From<super::Outcome> for Outcome {
        fn from(outcome: super::Outcome) -> Self {
            let (status, Fields { value, results, error }) = fields(outcome.ending);
            Self {
                job_id: outcome.job_id,
                tenant: outcome.tenant,
                status,
                value,
                results,
                error,
                diagnostics: outcome.diagnostics,
                logs: outcome.logs,
                warnings: outcome.warnings,
                usage: outcome.usage,
                engine: outcome.engine,
            }
        }
    }

    impl TryFrom<Outcome> for super::Outcome {
        type Error = String;

        fn try_from(outcome: Outcome) -> Result<Self, String> {
            let fields = Fields { value: outcome.value, results: outcome.results, error: outcome.error };
            Ok(Self {
                job_id: outcome.job_id,
                tenant: outcome.tenant,
                ending: ending(outcome.status, fields)?,
                diagnostics: outcome.diagnostics,
                logs: outcome.logs,
                warnings: outcome.warnings,
                usage: outcome.usage,
                engine: outcome.engine,
            })
        }
    }

    impl From<ItemResult> for Item {
        fn from(item: ItemResult) -> Self {
            let (status, Fields { value, error, .. }) = fields(item.ending);
            Self { status, value, error, logs: item.logs, warnings: item.warnings, usage: item.usage }
        }
    }

    impl TryFrom<Item> for ItemResult {
        type Error = String;

        fn try_from(item: Item) -> Result<Self, String> {
            let fields = Fields { value: item.value, results: None, error: item.error };
            let ending = ending(item.status, fields)?;
            Ok(Self { ending, logs: item.logs, warnings: item.warnings, usage: item.usage })
        }
    }
}
