//! Jobs with which a worker died run apart from others.
//!
//! Which of the jobs that a worker held has killed it, nobody says: all of them are delivered again. So each that is delivered again
//! goes to a queue of its own, from which every worker takes a few at a time, and runs there in a process that holds no connection to
//! the broker. That process dies alone, and the worker sees it. Most of these jobs were merely there, so they run side by side (`places.rs`);
//! those over which a process dies again run alone from then on, so that a death says whose it was.

mod lane;
mod places;
mod processes;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::{Isolated, Ran};
use crate::rules::Rules;

pub(crate) use lane::Lane;
pub(crate) use places::{Places, SLOTS_OF_A_JOB};
pub use processes::{Processes, serve};

/// More processes than that help no machine.
const SLOTS_MAX: usize = 64;
/// With fewer a job would be set aside for having been there when another one killed its worker.
const DEATHS: std::ops::RangeInclusive<usize> = 2..=100;

/// How jobs run with which a worker died.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Processes in which jobs run in quarantine. Each is started when it is needed, and has the memory for one job; further jobs there take
    /// two slots of the worker each. With 0 this worker runs jobs that are delivered again beside all others.
    #[schemars(range(max = SLOTS_MAX))]
    pub slots: u16,
    /// Processes that may die while they run one job, the worker that had it first among them, before it is set aside.
    #[schemars(range(min = *DEATHS.start(), max = *DEATHS.end()))]
    pub deaths: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { slots: 1, deaths: 3 }
    }
}

impl Options {
    /// Holds the options against their ranges.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        rules.within("slots", usize::from(self.slots), ..=SLOTS_MAX, "");
        rules.within("deaths", self.deaths as usize, DEATHS, "the first death says nothing of the job");
    }
}

/// Runs jobs in processes that may die.
pub trait Isolation: Send + Sync + 'static {
    /// Reads a message and runs the job that it is, in the process of this number.
    fn run<'a>(&'a self, job: &'a Isolated, process: usize) -> BoxFuture<'a, Result<Ran, Failed>>;

    /// There has been nothing to run for a while.
    fn rest(&self);
}

/// Why a job has no outcome.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The process died over it, in this way.
    #[error("{0}")]
    Died(String),
    /// The process died while it ran other jobs too. Which of them it died over, nobody knows.
    #[error("{0}")]
    Beside(String),
    /// There is no process to run it. The job is not at fault.
    #[error("{0}")]
    Unavailable(String),
}
