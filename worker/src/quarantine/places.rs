//! Which jobs run beside which in quarantine, and whose memory they use.
//!
//! Most jobs that come here were merely there when a worker died, and many of them wait for something: one after the other they would take
//! minutes. So those that are not charged run side by side. Each process has the memory for one job; further ones run in the first process,
//! each in place of two jobs of the worker itself: its message and its outcome are there twice, here and in that process. Where a process
//! dies over several jobs, and where a job is charged already, each runs alone in a process, so that its death says whose it was.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, Semaphore};

use crate::job::Slot;
use crate::signals::Signals;

/// Slots of the worker that a job takes for which a process has no memory of its own.
pub(crate) const SLOTS_OF_A_JOB: u32 = 2;

/// The places for jobs in quarantine.
pub(crate) struct Places {
    processes: Vec<Process>,
    /// The worker's slots. `None` where it has fewer than a job takes, since whoever waits for them keeps the one there is from its jobs.
    slots: Option<Arc<Semaphore>>,
    /// Count the worker's slots.
    signals: Arc<Signals>,
}

struct Process {
    /// Held by each job that runs in it; for writing by one that runs alone.
    jobs: Arc<RwLock<()>>,
    /// The memory that the process has for one job.
    memory: Arc<Semaphore>,
}

/// The right of a job to run in a process.
pub(crate) struct Place {
    /// The number of the process.
    pub(crate) process: usize,
    _held: Held,
}

/// What a place consists of: it is freed when this is dropped.
#[allow(dead_code, reason = "held")]
enum Held {
    Alone(OwnedRwLockWriteGuard<()>),
    Own(OwnedRwLockReadGuard<()>, OwnedSemaphorePermit),
    Slots(OwnedRwLockReadGuard<()>, Vec<Slot>),
}

impl Places {
    /// Places in `processes` processes, and in the worker's slots, all of which must be free yet.
    pub(crate) fn new(processes: u16, slots: Arc<Semaphore>, signals: Arc<Signals>) -> Self {
        let slots = Some(slots).filter(|slots| slots.available_permits() >= SLOTS_OF_A_JOB as usize);
        let process = || Process { jobs: Arc::default(), memory: Arc::new(Semaphore::new(1)) };
        Self { processes: (0..processes).map(|_| process()).collect(), slots, signals }
    }

    /// A place beside others. Waits until there is one.
    pub(crate) async fn beside(&self) -> Place {
        let own = self.processes.iter().enumerate().map(|(number, process)| process.own(number).boxed());
        let places: Vec<BoxFuture<'_, Place>> = own.chain([self.of_slots().boxed()]).collect();
        future::select_all(places).await.0
    }

    /// A process for one job alone. Waits until one works on nothing, and lets no other job into it meanwhile.
    pub(crate) async fn alone(&self) -> Place {
        let places = self.processes.iter().enumerate().map(|(number, process)| process.alone(number).boxed());
        future::select_all(places).await.0
    }

    async fn of_slots(&self) -> Place {
        let Some((process, slots)) = self.processes.first().zip(self.slots.as_ref()) else {
            return future::pending().await;
        };
        // In this order: while a job runs alone, those that wait for the process keep no slots from the worker's jobs.
        let jobs = process.jobs.clone().read_owned().await;
        let Ok(mut permits) = slots.clone().acquire_many_owned(SLOTS_OF_A_JOB).await else {
            return future::pending().await;
        };
        let slots = (0..SLOTS_OF_A_JOB).filter_map(|_| Some(Slot::new(permits.split(1)?, &self.signals))).collect();
        Place { process: 0, _held: Held::Slots(jobs, slots) }
    }
}

impl Process {
    async fn own(&self, number: usize) -> Place {
        let Ok(memory) = self.memory.clone().acquire_owned().await else { return future::pending().await };
        let jobs = self.jobs.clone().read_owned().await;
        Place { process: number, _held: Held::Own(jobs, memory) }
    }

    async fn alone(&self, number: usize) -> Place {
        Place { process: number, _held: Held::Alone(self.jobs.clone().write_owned().await) }
    }
}
