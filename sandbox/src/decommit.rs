//! Gives pages that jobs wrote to back to the kernel.
//!
//! The pool keeps a memory resident between two jobs, since resetting the pages that were written to takes less time than mapping
//! them anew. But a page that one job wrote to is reset after every later job in the same memory: a trivial job took 39 µs
//! instead of 15 once another job had written to all of its memory. So one job in [`EVERY`] gives its memory's pages back.

use std::cell::Cell;

use wasmtime::{Memory, Store};

use crate::guest::Guest;

/// One job in `EVERY` on a thread gives its pages back. With the page faults of the next job that takes 42 µs (trivial) or 95 µs
/// (order), so it costs each job 0.7 µs or 1.5 µs.
const EVERY: u32 = 64;

/// Whether this job of the thread gives its pages back.
pub(crate) fn is_due() -> bool {
    thread_local!(static JOBS: Cell<u32> = const { Cell::new(0) });
    JOBS.with(|jobs| {
        jobs.set((jobs.get() + 1) % EVERY);
        jobs.get() == 0
    })
}

/// Gives back the pages of a memory that nobody reads any more.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the kernel takes an address on trust")]
pub(crate) fn decommit(memory: Memory, store: &mut Store<Guest>) {
    use rustix::mm::{Advice, madvise};
    let memory = memory.data_mut(store);
    // SAFETY: the range is linear memory, in whole pages, which the pool maps privately from a file or from zeros: afterwards it
    // reads as it was mapped. The memory is borrowed, so nobody else reads it now.
    let given_back = unsafe { madvise(memory.as_mut_ptr().cast(), memory.len(), Advice::LinuxDontNeed) };
    if let Err(error) = given_back {
        tracing::debug!(%error, "pages are not given back");
    }
}

/// On other systems the pages stay with the pool.
#[cfg(not(target_os = "linux"))]
pub(crate) fn decommit(_: Memory, _: &mut Store<Guest>) {}
