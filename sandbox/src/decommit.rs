//! Gives the kernel back what jobs wrote to.
//!
//! The pool keeps a memory resident between two jobs, since to make the pages good again that were written to takes less time than
//! to have them mapped anew. But what one job wrote to is made good after every later one there: a trivial job took 39 µs, and not
//! 15, once another one had written to all of it. So one job in [`EVERY`] gives its memory's pages back.

use std::cell::Cell;

use wasmtime::{Memory, Store};

use crate::guest::Guest;

/// Of so many jobs of a thread, one gives back. With the page faults of the next one that is 42 µs (trivial) or 95 (order), so that it costs each
/// job 0.7 or 1.5.
const EVERY: u32 = 64;

/// Whether this job of the thread is one that gives back.
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
    // SAFETY: the range is linear memory, in whole pages, which the pool maps privately from a file or from zeros: what it reads as
    // afterwards is what it was mapped as. It is borrowed, so nobody else reads it now.
    let given_back = unsafe { madvise(memory.as_mut_ptr().cast(), memory.len(), Advice::LinuxDontNeed) };
    if let Err(error) = given_back {
        tracing::debug!(%error, "pages are not given back");
    }
}

/// Elsewhere the pool does without.
#[cfg(not(target_os = "linux"))]
pub(crate) fn decommit(_: Memory, _: &mut Store<Guest>) {}
