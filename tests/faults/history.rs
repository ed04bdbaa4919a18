//! What happened, as the process engine saw it, and whether the promises were kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use serde_json::Value;

/// Something that happened, and how long after the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A job was sent, for the first time or again. Its outcome must have this status.
    Published { job: String, expects: &'static str },
    /// The broker confirmed the job.
    Confirmed { job: String },
    /// A worker ran the job to its end, as the worker's log says.
    Ended { job: String, worker: usize },
    /// An outcome of a job came.
    Received(Receipt),
    /// A job came to the dead letters; its message says what happened to it before.
    SetAside { job: String, history: Vec<String> },
    /// A fault of the plan begins.
    Struck { step: usize },
    /// The fault is over, and what it took away is back.
    Healed { step: usize },
    /// No more faults come.
    Calm,
}

/// An outcome that came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Receipt {
    /// The job that the outcome names as its own.
    pub(crate) job: String,
    /// The job whose correlation id the message has.
    pub(crate) answers: String,
    pub(crate) status: String,
    /// The part that must be the same however often the job runs: status, values, code and fuel.
    pub(crate) content: String,
    /// The broker had delivered this very message before.
    pub(crate) is_redelivered: bool,
}

impl Receipt {
    /// The receipt of an outcome, wherever it came.
    pub(crate) fn new(answers: String, outcome: &Value, is_redelivered: bool) -> Self {
        let text = |field: &str| outcome[field].as_str().unwrap_or_default().to_owned();
        let values = outcome["results"].as_array().into_iter().flatten().map(|result| &result["value"]);
        let values: Vec<_> = values.chain([&outcome["value"]]).map(ToString::to_string).collect();
        let (code, fuel) = (&outcome["error"]["code"], &outcome["usage"]["fuel"]);
        let content = format!("{} {} {code} {fuel}", text("status"), values.join(" "));
        Self { job: text("jobId"), answers, status: text("status"), content, is_redelivered }
    }
}

/// An outcome that nothing explains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unexplained {
    /// Nobody sent that job.
    OfNobody(String),
    /// The message answers one job and holds the outcome of another.
    OfAnother { answers: String, job: String },
    /// Two outcomes of the job differ.
    Differs { job: String, first: String, second: String },
    /// The outcome does not have the status that the job must end with.
    Unexpected { job: String, expected: String, content: String },
}

impl fmt::Display for Unexplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfNobody(job) => write!(f, "{job}: an outcome, and no such job"),
            Self::OfAnother { answers, job } => write!(f, "{answers}: answered with the outcome of {job}"),
            Self::Differs { job, first, second } => write!(f, "{job}: outcomes differ: {first} and {second}"),
            Self::Unexpected { job, expected, content } => write!(f, "{job}: {expected} was expected, not {content}"),
        }
    }
}

/// What became of the jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) published: usize,
    pub(crate) confirmed: usize,
    /// Jobs sent again since no confirm had come.
    pub(crate) published_again: usize,
    /// Jobs that have an outcome.
    pub(crate) answered: usize,
    /// Jobs that were confirmed and have no outcome.
    pub(crate) lost: Vec<String>,
    pub(crate) unexplained: Vec<Unexplained>,
    /// Outcomes beyond a job's first.
    pub(crate) duplicates: usize,
    /// Outcomes that the broker delivered twice, since their acknowledgement was lost.
    pub(crate) redelivered: usize,
    /// Jobs that workers say they ran more than once.
    pub(crate) repeated: usize,
    /// What happened to the lost jobs that came to the dead letters.
    pub(crate) set_aside: Vec<(String, Vec<String>)>,
}

/// Judges a complete history. The order of its entries does not matter.
pub(crate) fn judge(history: &[Entry]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut expected = HashMap::new();
    let mut confirmed = HashSet::new();
    let mut runs = HashMap::<&str, usize>::new();
    for Entry { event, .. } in history {
        match event {
            Event::Published { job, expects } => {
                verdict.published_again += usize::from(expected.insert(job.as_str(), *expects).is_some());
            }
            Event::Confirmed { job } => {
                confirmed.insert(job.as_str());
            }
            Event::Ended { job, .. } => *runs.entry(job).or_default() += 1,
            Event::Received(_) | Event::SetAside { .. } | Event::Struck { .. } | Event::Healed { .. } | Event::Calm => {
            }
        }
    }
    let mut answered = BTreeMap::<&str, &str>::new();
    for receipt in receipts(history) {
        verdict.redelivered += usize::from(receipt.is_redelivered);
        match (answered.get(receipt.job.as_str()), explain(receipt, &expected)) {
            (_, Some(why)) => verdict.unexplained.push(why),
            (None, None) => {
                answered.insert(&receipt.job, &receipt.content);
            }
            (Some(first), None) => {
                verdict.duplicates += usize::from(!receipt.is_redelivered);
                if *first != receipt.content {
                    let (job, second) = (receipt.job.clone(), receipt.content.clone());
                    verdict.unexplained.push(Unexplained::Differs { job, first: (*first).to_owned(), second });
                }
            }
        }
    }
    verdict.lost = confirmed.iter().filter(|job| !answered.contains_key(*job)).map(ToString::to_string).collect();
    verdict.lost.sort_unstable();
    let set_aside = history.iter().filter_map(|entry| match &entry.event {
        Event::SetAside { job, history } => Some((job.clone(), history.clone())),
        _ => None,
    });
    verdict.set_aside = set_aside.filter(|(job, _)| verdict.lost.contains(job)).collect();
    (verdict.published, verdict.confirmed, verdict.answered) = (expected.len(), confirmed.len(), answered.len());
    verdict.repeated = runs.values().filter(|runs| **runs > 1).count();
    verdict
}

