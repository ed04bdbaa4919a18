//! The jobs that the laboratory sends. They are of many kinds, and each is a function of its number.

use scriptmill_sdk::amqp::Envelope;
use serde_json::{Value, json};

/// Where a job's outcome is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    /// The engine's queue.
    Engine,
    /// The queue of a requester who does not always read.
    Stubborn,
    /// The exchange for results.
    Results,
}

/// One job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
    pub(crate) replies: Replies,
    /// The status that its outcome must have.
    pub(crate) expects: &'static str,
}

const TRIVIAL: &str = "export default (n: number) => ({ n, dice: Math.random() });";
const SLEEPING: &str = "export default async (n: number) => { await sleep(n % 1000); return n; };";
/// Ends differently each time that it runs.
const TIMED: &str = "export default (n: number) => ({ n, at: Date.now() });";
const COMPUTING: &str =
    "export default (n: number) => { let sum = 0; for (let i = 0; i < 200_000; i++) sum += i % n; return sum; };";
const THROWING: &str = "export default (n: number) => { throw new RangeError(`not ${n}`); };";
const REFUSED: &str = "export default (n: number) => {";

impl Job {
    /// The job with this number, from 1. With a ledger, some jobs end differently in each run and must have one outcome all the same.
    pub(crate) fn new(number: u64, has_ledger: bool) -> Self {
        let id = Self::id(number);
        let job = |source: &str| json!({ "id": id, "tenant": "acme.sales", "script": script(source), "input": number });
        let (body, expects) = match number % 50 {
            // A message that is no job.
            3 => (Value::String(format!("no job: {number}")), "rejected"),
            13 => (job(REFUSED), "rejected"),
            // A script that no worker has prepared yet.
            23 => (job(&format!("{TRIVIAL} // {number}")), "succeeded"),
            33 => (job(THROWING), "failed"),
            43 => {
                let inputs = [number, number + 1, number + 2];
                let (tenant, script) = ("acme.sales", script(TRIVIAL));
                (json!({ "id": id, "tenant": tenant, "script": script, "inputs": inputs }), "completed")
            }
            rest if has_ledger && rest % 10 == 2 => (job(TIMED), "succeeded"),
            rest if [1, 5, 8].contains(&(rest % 10)) => (job(SLEEPING), "succeeded"),
            rest if rest % 10 == 7 => (job(COMPUTING), "succeeded"),
            _ => (job(TRIVIAL), "succeeded"),
        };
        let replies = match number % 10 {
            4 => Replies::Stubborn,
            6 => Replies::Results,
            _ => Replies::Engine,
        };
        Self { id, body: body.to_string().into_bytes(), replies, expects }
    }

    /// Its id.
    pub(crate) fn id(number: u64) -> String {
        format!("job-{number}")
    }

    /// The envelope of the job with this id.
    pub(crate) fn envelope(id: &str, reply_to: Option<String>) -> Envelope {
        let (message_id, correlation_id) = (Some(id.to_owned()), Some(correlation(id)));
        Envelope { message_id, correlation_id, reply_to, ..Envelope::default() }
    }
}

fn script(source: &str) -> Value {
    json!({ "modules": [{ "name": "main.ts", "source": source }] })
}

/// The correlation id of a job's outcomes.
fn correlation(id: &str) -> String {
    format!("of-{id}")
}

/// The id of the job whose outcomes have this correlation id.
pub(crate) fn correlated(correlation: &str) -> String {
    correlation.strip_prefix("of-").unwrap_or(correlation).to_owned()
}
