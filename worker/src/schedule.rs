//! The threads that run scripts, apart from the threads that do I/O. Two further threads prepare new scripts and read long messages.
//!
//! A script hands its thread back after every slice of fuel. All threads serve the same two queues: one for jobs in their
//! first slices, one for long jobs. Short jobs go first, so they wait for slices of long jobs and never for whole long jobs. Every
//! few turns a long job goes first, so that none of them starves. A thread without work takes the next job, whichever thread that
//! job ran on before.
//!
//! Measured beside two endless scripts for each thread: the median of short jobs is 1.17 times what it is alone, and their p99 is
//! 1.04 times, as the median of seven runs (`cargo bench --bench executor`, BENCHMARKS.md).

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use async_task::{Builder, FallibleTask, ScheduleInfo, WithInfo};
use crossbeam_channel::{Receiver, Sender, select};
use scriptmill_sandbox::prepare::defer_to_jobs;

/// A job counts as long after this many turns in a row, of one slice each.
const SHORT_TURNS: u32 = 4;
/// In one of this many turns of a thread, a long job goes first.
const LONG_EVERY: u32 = 4;

/// A task that is ready for a turn, with the number of turns that it has had since it last waited.
type Runnable = async_task::Runnable<AtomicU32>;

/// An executor on threads of its own. Dropping it ends the threads when all its tasks have ended.
pub struct Executor {
    turns: Turns<Sender<Runnable>>,
    /// How many turns have ended on its threads.
    ended: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Turns<Queue> {
    short: Queue,
    long: Queue,
}

impl Executor {
    /// Starts the threads that run jobs.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn new(threads: NonZeroUsize) -> std::io::Result<Self> {
        Self::start(threads, "script", || {})
    }

    /// Starts a thread that prepares scripts and lets jobs go first.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn preparing() -> std::io::Result<Self> {
        Self::start(NonZeroUsize::MIN, "prepare", defer_to_jobs)
    }

    /// Starts a thread that reads long messages.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn reading() -> std::io::Result<Self> {
        Self::start(NonZeroUsize::MIN, "read", || {})
    }

    fn start(threads: NonZeroUsize, name: &str, first: fn()) -> std::io::Result<Self> {
        #[allow(
            clippy::disallowed_methods,
            reason = "bounded by what is spawned: a task is in a queue once at most, and waking must never block"
        )]
        let [short, long] = [(); 2].map(|()| crossbeam_channel::unbounded());
        let queues = Turns { short: short.1, long: long.1 };
        let ended = Arc::<AtomicU64>::default();
        for number in 0..threads.get() {
            let (queues, ended) = (queues.clone(), ended.clone());
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                first();
                queues.serve(&ended);
            })?;
        }
        Ok(Self { turns: Turns { short: short.0, long: long.0 }, ended })
    }

    /// The number of tasks that wait for their turn.
    pub fn due(&self) -> usize {
        self.turns.short.len() + self.turns.long.len()
    }

    /// The number of turns that have ended, of all tasks.
    pub fn turns(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Runs a future on the executor's threads. Its task answers `None` if the future panicked; dropping the task ends
    /// the future at its next turn.
    pub fn spawn<F>(&self, future: F) -> FallibleTask<F::Output, AtomicU32>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let turns = self.turns.clone();
        let schedule = WithInfo(move |runnable, info| turns.schedule(runnable, info));
        let (runnable, task) = Builder::new().metadata(AtomicU32::new(0)).spawn(|_| future, schedule);
        runnable.schedule();
        task.fallible()
    }
}

impl Turns<Sender<Runnable>> {
    fn schedule(&self, runnable: Runnable, info: ScheduleInfo) {
        let had = runnable.metadata();
        // A task that was woken from outside has waited, for a timer or an image.
        let turns = if info.woken_while_running { had.load(Ordering::Relaxed).saturating_add(1) } else { 0 };
        had.store(turns, Ordering::Relaxed);
        let queue = if turns < SHORT_TURNS { &self.short } else { &self.long };
        // The queues are closed only when their threads are gone, and then no thread could run the task.
        let _ = queue.send(runnable);
    }
}

