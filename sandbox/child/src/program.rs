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

/// What a child may use.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Address space in bytes, stacks included.
    pub memory_bytes: u64,
    /// Time for one request.
    pub time: Duration,
    /// Requests that may wait for the child. The callers of further ones wait until there is room.
    pub queue: usize,
    /// Length of an answer in bytes.
    pub answer_bytes: u32,
}
