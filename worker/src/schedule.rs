//! The threads that run scripts, apart from the threads that do I/O.
//!
//! A script hands its thread back after every slice of fuel and goes to the end of one queue that all threads serve:
//! long and short jobs take turns, and a thread without work takes the next job whosever it was before.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use async_task::{FallibleTask, Runnable};
use crossbeam_channel::Sender;

/// An executor on threads of its own. Dropping it ends the threads when all its tasks have ended.
pub struct Executor {
    turns: Sender<Runnable>,
}

impl Executor {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn new(threads: NonZeroUsize) -> std::io::Result<Self> {
        #[allow(
            clippy::disallowed_methods,
            reason = "bounded by what is spawned: a task is in the queue once at most, and waking must never block"
        )]
        let (turns, queue) = crossbeam_channel::unbounded::<Runnable>();
        for number in 0..threads.get() {
            let queue = queue.clone();
            thread::Builder::new().name(format!("script-{number}")).spawn(move || {
                for runnable in queue {
                    // A panic is that job's alone: its task answers `None`.
                    let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
                }
            })?;
        }
        Ok(Self { turns })
    }

    /// Runs a future on the executor's threads. Its task answers `None` if the future panicked; dropping the task ends
    /// the future at its next turn.
    pub fn spawn<F>(&self, future: F) -> FallibleTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let turns = self.turns.clone();
        let (runnable, task) = async_task::spawn(future, move |runnable| {
            // The queue is only closed when its threads are gone, and then nothing is left to run it.
            let _ = turns.send(runnable);
        });
        runnable.schedule();
        task.fallible()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::Poll;

    use super::*;

    /// Takes `turns` turns and writes its name down at each.
    async fn taking_turns(name: char, turns: u32, log: Arc<Mutex<String>>, gate: Arc<AtomicBool>) {
        let mut left = turns;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if !gate.load(Ordering::SeqCst) {
                thread::yield_now();
                return Poll::Pending;
            }
            log.lock().unwrap().push(name);
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[tokio::test]
    async fn a_short_job_overtakes_a_long_one() {
        let executor = Executor::new(NonZeroUsize::MIN).unwrap();
        let (log, gate) = (Arc::<Mutex<String>>::default(), Arc::<AtomicBool>::default());
        let long = executor.spawn(taking_turns('l', 100, log.clone(), gate.clone()));
        let short = executor.spawn(taking_turns('s', 3, log.clone(), gate.clone()));
        gate.store(true, Ordering::SeqCst);
        short.await.unwrap();
        long.await.unwrap();
        let log = log.lock().unwrap();
        let before = log[..log.rfind('s').unwrap()].matches('l').count();
        assert!(before <= 4, "the short job waited for {before} turns of the long one");
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