/// What is wrong with an outcome, without regard to others of its job.
fn explain(receipt: &Receipt, expected: &HashMap<&str, &'static str>) -> Option<Unexplained> {
    let Receipt { job, answers, status, content, .. } = receipt;
    if answers != job {
        return Some(Unexplained::OfAnother { answers: answers.clone(), job: job.clone() });
    }
    match expected.get(job.as_str()) {
        None => Some(Unexplained::OfNobody(job.clone())),
        Some(expected) if expected != status => Some(Unexplained::Unexpected {
            job: job.clone(),
            expected: (*expected).to_owned(),
            content: content.clone(),
        }),
        Some(_) => None,
    }
}

fn receipts(history: &[Entry]) -> impl Iterator<Item = &Receipt> {
    history.iter().filter_map(|entry| match &entry.event {
        Event::Received(receipt) => Some(receipt),
        _ => None,
    })
}

pub(crate) mod tests {
    use super::*;

    fn published(job: &str) -> Event {
        Event::Published { job: job.to_owned(), expects: "succeeded" }
    }

    fn confirmed(job: &str) -> Event {
        Event::Confirmed { job: job.to_owned() }
    }

    fn receipt(job: &str) -> Receipt {
        Receipt {
            job: job.to_owned(),
            answers: job.to_owned(),
            status: "succeeded".to_owned(),
            content: "succeeded 42".to_owned(),
            is_redelivered: false,
        }
    }

    fn history(events: impl IntoIterator<Item = Event>) -> Vec<Entry> {
        events.into_iter().map(|event| Entry { at: Duration::ZERO, event }).collect()
    }

    /// The verdict on three jobs that went well and on further events.
    fn judged(others: impl IntoIterator<Item = Event>) -> Verdict {
        let jobs = ["a", "b", "c"];
        let well = jobs.iter().flat_map(|job| [published(job), confirmed(job), Event::Received(receipt(job))]);
        judge(&history(well.chain(others)))
    }

    pub(crate) fn what_went_well_is_found_well() {
        let all = Verdict { published: 3, confirmed: 3, answered: 3, ..Verdict::default() };
        assert_eq!(judged([]), all);
        // Nobody knows whether a job without a confirm reached the broker, so it may have an outcome or none.
        let unknown = Verdict { published: 4, ..all };
        assert_eq!(judged([published("d")]), unknown);
        let came = judged([published("d"), Event::Received(receipt("d"))]);
        assert_eq!(came, Verdict { answered: 4, ..unknown });
    }

    pub(crate) fn a_lost_job_is_found() {
        assert_eq!(judged([published("d"), confirmed("d")]).lost, ["d"]);
        let set_aside = |job: &str| Event::SetAside { job: job.to_owned(), history: vec!["a process died".to_owned()] };
        let verdict = judged([published("d"), confirmed("d"), set_aside("a"), set_aside("d")]);
        assert_eq!((verdict.lost.len(), verdict.set_aside.len()), (1, 1));
        assert_eq!(verdict.set_aside[0].0, "d", "others have their outcome");
    }

    pub(crate) fn an_outcome_of_nobody_is_found() {
        let verdict = judged([Event::Received(receipt("d"))]);
        assert_eq!(verdict.unexplained, [Unexplained::OfNobody("d".to_owned())]);
        assert_eq!(verdict.answered, 3);
    }

    pub(crate) fn a_differing_outcome_is_found() {
        let other = Receipt { content: "succeeded 43".to_owned(), ..receipt("b") };
        let verdict = judged([Event::Received(other.clone())]);
        assert!(matches!(&verdict.unexplained[..], [Unexplained::Differs { job, .. }] if job == "b"), "{verdict:?}");
        // The same if the broker says that it delivered the message before.
        let verdict = judged([Event::Received(Receipt { is_redelivered: true, ..other })]);
        assert_eq!((verdict.unexplained.len(), verdict.redelivered), (1, 1));
    }

    pub(crate) fn an_unexpected_outcome_is_found() {
        let failed = Receipt { status: "failed".to_owned(), content: "failed SM1001".to_owned(), ..receipt("d") };
        let verdict = judged([published("d"), confirmed("d"), Event::Received(failed)]);
        assert!(matches!(&verdict.unexplained[..], [Unexplained::Unexpected { job, .. }] if job == "d"), "{verdict:?}");
    }

    pub(crate) fn a_duplicate_under_another_id_is_found() {
        // The outcome of another job, in the place of a job's own, leaves the job without one.
        let other = Receipt { answers: "d".to_owned(), ..receipt("a") };
        let verdict = judged([published("d"), confirmed("d"), Event::Received(other)]);
        assert_eq!(verdict.unexplained, [Unexplained::OfAnother { answers: "d".to_owned(), job: "a".to_owned() }]);
        assert_eq!((verdict.lost, verdict.duplicates), (vec!["d".to_owned()], 0));
    }

    pub(crate) fn duplicates_are_counted() {
        let again = Receipt { is_redelivered: true, ..receipt("c") };
        let verdict = judged([
            published("a"),
            confirmed("a"),
            Event::Received(receipt("a")),
            Event::Received(receipt("a")),
            Event::Received(again),
        ]);
        assert_eq!((verdict.published, verdict.published_again), (3, 1));
        assert_eq!((verdict.duplicates, verdict.redelivered), (2, 1));
        assert_eq!((verdict.lost.len(), verdict.unexplained.len()), (0, 0));
    }

    pub(crate) fn runs_that_were_repeated_are_counted() {
        let ended = |job: &str, worker| Event::Ended { job: job.to_owned(), worker };
        assert_eq!(judged([ended("a", 0), ended("b", 1), ended("a", 2), ended("a", 0)]).repeated, 1);
    }
}
