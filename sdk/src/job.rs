//! What a process engine asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::strict::{Object, object, object_or_default, objects, optional_object, optional_whole};
use crate::{Code, InvalidTenant, JobLimits, RetryPolicy, Tenant, instant, json};

/// The version of the job contract that this crate knows. Version 2 has `retry`, `startAt` and `sourceMap`.
pub const CONTRACT: u32 = 2;
/// How far ahead a job's start may lie, in days.
pub const START_WITHIN_DAYS: u64 = 366;

/// The pattern of a job's id: no control characters. It does not check the length.
const ID_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// The pattern of a module's name: parts between single slashes, none of them `.` or `..`. It does not check the length.
const NAME_PATTERN: &str = r"^(\.*[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*|\.{3,})(/(\.*[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*|\.{3,}))*$";
/// How long the path of a field that is wrong may be, in bytes.
const PATH_BYTES_MAX: usize = 200;
/// How long a module's name may be, in bytes.
const NAME_BYTES_MAX: usize = 250;

/// One script job: run `entry` of `script` on `input`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = exclusions)]
pub struct Job {
    /// The job's identity, 1 to 200 bytes as UTF-8, without control characters; the same id is the same job. It seeds the script's random
    /// numbers.
    #[schemars(length(min = 1, max = Self::ID_BYTES_MAX), extend("pattern" = ID_PATTERN))]
    pub id: String,
    /// Whose job it is: dotted lower-case domains, such as `acme.sales`, at most 200 bytes.
    pub tenant: Tenant,
    /// The script.
    #[serde(deserialize_with = "object")]
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
    #[serde(default, deserialize_with = "object_or_default")]
    #[schemars(with = "Option<JobLimits>")]
    pub limits: JobLimits,
    /// RFC 3339: the job must have ended by then. One that has not begun by then is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time", "pattern" = instant::PATTERN))]
    pub deadline: Option<String>,
    /// RFC 3339: the job begins no sooner, and as a rule within a second of it. At most 366 days ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time", "pattern" = instant::PATTERN))]
    pub start_at: Option<String>,
    /// When the job runs again by itself. Absent: it never does because it failed. Not for a batch, whose inputs each have their result.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub retry: Option<RetryPolicy>,
    /// The version of the contract that the job needs, where it would mean something else to a worker that knows less: 2 beside `retry`
    /// and `startAt`. A worker of an older version refuses it. Fields that change nothing but what is told need none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_whole")]
    #[schemars(range(max = u32::MAX))]
    pub contract: Option<u32>,
    /// RFC 3339: the instant at which the script's clock stands when the entry is called. From then on it moves by
    /// waiting alone, so that the run can be repeated exactly. Without it the script sees the real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time", "pattern" = instant::PATTERN))]
    pub clock: Option<String>,
}

/// A script: one or more modules, of which the first is the main one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The modules; relative imports resolve among them.
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1))]
    pub modules: Vec<Module>,
}

/// One source file of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Its path within the bundle, such as `main.ts` or `lib/tax.ts`: `/` between the parts, no `.` or `..` among them. 250 bytes at most.
    #[schemars(length(min = 1, max = NAME_BYTES_MAX), extend("pattern" = NAME_PATTERN))]
    pub name: String,
    /// TypeScript or JavaScript.
    pub source: String,
    /// The source map of the module, of revision 3, as a bundler writes it beside the source: errors then name the files that it leads to. It counts as source.
    /// Without it a map at the end of the source is used.
    #[serde(rename = "sourceMap", default, skip_serializing_if = "Option::is_none")]
    pub source_map: Option<String>,
}

impl Module {
    /// A module without a source map beside it.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self { name: name.into(), source: source.into(), source_map: None }
    }

    /// Bytes that count as source.
    pub fn source_bytes(&self) -> usize {
        self.source.len() + self.source_map.as_ref().map_or(0, String::len)
    }
}

