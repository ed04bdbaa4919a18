//! From a message to a job, or to the outcome that says why it is none. Pure: what a message is taken for depends on
//! the message, the worker's bounds and the time alone.

use std::time::Duration;

use scriptmill_sdk::amqp::{Envelope, HEADERS_BYTES_MAX};
use scriptmill_sdk::{Code, Ending, Failure, InvalidJob, Job, Limits, Origin, Outcome, Rejection, Usage};

/// What a worker takes at most, and on which conditions.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The largest message, in bytes.
    pub message_bytes_max: u64,
    /// The largest input, in bytes.
    pub input_bytes_max: u64,
    /// The most inputs of a batch.
    pub batch_inputs_max: usize,
    /// The highest limits of any job.
    pub limits: Limits,
    /// A job's tenant must be the AMQP user who published it.
    pub tenant_is_user: bool,
    /// The hash of the engine, which every outcome names.
    pub engine: String,
}

impl Policy {
    /// The outcome of a job in whose middle the worker's own code broke.
    pub fn broken(&self, job_id: String) -> Outcome {
        let failure = Failure {
            code: Code::EngineFault,
            message: "the worker failed while it ran the job".to_owned(),
            origin: Origin::Platform,
            retryable: true,
            thrown: None,
        };
        self.unrun(Ending::Failed(failure), job_id, String::new(), None)
    }

    fn unrun(&self, ending: Ending, job_id: String, tenant: String, queued_us: Option<u64>) -> Outcome {
        let mut usage = Usage::default();
        usage.times.queued_us = queued_us;
        Outcome {
            job_id,
            tenant,
            ending,
            diagnostics: Vec::new(),
            logs: Vec::new(),
            usage,
            engine: self.engine.clone(),
        }
    }
}

/// A job that may run.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The job.
    pub job: Job,
    /// Its limits, in force.
    pub limits: Limits,
    /// Which attempt at it this is, from 1.
    pub attempt: u32,
    /// When it must have ended, in milliseconds since the epoch.
    pub deadline_ms: Option<u64>,
    /// Where its clock stands, in milliseconds since the epoch.
    pub clock_ms: Option<u64>,
    /// How long it was on the queue, in microseconds, as far as that is known.
    pub queued_us: Option<u64>,
}

/// What was read from around a message.
#[derive(Clone, Debug)]
pub struct Around {
    /// Its properties, and the headers that have a meaning.
    pub envelope: Envelope,
    /// Bytes of all its headers together.
    pub headers_bytes: usize,
    /// Which attempt at its job it is, from 1.
    pub attempt: u32,
}

impl Default for Around {
    /// Nothing stands around it.
    fn default() -> Self {
        Self { envelope: Envelope::default(), headers_bytes: 0, attempt: 1 }
    }
}

/// Reads a message that was received at `received_at`, since the Unix epoch.
///
/// # Errors
/// The outcome `rejected` of a message that is no job for this worker.
pub fn read(body: &[u8], around: &Around, received_at: Duration, policy: &Policy) -> Result<Accepted, Box<Outcome>> {
    let Around { envelope, headers_bytes, attempt } = around;
    let queued_us = envelope.enqueued_at_ms.map(|at| micros_since(at, received_at));
    let unreadable = |code, message: String, path: Option<String>| {
        let rejection = Rejection { code, message, path };
        let job_id = envelope.message_id.clone().unwrap_or_default();
        Box::new(policy.unrun(Ending::Rejected(rejection), job_id, String::new(), queued_us))
    };
    let length = body.len() as u64;
    if length > policy.message_bytes_max {
        let text = format!("the message has {length} bytes; this worker takes {} at most", policy.message_bytes_max);
        return Err(unreadable(Code::MessageTooLarge, text, None));
    }
    if *headers_bytes > HEADERS_BYTES_MAX {
        let text =
            format!("the message's headers have {headers_bytes} bytes; workers take {HEADERS_BYTES_MAX} at most");
        return Err(unreadable(Code::HeadersTooLarge, text, None));
    }
    if let Err(error) = envelope.encoding() {
        return Err(unreadable(Code::NotJson, error.to_string(), None));
    }
    let job = Job::from_slice(body).map_err(|error| match error {
        InvalidJob::NotJson(_) => unreadable(Code::NotJson, error.to_string(), None),
        InvalidJob::Field { path, message } => unreadable(Code::InvalidField, message, Some(path)),
    })?;
    let refuse = |code, message: String, path: &str| {
        let rejection = Rejection { code, message, path: Some(path.to_owned()) };
        Box::new(policy.unrun(Ending::Rejected(rejection), job.id.clone(), job.tenant.to_string(), queued_us))
    };
    let input = job.input.get().len() as u64;
    if input > policy.input_bytes_max {
        let text = format!("the input has {input} bytes; this worker takes {} at most", policy.input_bytes_max);
        return Err(refuse(Code::InputTooLarge, text, "input"));
    }
    let inputs = job.inputs.as_ref().map_or(0, Vec::len);
    if inputs > policy.batch_inputs_max {
        let text = format!("the batch has {inputs} inputs; this worker takes {} at most", policy.batch_inputs_max);
        return Err(refuse(Code::BatchTooLarge, text, "inputs"));
    }
    let limits = policy
        .limits
        .lowered(&job.limits)
        .map_err(|error| refuse(Code::LimitAboveWorker, error.to_string(), &format!("limits.{}", error.field)))?;
    if policy.tenant_is_user && envelope.user_id.as_deref() != Some(job.tenant.as_str()) {
        let user = envelope.user_id.as_deref().unwrap_or("nobody (the message has no user_id)");
        let text = format!("the tenant is {}, but the message was published by {user}", job.tenant);
        return Err(refuse(Code::TenantMismatch, text, "tenant"));
    }
    // Before 1970 is 1970: that deadline has passed as well.
    let since_epoch = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let (deadline_ms, clock_ms) = (job.deadline_ms().map(since_epoch), job.clock_ms().map(since_epoch));
    Ok(Accepted { limits, attempt: *attempt, deadline_ms, clock_ms, queued_us, job })
}

