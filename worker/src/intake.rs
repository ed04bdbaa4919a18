//! Reads a message as a job, or makes the outcome that says why it is none. This is pure: the result depends on the message, the
//! worker's bounds and the time alone.

use std::time::Duration;

use scriptmill_sdk::amqp::{Envelope, HEADERS_BYTES_MAX};
use scriptmill_sdk::{
    CONTRACT, Code, Ending, Failure, Identity, InvalidJob, Job, Limits, Origin, Outcome, Rejection, START_WITHIN_DAYS,
    Usage,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How far ahead the start of a job may lie.
const START_WITHIN: Duration = Duration::from_secs(START_WITHIN_DAYS * 24 * 60 * 60);

/// The bounds and conditions under which a worker takes a job.
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
    /// A fingerprint of all bounds because of which one worker may refuse a job that another one takes. Two workers with the same
    /// fingerprint refuse the same jobs.
    pub fn fingerprint(&self) -> String {
        let bounds = (CONTRACT, self.message_bytes_max, self.input_bytes_max, self.batch_inputs_max, self.limits);
        let hash = Sha256::digest(format!("{bounds:?}"));
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The outcome of a job over which the worker's own code panicked. The tenant is empty if it is not known.
    pub fn broken(&self, job_id: String, tenant: String) -> Outcome {
        let failure = Failure {
            code: Code::EngineFault,
            message: "the worker failed while it ran the job".to_owned(),
            origin: Origin::Platform,
            retryable: true,
            thrown: None,
        };
        self.unrun(Ending::Failed(failure), job_id, tenant, None)
    }

    /// The outcome of a job that somebody has cancelled.
    pub fn cancelled(&self, job_id: String, tenant: String, queued_us: Option<u64>) -> Outcome {
        let message = "the job was cancelled on request".to_owned();
        self.unrun(Ending::Cancelled { code: Code::CancelRequested, message }, job_id, tenant, queued_us)
    }

    /// The outcome of a job that did not run here.
    pub fn unrun(&self, ending: Ending, job_id: String, tenant: String, queued_us: Option<u64>) -> Outcome {
        let mut usage = Usage::default();
        usage.times.queued_us = queued_us;
        Outcome {
            job_id,
            tenant,
            ending,
            diagnostics: Vec::new(),
            logs: Vec::new(),
            warnings: Vec::new(),
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
    /// The limits that apply to the job.
    pub limits: Limits,
    /// Which attempt at it this is, from 1.
    pub attempt: u32,
    /// When it may begin, in milliseconds since the epoch.
    pub start_ms: Option<u64>,
    /// When it must have ended, in milliseconds since the epoch.
    pub deadline_ms: Option<u64>,
    /// The fixed time of the script's clock, in milliseconds since the epoch.
    pub clock_ms: Option<u64>,
    /// How long it was on the queue, in microseconds, if that is known.
    pub queued_us: Option<u64>,
}

/// The properties and headers around a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Around {
    /// The envelope: the properties, and the headers that have a meaning. Its attempt is that of this delivery.
    pub envelope: Envelope,
    /// Bytes of all its headers together.
    pub headers_bytes: usize,
}

impl Default for Around {
    /// An empty envelope, for the first attempt.
    fn default() -> Self {
        Self { envelope: Envelope { attempt: 1, ..Envelope::default() }, headers_bytes: 0 }
    }
}

/// Reads a message that was received at `received_at`, since the Unix epoch.
///
/// # Errors
/// The message is no job for this worker: the error is an outcome with the status `rejected`.
pub fn read(body: &[u8], around: &Around, received_at: Duration, policy: &Policy) -> Result<Accepted, Box<Outcome>> {
    let Around { envelope, headers_bytes } = around;
    let queued_us = queued_us(envelope, received_at);
    let unreadable = |code, message: String, path: Option<String>| {
        let rejection = Rejection { code, message, path };
        // The requester finds the refusal by the job's id and tenant, which can mostly be read all the same.
        let Identity { id, tenant } = Identity::read(body);
        let job_id = id.or_else(|| envelope.message_id.clone()).unwrap_or_default();
        let tenant = tenant.map_or_else(String::new, String::from);
        Box::new(policy.unrun(Ending::Rejected(rejection), job_id, tenant, queued_us))
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
    let newer = |version| format!("the job needs version {version} of the contract; this worker knows {CONTRACT}");
    let job = Job::from_slice(body).map_err(|error| match (Job::contract_asked(body), &error) {
        // Fields that this worker does not know may be right in that version.
        (Some(version), _) if version > CONTRACT => {
            unreadable(Code::NewerContract, newer(version), Some("contract".to_owned()))
        }
        (_, InvalidJob::NotJson(_)) => unreadable(Code::NotJson, error.to_string(), None),
        (_, InvalidJob::Field { path, .. }) => unreadable(Code::InvalidField, error.to_string(), Some(path.clone())),
    })?;
    let refuse = |code, message: String, path: &str| {
        let rejection = Rejection { code, message, path: Some(path.to_owned()) };
        Box::new(policy.unrun(Ending::Rejected(rejection), job.id.clone(), job.tenant.to_string(), queued_us))
    };
    if let Some(version) = job.contract.filter(|version| *version > CONTRACT) {
        return Err(refuse(Code::NewerContract, newer(version), "contract"));
    }
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
    // A time before 1970 becomes 1970: such a deadline has passed all the same.
    let since_epoch = |ms: i64| u64::try_from(ms).unwrap_or(0);
    let start_ms = envelope.not_before_ms.or(job.start_ms().map(since_epoch));
    if let Some((code, message, path)) = unkept(&job, start_ms, received_at, policy) {
        return Err(refuse(code, message, path));
    }
    let (deadline_ms, clock_ms) = (job.deadline_ms().map(since_epoch), job.clock_ms().map(since_epoch));
    Ok(Accepted { limits, attempt: envelope.attempt, start_ms, deadline_ms, clock_ms, queued_us, job })
}

/// Why a job cannot be kept until it begins or runs again, and the field to blame.
fn unkept(job: &Job, start_ms: Option<u64>, now: Duration, policy: &Policy) -> Option<(Code, String, &'static str)> {
    let ahead = start_ms.map_or(Duration::ZERO, |ms| Duration::from_millis(ms).saturating_sub(now));
    if ahead > START_WITHIN {
        let text = format!("startAt is more than {START_WITHIN_DAYS} days ahead; no job is held longer");
        return Some((Code::StartTooFar, text, "startAt"));
    }
    let behind = job.start_ms().map_or(0, |ms| i64::try_from(now.as_millis()).unwrap_or(i64::MAX).saturating_sub(ms));
    if behind > 2 * i64::try_from(START_WITHIN.as_millis()).unwrap_or(i64::MAX) {
        let at = job.start_at.as_deref().unwrap_or_default();
        let text = format!("startAt is {at}, more than two years ago; were seconds taken for milliseconds?");
        return Some((Code::InvalidField, text, "startAt"));
    }
    let asks = [("retry", job.retry.is_some()), ("startAt", !ahead.is_zero())];
    let (path, _) = asks.into_iter().find(|(_, is_asked)| policy.tenant_is_user && *is_asked)?;
    let text = format!(
        "this worker holds a job's tenant against its publisher, and takes none with {path}: it would publish the job again, and be its publisher"
    );
    Some((Code::InvalidField, text, path))
}

/// How long a message was on the queue, in microseconds; 0 when the sender's clock is somewhat ahead. Returns `None` if the time of
/// sending cannot be true, such as one in seconds or microseconds instead of milliseconds.
fn queued_us(envelope: &Envelope, now: Duration) -> Option<u64> {
    /// The largest believable age of a job that had to wait for its start: it may wait until then, and for long after that.
    const BEHIND_MAX: Duration = Duration::from_secs(2 * START_WITHIN.as_secs());
    /// How far ahead the sender's clock may be: clocks are corrected within that time.
    const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);
    let at = Duration::from_millis(envelope.enqueued_at_ms?);
    let (queued, ahead) = (now.saturating_sub(at), at.saturating_sub(now));
    let behind_max = if envelope.not_before_ms.is_some() { BEHIND_MAX } else { START_WITHIN };
    (queued <= behind_max && ahead <= AHEAD_MAX).then(|| u64::try_from(queued.as_micros()).unwrap_or(u64::MAX))
}

/// Whether the message names a time of sending that cannot be true.
pub fn is_misdated(envelope: &Envelope, now: Duration) -> bool {
    envelope.enqueued_at_ms.is_some() && queued_us(envelope, now).is_none()
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
        let around = Around { envelope: envelope.clone(), ..Around::default() };
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
        // The sender's clock may be ahead.
        let envelope = Envelope { enqueued_at_ms: Some(11_000), ..envelope };
        assert_eq!(take(&job, &envelope, &policy()).unwrap().queued_us, Some(0));
    }

    #[test]
    fn a_time_that_cannot_be_is_not_believed() {
        let now = Duration::from_secs(1_795_572_500);
        let sent = |at: u64| Envelope { enqueued_at_ms: Some(at), ..Envelope::default() };
        let queued = |at| queued_us(&sent(at), now);
        assert_eq!(queued(1_795_572_491_000), Some(9_000_000));
        assert_eq!(queued(1_795_572_501_000), Some(0), "the other clock is ahead");
        for (unit, at) in [("seconds", 1_795_572_491), ("microseconds", 1_795_572_491_000_000), ("nonsense", 7)] {
            assert_eq!(queued(at), None, "{unit}");
            assert!(is_misdated(&sent(at), now), "{unit}");
        }
        assert!(!is_misdated(&Envelope::default(), now));
        let mut early = job();
        early["startAt"] = json!("1970-01-21T18:46:12Z");
        let refused = read(early.to_string().as_bytes(), &Around::default(), now, &policy()).unwrap_err();
        assert_eq!(refused.ending.code(), Some(Code::InvalidField));
    }

    #[test]
    fn fields_of_a_newer_contract_are_not_called_wrong() {
        let mut newer = job();
        newer["priority"] = json!(3);
        let code = |job: &serde_json::Value| take(job, &Envelope::default(), &policy()).unwrap_err().ending.code();
        assert_eq!(code(&newer), Some(Code::InvalidField));
        newer["contract"] = json!(CONTRACT + 1);
        assert_eq!(code(&newer), Some(Code::NewerContract));
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
        let with = |name: &str, value: serde_json::Value| {
            let mut job = job();
            job[name] = value;
            take(&job, &envelope, &policy()).unwrap_err()
        };
        let cases = [
            (with("limits", json!({ "wallTimeMs": "5s" })), "a", "acme"),
            (with("colour", json!(1)), "a", "acme"),
            (with("id", json!(7)), "m", "acme"),
            (with("tenant", json!("Acme")), "a", ""),
            (with("input", json!("x".repeat(20_000))), "a", "acme"),
        ];
        for (outcome, id, tenant) in cases {
            assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), (id, tenant), "{outcome:?}");
        }
        let sound = job().to_string();
        let broken = read(&sound.as_bytes()[..sound.len() - 1], &Around::default(), Duration::ZERO, &policy());
        assert_eq!(broken.unwrap_err().job_id, "a");
        let user = Policy { tenant_is_user: true, ..policy() };
        let outcome = take(&job(), &envelope, &user).unwrap_err();
        assert_eq!((outcome.job_id.as_str(), outcome.tenant.as_str()), ("a", "acme"));
        assert_eq!(outcome.ending.code(), Some(Code::TenantMismatch));
        let acme = Envelope { user_id: Some("acme".to_owned()), ..envelope };
        assert!(take(&job(), &acme, &user).is_ok());
    }

    #[test]
    fn a_limit_holds_as_asked_and_one_above_the_workers_is_refused_by_name() {
        let mut job = job();
        job["limits"] = json!({ "wallTimeMs": 50, "strictLogs": true });
        let accepted = take(&job, &Envelope::default(), &policy()).unwrap();
        let expected = Limits { wall_time: Duration::from_millis(50), strict_logs: true, ..Limits::default() };
        assert_eq!(accepted.limits, expected);
        job["limits"]["wallTimeMs"] = json!(60_000);
        let refused = take(&job, &Envelope::default(), &policy()).unwrap_err();
        let Ending::Rejected(rejection) = refused.ending else { panic!("{:?}", refused.ending) };
        assert_eq!((rejection.code, rejection.path.as_deref()), (Code::LimitAboveWorker, Some("limits.wallTimeMs")));
        assert_eq!(rejection.message, "limits.wallTimeMs is 60000 milliseconds, above this worker's 30000");
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
