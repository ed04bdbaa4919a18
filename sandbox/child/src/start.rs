//! Starting a child again and again.

use std::thread;
use std::time::{Duration, Instant};

use crate::process::Running;
use crate::program::{Bounds, Program};

/// Starts that may fail in a row before a request is given up.
const STARTS_MAX: u32 = 3;
/// The pause after the first failed start; it doubles with each one up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Starts children, with growing pauses while they fail to.
pub(crate) struct Starter<'a> {
    program: &'a Program,
    pub(crate) bounds: &'a Bounds,
    failures: u32,
    next: Instant,
}

impl<'a> Starter<'a> {
    pub(crate) fn new(program: &'a Program, bounds: &'a Bounds) -> Self {
        Self { program, bounds, failures: 0, next: Instant::now() }
    }

    /// Starts a child, in several attempts if need be.
    pub(crate) fn start(&mut self) -> Result<Running, String> {
        let mut left = STARTS_MAX;
        loop {
            thread::sleep(self.next.saturating_duration_since(Instant::now()));
            match Running::start(self.program, self.bounds) {
                Ok(running) => {
                    self.failures = 0;
                    return Ok(running);
                }
                Err(why) => {
                    let pause = PAUSE.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
                    self.failures += 1;
                    self.next = Instant::now() + pause;
                    tracing::warn!(why, failures = self.failures, "a child process could not be started");
                    left -= 1;
                    if left == 0 {
                        return Err(why);
                    }
                }
            }
        }
    }
}
