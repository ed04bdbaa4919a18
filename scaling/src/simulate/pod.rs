//! One worker of the simulated fleet.

use std::collections::VecDeque;

use crate::beat::{Beat, Level, VERSION};
use crate::sums::{Distribution, Sums};

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Life {
    /// It boots, and works from this time on.
    Booting(f64),
    Active,
    /// It takes no more jobs, and is ended at this time at the latest.
    Leaving(f64),
    /// It ended at this time, with a last heartbeat.
    Gone(f64),
}

#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) life: Life,
    pub(super) created: f64,
    /// Jobs that have a slot.
    pub(super) running: Vec<u32>,
    /// Jobs that wait on the host.
    pub(super) waiting: Vec<u32>,
    /// Jobs taken that have no slot yet.
    pub(super) local: VecDeque<u32>,
    pub(super) sums: Sums,
    counted: f64,
    /// How long it took to be ready, in seconds. `None` for pods that were there from the start.
    boot: Option<f64>,
}

impl Pod {
    pub(super) fn new(created: f64, life: Life) -> Self {
        let boot = match life {
            Life::Booting(ready) => Some(ready - created),
            _ => None,
        };
        let (sums, local) = (Sums::default(), VecDeque::new());
        Self { life, created, running: Vec::new(), waiting: Vec::new(), local, sums, counted: created, boot }
    }

    pub(super) fn is_wanted(&self) -> bool {
        matches!(self.life, Life::Booting(_) | Life::Active)
    }

    /// Counts slots and places in use up to now; to be called before they change.
    pub(super) fn count(&mut self, now: f64) {
        let passed = now - self.counted;
        self.sums.busy_seconds += self.running.len() as f64 * passed;
        self.sums.waiting_seconds += self.waiting.len() as f64 * passed;
        self.counted = now;
    }

    pub(super) fn beat(&mut self, index: usize, now: f64, slots: u32, places: u32) -> Beat {
        self.count(now);
        let is_leaving = matches!(self.life, Life::Leaving(_) | Life::Gone(_));
        Beat {
            version: VERSION,
            process: format!("pod-{index}-{}", self.created),
            group: "default".to_owned(),
            pod: None,
            bounds: None,
            uptime_seconds: now - self.created,
            boot_seconds: self.boot,
            leaving: is_leaving,
            sums: self.sums,
            level: Level {
                consumers: u32::from(!is_leaving),
                slots,
                places,
                busy: self.running.len() as u32,
                waiting: self.waiting.len() as u32,
                unstarted: self.local.len() as u32,
                unsettled: 0,
                oldest_wait_seconds: 0.0,
            },
            waits: Distribution::default(),
            services: Distribution::default(),
            demand: None,
            raised: false,
        }
    }
}