/// From an instant in milliseconds since the epoch until `now`; none when the other clock is ahead.
fn micros_since(at_ms: u64, now: Duration) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX).saturating_sub(at_ms.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn policy() -> Policy {
        Policy {
            message_bytes_max: 10_000,
            input_bytes_max: 1_000,
            batch_inputs_max: 3,
            limits: Limits::default(),
            tenant_is_user: false,
            engine: "hash".to_owned(),
        }
    }

    fn take(job: &serde_json::Value, envelope: &Envelope, policy: &Policy) -> Result<Accepted, Box<Outcome>> {
        let around = Around { envelope: envelope.clone(), attempt: envelope.attempt, ..Around::default() };
        read(job.to_string().as_bytes(), &around, Duration::from_secs(10), policy)
    }

    fn job() -> serde_json::Value {
        let script = json!({ "modules": [{ "name": "main.ts", "source": "export default () => 1" }] });
        json!({ "id": "a", "tenant": "acme", "script": script })
    }

    #[test]
    fn a_job_is_taken_with_its_limits_and_times() {
        let mut job = job();
        job["limits"] = json!({ "fuel": 7 });
        job["deadline"] = json!("1970-01-01T00:00:12.5Z");
        job["clock"] = json!("1969-12-31T00:00:00Z");
        let envelope = Envelope { enqueued_at_ms: Some(9_000), attempt: 1, ..Envelope::default() };
        let accepted = take(&job, &envelope, &policy()).unwrap();
        assert_eq!((accepted.limits.fuel, accepted.attempt), (7, 1));
        assert_eq!((accepted.deadline_ms, accepted.clock_ms), (Some(12_500), Some(0)));
        assert_eq!(accepted.queued_us, Some(1_000_000));
        // The other machine's clock may be ahead.
        let envelope = Envelope { enqueued_at_ms: Some(11_000), ..envelope };
        assert_eq!(take(&job, &envelope, &policy()).unwrap().queued_us, Some(0));
    }

    #[test]
    fn headers_have_a_bound() {
        let read_with = |headers_bytes| {
            let around = Around { headers_bytes, ..Around::default() };
            read(job().to_string().as_bytes(), &around, Duration::ZERO, &policy())
        };
        assert!(read_with(HEADERS_BYTES_MAX).is_ok());
        let outcome = read_with(HEADERS_BYTES_MAX + 1).unwrap_err();
        assert_eq!(outcome.ending.code(), Some(Code::HeadersTooLarge));
    }

    #[test]
    fn a_refusal_names_the_job_as_far_as_it_could_be_read() {
        let envelope = Envelope { message_id: Some("m".to_owned()), ..Envelope::default() };
        let outcome = take(&json!([]), &envelope, &policy()).unwrap_err();
        assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str(), outcome.engine.as_str()), ("m", "", "hash"));
        let user = Policy { tenant_is_user: true, ..policy() };
        let outcome = take(&job(), &envelope, &user).unwrap_err();
        assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), ("a", "acme"));
        assert_eq!(outcome.ending.code(), Some(Code::TenantMismatch));
        let acme = Envelope { user_id: Some("acme".to_owned()), ..envelope };
        assert!(take(&job(), &acme, &user).is_ok());
    }

    #[test]
    fn a_batch_has_one_input_at_least_and_no_more_than_the_bound() {
        let batch = |inputs: serde_json::Value| {
            let mut job = job();
            job["inputs"] = inputs;
            take(&job, &Envelope::default(), &policy()).map(|accepted| accepted.job.inputs.unwrap().len())
        };
        let refused = |inputs| match batch(inputs).unwrap_err().ending {
            Ending::Rejected(rejection) => (rejection.code, rejection.path.unwrap()),
            other => panic!("{other:?}"),
        };
        assert_eq!(batch(json!([1, null, {}])).unwrap(), 3);
        assert_eq!(refused(json!([])), (Code::InvalidField, "inputs".to_owned()));
        assert_eq!(refused(json!([1, 2, 3, 4])), (Code::BatchTooLarge, "inputs".to_owned()));
        assert_eq!(refused(json!({})), (Code::InvalidField, "inputs".to_owned()));
        let mut both = job();
        (both["input"], both["inputs"]) = (json!(1), json!([2]));
        let outcome = take(&both, &Envelope::default(), &policy()).unwrap_err();
        assert_eq!(outcome.ending.code(), Some(Code::InvalidField));
    }
}
