//! A linear memory that can be instantiated again and again.
//!
//! wasmtime's pool hands a memory out without a system call or a page fault only to the module that it held last. With a module
//! for each script, and more scripts than memories, each job paid for an `mmap` and some twenty faults: more than a trivial job
//! itself takes. So every script begins with the memory of one module, the base of all, and the difference of its own memory is
//! copied over it. A memory whose difference is larger than [`COPIED_MAX`] is a module of its own.

mod difference;
mod mapped;

use std::sync::Arc;

use wasmtime::{Memory, Store};

use crate::guest::Guest;
use crate::interface::Interface;
use crate::trap::Trap;
use difference::Difference;
use mapped::Mapped;

/// The largest difference that is copied for each job, in bytes. Copying 92 KB takes 8 µs more than mapping a memory whose module was the
/// last in that place of the pool; 340 KB take 27 µs more and 650 KB 67 µs more. Where another module was the last, mapping takes 120 µs.
const COPIED_MAX: usize = 256 << 10;

/// A memory to start from.
pub(crate) struct Snapshot {
    mapped: Arc<Mapped>,
    difference: Difference,
    /// Bytes that it takes in memory.
    pub(crate) size: usize,
    /// Whether the memory is a module of its own.
    pub(crate) is_mapped: bool,
}

impl Snapshot {
    /// A memory of this content, in a module of its own.
    fn mapped(interface: &Interface, content: &[u8]) -> wasmtime::Result<Self> {
        let mapped = Mapped::new(interface, content)?;
        let size = mapped.size;
        Ok(Self { mapped: Arc::new(mapped), difference: Difference::default(), size, is_mapped: true })
    }

    /// A fresh copy, in a store that has no memory yet.
    pub(crate) async fn instantiate(&self, store: &mut Store<Guest>) -> Result<Memory, Trap> {
        let memory = self.mapped.instantiate(store).await?;
        self.difference.apply(memory, store).await?;
        Ok(memory)
    }
}

/// The memory that all scripts begin with.
pub(crate) struct Base {
    /// The memory in which images are made. The top level of a script and the compiler write to many more pages than jobs do, and
    /// a page of the pool that was written to once is reset after every later job in that memory. So jobs have other memories,
    /// those of another module.
    pub(crate) snapshot: Snapshot,
    of_jobs: Arc<Mapped>,
    content: Vec<u8>,
}

impl Base {
    pub(crate) fn new(interface: &Interface, content: Vec<u8>) -> wasmtime::Result<Self> {
        let of_jobs = Arc::new(Mapped::new(interface, &content)?);
        Ok(Self { snapshot: Snapshot::mapped(interface, &content)?, of_jobs, content })
    }

    /// A memory of this content, which began as a copy of the base.
    pub(crate) fn changed_to(&self, interface: &Interface, content: &[u8]) -> wasmtime::Result<Snapshot> {
        match Difference::between(&self.content, content, COPIED_MAX) {
            Some(difference) => {
                let mapped = self.of_jobs.clone();
                Ok(Snapshot { mapped, size: difference.size(), difference, is_mapped: false })
            }
            None => Snapshot::mapped(interface, content),
        }
    }
}
