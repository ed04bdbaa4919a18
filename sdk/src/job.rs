//! What a process engine asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::{Code, InvalidTenant, JobLimits, Tenant};

/// One script job: run `entry` of `script` on `input`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The job's identity, 1 to 200 bytes; the same id is the same job. It seeds the script's random numbers.
    pub id: String,
    /// Whose job it is: dotted lower-case domains, such as `acme.sales`, at most 200 bytes.
    pub tenant: Tenant,
    /// The script.
    pub script: Bundle,
    /// The exported function to call; without it `export default`, an export named `main` or a global function `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The entry's first argument: JSON text, handed to the script as it stands. `null` where absent.
    #[serde(default = "null")]
    #[schemars(with = "serde_json::Value")]
    pub input: Box<RawValue>,
    /// A batch: the entry is called once for each of these in place of `input`, each time in a sandbox of its own with
    /// the job's limits, as a job of its own with the id `ID#0`, `ID#1` … would be. One outcome holds all results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<serde_json::Value>>", length(min = 1))]
    pub inputs: Option<Vec<Box<RawValue>>>,
    /// Limits below the worker's own.
    #[serde(default)]
    pub limits: JobLimits,
    /// RFC 3339: the job must have ended by then. One that has not begun by then is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub deadline: Option<String>,
    /// RFC 3339: the instant at which the script's clock stands when the entry is called. From then on it moves by
    /// waiting alone, so that the run can be repeated exactly. Without it the script sees the real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub clock: Option<String>,
}

/// A script: one or more modules, of which the first is the main one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// The modules; relative imports resolve among them.
    #[schemars(length(min = 1))]
    pub modules: Vec<Module>,
}

/// One source file of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// Its path within the bundle, such as `main.ts` or `lib/tax.ts`: `/` between the parts, no `.` or `..` among them.
    pub name: String,
    /// TypeScript or JavaScript.
    pub source: String,
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// A message is no job.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJob {
    /// It is not JSON at all.
    #[error("the message is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is JSON, but a field is missing or wrong.
    #[error("{path}: {message}")]
    Field {
        /// The field's path, such as `script.modules[0].name`; `.` is the whole.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl InvalidJob {
    /// The code: [`Code::NotJson`] or [`Code::InvalidField`].
    pub fn code(&self) -> Code {
        match self {
            Self::NotJson(_) => Code::NotJson,
            Self::Field { .. } => Code::InvalidField,
        }
    }
}

impl Bundle {
    /// A script of one module.
    ///
    /// ```
    /// use scriptmill_sdk::{Bundle, Module};
    ///
    /// let module = |name: &str, source: &str| Module { name: name.to_owned(), source: source.to_owned() };
    /// let script = Bundle {
    ///     modules: vec![
    ///         module("main.ts", "import { vat } from './lib/vat.ts'; export default (net: number) => net + vat(net);"),
    ///         module("lib/vat.ts", "export const vat = (net: number) => net * 0.19;"),
    ///     ],
    /// };
    /// assert_eq!(script.modules[0].name, "main.ts");
    /// assert_eq!(Bundle::of("main.js", "").modules.len(), 1);
    /// ```
    pub fn of(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self { modules: vec![Module { name: name.into(), source: source.into() }] }
    }
}

