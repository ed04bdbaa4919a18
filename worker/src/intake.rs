//! From a message to a job, or to the outcome that says why it is none. Pure: what a message is taken for depends on
//! the message, the worker's bounds and the time alone.

use std::time::SystemTime;

use scriptmill_sdk::amqp::Envelope;
use scriptmill_sdk::{Code, Ending, InvalidJob, Job, Limits, Outcome, Rejection, Usage};

use crate::broker::Message;

/// What a worker takes at most, and on which conditions.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The largest message, in bytes.
    pub message_bytes_max: u64,
    /// The largest input, in bytes.
    pub input_bytes_max: u64,
    /// The highest limits of any job.
    pub limits: Limits,
    /// A job's tenant must be the AMQP user who published it.
    pub tenant_is_user: bool,
    /// The hash of the engine, which every outcome names.
    pub engine: String,
}

impl Policy {
    fn rejected(
        &self,
        rejection: Rejection,
        job_id: String,
        tenant: String,
        queued_us: Option<u64>,
    ) -> Outcome {
        let mut usage = Usage::default();
        usage.times.queued_us = queued_us;
        Outcome {
            job_id,
            tenant,
            ending: Ending::Rejected(rejection),
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

/// Reads a message.
///
/// # Errors
/// The outcome `rejected` of a message that is no job for this worker.
pub fn read(
    message: &Message,
    envelope: &Envelope,
    redelivered: bool,
    received_at: SystemTime,
    policy: &Policy,
) -> Result<Accepted, Box<Outcome>> {
    let queued_us = envelope
        .enqueued_at_ms
        .map(|at| micros_since(at, received_at));
    let unreadable = |code, message: String, path: Option<String>| {
        let rejection = Rejection {
            code,
            message,
            path,
        };
        let job_id = envelope.message_id.clone().unwrap_or_default();
        Box::new(policy.rejected(rejection, job_id, String::new(), queued_us))
    };
    let length = message.body.len() as u64;
    if length > policy.message_bytes_max {
        let text = format!(
            "the message has {length} bytes; this worker takes {} at most",
            policy.message_bytes_max
        );
        return Err(unreadable(Code::MessageTooLarge, text, None));
    }
    if let Err(error) = envelope.encoding() {
        return Err(unreadable(Code::NotJson, error.to_string(), None));
    }
    let job = Job::from_slice(&message.body).map_err(|error| match error {
        InvalidJob::NotJson(_) => unreadable(Code::NotJson, error.to_string(), None),
        InvalidJob::Field { path, message } => unreadable(Code::InvalidField, message, Some(path)),
    })?;
    let refuse = |code, message: String, path: &str| {
        let rejection = Rejection {
            code,
            message,
            path: Some(path.to_owned()),
        };
        Box::new(policy.rejected(rejection, job.id.clone(), job.tenant.clone(), queued_us))
    };
    let input = job.input.get().len() as u64;
    if input > policy.input_bytes_max {
        let text = format!(
            "the input has {input} bytes; this worker takes {} at most",
            policy.input_bytes_max
        );
        return Err(refuse(Code::InputTooLarge, text, "input"));
    }
    let limits = policy.limits.lowered(&job.limits).map_err(|error| {
        refuse(
            Code::LimitAboveWorker,
            error.to_string(),
            &format!("limits.{}", error.field),
        )
    })?;
    if policy.tenant_is_user && envelope.user_id.as_deref() != Some(job.tenant.as_str()) {
        let user = envelope
            .user_id
            .as_deref()
            .unwrap_or("nobody (the message has no user_id)");
        let text = format!(
            "the tenant is {}, but the message was published by {user}",
            job.tenant
        );
        return Err(refuse(Code::TenantMismatch, text, "tenant"));
    }
    let (deadline_ms, clock_ms) = (
        instant_ms(job.deadline.as_deref()),
        instant_ms(job.clock.as_deref()),
    );
    Ok(Accepted {
        limits,
        attempt: attempt(message, envelope, redelivered),
        deadline_ms,
        clock_ms,
        queued_us,
        job,
    })
}

/// The attempt: what workers counted when they gave the job back, and what the broker counted when they died with it.
/// RabbitMQ 3.10 has its count in every delivery; 4.x leaves it away where it is 0, and some versions altogether.
pub(crate) fn attempt(message: &Message, envelope: &Envelope, redelivered: bool) -> u32 {
    let counted = message.properties.headers().as_ref().and_then(|headers| {
        match headers.inner().get("x-delivery-count")? {
            lapin::types::AMQPValue::LongLongInt(n) => u32::try_from(*n).ok(),
            lapin::types::AMQPValue::LongInt(n) => u32::try_from(*n).ok(),
            lapin::types::AMQPValue::LongUInt(n) => Some(*n),
            _ => None,
        }
    });
    envelope
        .attempt
        .saturating_add(counted.unwrap_or(0).max(u32::from(redelivered)))
}

/// From an instant in milliseconds since the epoch until `now`; none when the other clock is ahead.
fn micros_since(at_ms: u64, now: SystemTime) -> u64 {
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_micros();
    u64::try_from(now)
        .unwrap_or(u64::MAX)
        .saturating_sub(at_ms.saturating_mul(1000))
}

/// An RFC 3339 instant in milliseconds since the epoch. Before 1970 is 1970: that deadline has passed as well.
fn instant_ms(text: Option<&str>) -> Option<u64> {
    let instant: jiff::Timestamp = text?.parse().ok()?;
    Some(u64::try_from(instant.as_millisecond()).unwrap_or(0))
}
