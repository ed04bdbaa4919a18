//! What happens to a fleet: the jobs that arrive, and what goes wrong meanwhile.

use serde::Serialize;

/// One job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Job {
    /// When it arrives, in seconds from the start of the trace.
    pub at: f64,
    /// How long it holds a slot, in seconds.
    pub service: f64,
    /// How long it then waits on the host, in seconds. It needs a place for that, but no slot.
    pub wait: f64,
}

/// What is wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The broker is gone: nothing is published, delivered, heard or settled. Requesters publish afterwards what they could not.
    Outage,
    /// Nothing begins and nothing ends, though the broker answers.
    Stall,
    /// The service that the scripts call serves this many jobs at once. With more, all of them take longer.
    Downstream(f64),
    /// This share of heartbeats is lost, 0 to 1.
    LostBeats(f64),
    /// Only the heartbeats of this share of the workers are heard, 0 to 1.
    Heard(f64),
    /// Every second worker's clock is wrong by this many hours.
    Skew(f64),
}

/// A fault and when it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// What is wrong.
    pub fault: Fault,
    /// From when, in seconds.
    pub from: f64,
    /// Until when, in seconds.
    pub to: f64,
}

/// Hours of load.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// Its length, in seconds.
    pub seconds: f64,
    /// Its jobs, the earliest first.
    pub jobs: Vec<Job>,
    /// What goes wrong.
    pub episodes: Vec<Episode>,
    /// When the process that computes the demand is replaced by a fresh one, in seconds.
    pub fresh_at: Option<f64>,
}

/// Why a file of arrivals cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The most jobs of a trace, a bound on memory: 24 bytes each.
const JOBS_MAX: usize = 20_000_000;

impl Trace {
    /// A trace in which nothing happens.
    pub fn empty(name: &str) -> Self {
        Self { name: name.to_owned(), seconds: 0.0, jobs: Vec::new(), episodes: Vec::new(), fresh_at: None }
    }

    /// Reads arrivals as lines `seconds,service[,wait]`, all in seconds; a first line without numbers is a heading. The lines
    /// need not be in order.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn from_csv(name: &str, text: &str) -> Result<Self, Malformed> {
        let mut jobs = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |message: String| Malformed { line: index + 1, message };
            let line = line.trim();
            if line.is_empty() || (index == 0 && !line.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
                continue;
            }
            let fields: Vec<_> = line.split(',').map(str::trim).collect();
            let number = |index: usize, what: &str| -> Result<f64, Malformed> {
                let field = fields.get(index).copied().unwrap_or_default();
                let number: f64 = field.parse().map_err(|_| wrong(format!("{what} is no number: {field:?}")))?;
                let is_time = (0.0..=1e7).contains(&number);
                is_time
                    .then_some(number)
                    .ok_or_else(|| wrong(format!("{what} must be from 0 to 10,000,000 s: {number}")))
            };
            if !(2..=3).contains(&fields.len()) {
                return Err(wrong(format!(
                    "two or three fields are needed, seconds,service[,wait], but there are {}",
                    fields.len()
                )));
            }
            let wait = if fields.len() == 3 { number(2, "wait")? } else { 0.0 };
            jobs.push(Job { at: number(0, "seconds")?, service: number(1, "service")?, wait });
            if jobs.len() > JOBS_MAX {
                return Err(wrong(format!("there are more than {JOBS_MAX} jobs")));
            }
        }
        jobs.sort_by(|one, other| one.at.total_cmp(&other.at));
        let seconds = jobs.last().map_or(0.0, |job| job.at + 60.0);
        Ok(Self { name: name.to_owned(), seconds, jobs, episodes: Vec::new(), fresh_at: None })
    }

    pub(crate) fn during(&self, now: f64) -> impl Iterator<Item = Fault> + '_ {
        self.episodes
            .iter()
            .filter(move |episode| (episode.from..episode.to).contains(&now))
            .map(|episode| episode.fault)
    }

    /// The end of the outage or stall that lasts at `now`, if there is one.
    pub(crate) fn halted_until(&self, now: f64) -> Option<f64> {
        let halts = self.episodes.iter().filter(|episode| matches!(episode.fault, Fault::Outage | Fault::Stall));
        halts.filter(|episode| (episode.from..episode.to).contains(&now)).map(|episode| episode.to).reduce(f64::max)
    }
}