/// Adds to the schema which fields exclude each other in a job.
fn exclusions(schema: &mut schemars::Schema) {
    let is =
        |name: &str, kind: &str| serde_json::json!({ "required": [name], "properties": { name: { "type": kind } } });
    let said = serde_json::json!({ "required": ["input"], "properties": { "input": { "not": { "type": "null" } } } });
    schema.insert(
        "allOf".to_owned(),
        serde_json::json!([
            { "not": { "allOf": [is("inputs", "array"), said] } },
            { "not": { "allOf": [is("inputs", "array"), is("retry", "object")] } },
        ]),
    );
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// A message is not a valid job.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJob {
    /// It is not JSON at all.
    #[error("the message {0}")]
    NotJson(String),
    /// It is JSON, but a field is missing or wrong.
    #[error("{}{message}", if path == "." { "the message ".to_owned() } else { format!("{path}: ") })]
    Field {
        /// The field's path, such as `script.modules[0].name`; `.` is the whole message.
        path: String,
        /// What is wrong with it. The sentence continues the path.
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
    /// let script = Bundle {
    ///     modules: vec![
    ///         Module::new("main.ts", "import { vat } from './lib/vat.ts'; export default (net: number) => net + vat(net);"),
    ///         Module::new("lib/vat.ts", "export const vat = (net: number) => net * 0.19;"),
    ///     ],
    /// };
    /// assert_eq!(script.modules[0].name, "main.ts");
    /// assert_eq!(Bundle::of("main.js", "").modules.len(), 1);
    /// ```
    pub fn of(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self { modules: vec![Module::new(name, source)] }
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
            start_at: None,
            retry: None,
            contract: None,
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
        // The place of a mistake is looked for only once there is one: tracking the path makes every read slower.
        let Object(job): Object<Self> = serde_json::from_slice(body).map_err(|error| Self::mistake(body, error))?;
        job.validate()?;
        Ok(job)
    }

    /// What is wrong with a message that cannot be read.
    fn mistake(body: &[u8], error: serde_json::Error) -> InvalidJob {
        if body.starts_with(b"\xef\xbb\xbf") {
            return InvalidJob::NotJson("is not JSON: a byte order mark stands before it".to_owned());
        }
        let mut reader = serde_json::Deserializer::from_slice(body);
        let Err(error) = serde_path_to_error::deserialize::<_, Object<Self>>(&mut reader) else {
            // The job is right, and something follows it.
            return InvalidJob::NotJson(json::fault(&error));
        };
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return InvalidJob::NotJson(json::fault(&inner));
        }
        let told = inner.to_string();
        // The names in it are the publisher's, and may be of any length.
        let path = blamed(path, &told);
        let path = if path.len() > PATH_BYTES_MAX { json::cut(&path) } else { path };
        let message = match told.starts_with(&InvalidTenant.to_string()) {
            true => InvalidTenant.to_string(),
            false => in_words(&path, json::fault(&inner)),
        };
        InvalidJob::Field { path, message }
    }

    /// The version of the contract that a message asks for, whatever its other fields are. Returns `None` if it names none
    /// that can be read.
    pub fn contract_asked(body: &[u8]) -> Option<u32> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(deserialize_with = "optional_whole")]
            contract: Option<u32>,
        }
        serde_json::from_slice::<Object<Asked>>(body).ok()?.0.contract
    }

    /// The deadline in milliseconds since 1970. Returns `None` if it is absent, or is no instant, which [`Job::validate`] refuses.
    pub fn deadline_ms(&self) -> Option<i64> {
        self.deadline.as_deref().and_then(instant::ms)
    }

    /// The version of the contract that the job needs: the one that it names, or else the one that introduced its fields.
    pub fn needs_contract(&self) -> Option<u32> {
        self.contract.or_else(|| (self.retry.is_some() || self.start_at.is_some()).then_some(2))
    }

    /// The start in milliseconds since 1970. Returns `None` if it is absent, or is no instant, which [`Job::validate`] refuses.
    pub fn start_ms(&self) -> Option<i64> {
        self.start_at.as_deref().and_then(instant::ms)
    }

    /// The clock in milliseconds since 1970. Returns `None` if it is absent, or is no instant, which [`Job::validate`] refuses.
    pub fn clock_ms(&self) -> Option<i64> {
        self.clock.as_deref().and_then(instant::ms)
    }

    /// How long an id may be, in bytes.
    pub const ID_BYTES_MAX: usize = 200;

    /// Whether a text can be a job's id.
    pub(crate) fn is_id(text: &str) -> bool {
        (1..=Self::ID_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
    }

    /// Checks what the types cannot express: lengths, forms and fields that exclude each other.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self) -> Result<(), InvalidJob> {
        if !Self::is_id(&self.id) {
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
        let instants = [("deadline", &self.deadline), ("startAt", &self.start_at), ("clock", &self.clock)];
        for (path, instant) in instants {
            if let Some(text) = instant.as_deref().filter(|text| instant::ms(text).is_none()) {
                let shown: String = text.chars().take(60).collect();
                return Err(field(
                    path,
                    &format!("{}, but is the text {shown:?}{}", instant::RULE, instant::hint(text)),
                ));
            }
        }
        if let (Some(start), Some(deadline)) = (self.start_ms(), self.deadline_ms())
            && start >= deadline
        {
            return Err(field("startAt", "must be before the deadline"));
        }
        if self.retry.is_some() && self.inputs.is_some() {
            return Err(field("retry", "cannot stand beside `inputs`: each input of a batch has its result"));
        }
        match self.retry.as_ref().and_then(RetryPolicy::fault) {
            Some((path, message)) => Err(field(path, &message)),
            None => Ok(()),
        }
    }
}

fn field(path: &str, message: &str) -> InvalidJob {
    InvalidJob::Field { path: path.to_owned(), message: message.to_owned() }
}

/// The path of the field to blame. serde reports a missing, duplicate or unknown field at the object that contains it.
fn blamed(path: String, told: &str) -> String {
    match json::named(told) {
        Some(name) if path == "." => name.to_owned(),
        Some(name) => match path.strip_suffix(".?") {
            Some(around) => format!("{around}.{name}"),
            None if path == name || path.ends_with(&format!(".{name}")) => path,
            None => format!("{path}.{name}"),
        },
        None => path,
    }
}

/// A sentence about a field, with what is known of that field: its unit, or that it is an instant.
fn in_words(path: &str, message: String) -> String {
    let field = path.rsplit('.').next().unwrap_or_default();
    if let ("deadline" | "startAt" | "clock", Some((_, found))) = (field, message.split_once(", but is ")) {
        let hint = found.strip_prefix("the number ").map_or_else(String::new, instant::hint);
        return format!("{}, but is {found}{hint}", instant::RULE);
    }
    let unit = [("Ms", " of milliseconds"), ("Bytes", " of bytes")].iter().find(|(end, _)| field.ends_with(end));
    match unit {
        Some((_, unit)) => message.replacen("whole number,", &format!("whole number{unit},"), 1),
        None => message,
    }
}
