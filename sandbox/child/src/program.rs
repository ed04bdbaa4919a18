//! Which program is the child, and what it may use.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The program to run as the child.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its path. It gets no environment.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What children may use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Children at one time, each with a request of its own. They are started when there is a request for them.
    pub children: usize,
    /// Address space of each in bytes, stacks included; [`u64::MAX`] bounds it not.
    pub memory_bytes: u64,
    /// Processor time of a child for one request.
    pub time: Duration,
    /// Time by the clock for one request, for a child that gets no processor: far more than `time`.
    pub wall_time: Duration,
    /// Requests that may wait for a child. The callers of further ones wait until there is room.
    pub queue: usize,
    /// Length of an answer in bytes.
    pub answer_bytes: u32,
}