impl Turns<Receiver<Runnable>> {
    fn serve(self, ended: &AtomicU64) {
        let mut turn = 0_u32;
        while let Some(runnable) = self.next(turn) {
            // A panic is that job's alone: its task answers `None`.
            let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
            turn = turn.wrapping_add(1);
            ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for the task whose turn it is. Returns `None` once all senders, and with them all tasks, are gone.
    fn next(&self, turn: u32) -> Option<Runnable> {
        let queues =
            if turn.is_multiple_of(LONG_EVERY) { [&self.long, &self.short] } else { [&self.short, &self.long] };
        queues.into_iter().find_map(|queue| queue.try_recv().ok()).or_else(|| {
            select! {
                recv(self.short) -> runnable => runnable.ok(),
                recv(self.long) -> runnable => runnable.ok(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::future::poll_fn;
    use std::sync::Mutex;
    use std::task::Poll;

    use super::*;

    /// Takes `turns` turns in a row and writes its name to the log at each.
    async fn taking_turns(name: char, turns: u32, log: Arc<Mutex<String>>) {
        let mut left = turns;
        poll_fn(|context| {
            log.lock().unwrap().push(name);
            context.waker().wake_by_ref();
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[tokio::test]
    async fn a_short_job_overtakes_long_ones() {
        let executor = Executor::new(NonZeroUsize::MIN).unwrap();
        let log = Arc::<Mutex<String>>::default();
        let long = ['l', 'm'].map(|name| executor.spawn(taking_turns(name, 1_000_000, log.clone())));
        while log.lock().unwrap().len() < 100 {
            tokio::task::yield_now().await;
        }
        executor.spawn(taking_turns('s', SHORT_TURNS, log.clone())).await.unwrap();
        drop(long);
        let log = log.lock().unwrap();
        let between = &log[log.find('s').unwrap()..log.rfind('s').unwrap()];
        assert!(between.matches(['l', 'm']).count() <= 1, "the short job waited for the long ones: {between}");
    }

    /// Short jobs without a gap: each starts the next one as it runs, while some are left.
    fn follow(executor: &Arc<Executor>, left: &Arc<AtomicU32>) {
        let (next, left) = (executor.clone(), left.clone());
        let short = async move {
            let less = |left: u32| left.checked_sub(1);
            if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
                follow(&next, &left);
            }
        };
        executor.spawn(short).detach();
    }

    #[tokio::test]
    async fn a_long_job_is_not_starved_by_short_ones() {
        let executor = Arc::new(Executor::new(NonZeroUsize::MIN).unwrap());
        let left = Arc::new(AtomicU32::new(100_000));
        follow(&executor, &left);
        executor.spawn(taking_turns('l', 200, Arc::default())).await.unwrap();
        assert!(left.swap(0, Ordering::SeqCst) > 0, "the long job had its turns only once there were no short ones");
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_job_alone() {
        let executor = Executor::new(NonZeroUsize::MIN).unwrap();
        let broken = executor.spawn(async {
            if true {
                std::panic::resume_unwind(Box::new("gone"))
            }
        });
        assert!(broken.await.is_none());
        assert_eq!(executor.spawn(async { 1 }).await, Some(1));
    }

    #[tokio::test]
    async fn a_dropped_task_runs_no_further() {
        let executor = Executor::new(NonZeroUsize::MIN).unwrap();
        let turns = Arc::<AtomicU32>::default();
        let counted = turns.clone();
        let endless = executor.spawn(poll_fn::<(), _>(move |context| {
            context.waker().wake_by_ref();
            counted.fetch_add(1, Ordering::SeqCst);
            Poll::Pending
        }));
        while turns.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        drop(endless);
        // The one thread is free again, and the endless task is over: a test that hangs here has failed.
        executor.spawn(async {}).await.unwrap();
        while Arc::strong_count(&turns) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