impl Job {
    /// A job with the input `null`, the default entry and the worker's own limits.
    ///
    /// ```
    /// use scriptmill_sdk::{Bundle, Job};
    /// use serde_json::value::to_raw_value;
    ///
    /// let script = Bundle::of("main.ts", "export default (net: number) => net * 1.19;");
    /// let job = Job { input: to_raw_value(&100)?, ..Job::new("order-4711", "acme.sales".parse()?, script) };
    ///
    /// let body = serde_json::to_vec(&job)?;
    /// assert_eq!(Job::from_slice(&body)?.input.get(), "100");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(id: impl Into<String>, tenant: Tenant, script: Bundle) -> Self {
        Self {
            id: id.into(),
            tenant,
            script,
            entry: None,
            input: null(),
            inputs: None,
            limits: JobLimits::default(),
            deadline: None,
            clock: None,
        }
    }

    /// Reads a job from the body of a message.
    ///
    /// ```
    /// use scriptmill_sdk::{InvalidJob, Job};
    ///
    /// let InvalidJob::Field { path, .. } = Job::from_slice(br#"{"id": "1", "tenant": "Acme"}"#).unwrap_err() else {
    ///     panic!("it is JSON")
    /// };
    /// assert_eq!(path, "tenant");
    /// ```
    ///
    /// # Errors
    /// The body is not JSON, or a field is missing or wrong: which one, and why.
    pub fn from_slice(body: &[u8]) -> Result<Self, InvalidJob> {
        if body.trim_ascii_start().first() == Some(&b'[') {
            // Serde would take an array for the fields in their order.
            return Err(field(".", "must be an object"));
        }
        // The place of a mistake is looked for only once there is one: tracking the path makes every read slower.
        let job: Self = serde_json::from_slice(body).map_err(|error| Self::mistake(body, error))?;
        job.validate()?;
        Ok(job)
    }

    /// What is wrong with a message that cannot be read.
    fn mistake(body: &[u8], error: serde_json::Error) -> InvalidJob {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let Err(error) = serde_path_to_error::deserialize::<_, Self>(&mut reader) else {
            // The job is right, and something follows it.
            return InvalidJob::NotJson(error);
        };
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => {
                let mut message = inner.to_string();
                // serde_json puts the line and column behind it, which says less than the path.
                if message.starts_with(&InvalidTenant.to_string()) {
                    message = InvalidTenant.to_string();
                }
                InvalidJob::Field { path: blamed(path, &message), message }
            }
            Category::Io | Category::Syntax | Category::Eof => InvalidJob::NotJson(inner),
        }
    }

    /// The deadline in milliseconds since 1970; `None` too where it is no instant, which [`Job::validate`] refuses.
    pub fn deadline_ms(&self) -> Option<i64> {
        self.deadline.as_deref().and_then(instant_ms)
    }

    /// The clock in milliseconds since 1970; `None` too where it is no instant, which [`Job::validate`] refuses.
    pub fn clock_ms(&self) -> Option<i64> {
        self.clock.as_deref().and_then(instant_ms)
    }

    /// Checks what the types cannot express: lengths, forms and fields that exclude each other.
    ///
    /// # Errors
    /// The first field that breaks it.
    pub fn validate(&self) -> Result<(), InvalidJob> {
        if self.id.is_empty() || self.id.len() > 200 || self.id.chars().any(char::is_control) {
            return Err(field("id", "must be 1 to 200 bytes without control characters"));
        }
        if self.script.modules.is_empty() {
            return Err(field("script.modules", "must hold at least one module"));
        }
        if let Some(inputs) = &self.inputs {
            if inputs.is_empty() {
                return Err(field("inputs", "must hold at least one input"));
            }
            if self.input.get() != "null" {
                return Err(field("inputs", "cannot stand beside `input`: a job has one or the other"));
            }
        }
        for (path, instant) in [("deadline", &self.deadline), ("clock", &self.clock)] {
            if instant.as_deref().is_some_and(|text| instant_ms(text).is_none()) {
                return Err(field(path, "must be an instant as RFC 3339 writes it, such as 2026-03-01T09:30:00Z"));
            }
        }
        Ok(())
    }
}

fn field(path: &str, message: &str) -> InvalidJob {
    InvalidJob::Field { path: path.to_owned(), message: message.to_owned() }
}

/// The field to blame: serde reports a field that is missing, or there twice, at the object around it.
fn blamed(path: String, message: &str) -> String {
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| message.strip_prefix(start));
    match named.and_then(|rest| rest.split_once('`')) {
        Some((name, _)) if path == "." => name.to_owned(),
        Some((name, _)) if !path.ends_with(name) => format!("{path}.{name}"),
        _ => path,
    }
}

fn instant_ms(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
