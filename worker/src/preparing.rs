//! Jobs whose script is being prepared. Such a job holds no slot and in effect no place in the prefetch window, so that jobs behind
//! it whose script is ready go ahead.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use scriptmill_sdk::Bundle;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// How many copies of its message a job in preparation holds: the message as it came, and the job as it was read.
const COPIES: u64 = 2;
/// The memory that a job in preparation takes beside its message, in bytes.
const OVERHEAD_BYTES: u64 = 4 << 10;

/// How much is being prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// The number of different scripts.
    pub(crate) scripts: usize,
    /// The number of jobs.
    pub(crate) jobs: usize,
    /// The memory that the jobs take.
    pub(crate) bytes: u64,
}

/// All jobs in preparation.
pub(crate) struct Preparing {
    load: watch::Sender<Load>,
    /// The number of jobs in preparation for each script, by the script's hash.
    scripts: Mutex<HashMap<u64, usize>>,
    hasher: RandomState,
    metrics: Metrics,
}

impl Preparing {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { load: watch::Sender::default(), scripts: Mutex::default(), hasher: RandomState::new(), metrics }
    }

    /// Watches how much is being prepared.
    pub(crate) fn watch(&self) -> watch::Receiver<Load> {
        self.load.subscribe()
    }

    /// The queue in which a tenant's scripts wait to be prepared. Each tenant has its own, so that tenants take turns.
    pub(crate) fn queue(&self, tenant: &str) -> u64 {
        self.hasher.hash_one(tenant)
    }

    /// Counts a job of this script whose message has `message_bytes`, for as long as the returned place lives.
    pub(crate) fn enter(&self, script: &Bundle, message_bytes: usize) -> Place<'_> {
        let key = self.hasher.hash_one(script);
        let bytes = COPIES * message_bytes as u64 + OVERHEAD_BYTES;
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = scripts.entry(key).or_default();
        *jobs += 1;
        let is_first = *jobs == 1;
        self.load.send_modify(|load| {
            let Load { jobs, bytes: before, .. } = *load;
            *load = Load { scripts: scripts.len(), jobs: jobs + 1, bytes: before + bytes };
        });
        self.metrics.preparing.inc();
        Place { preparing: self, key, bytes, is_first }
    }
}

/// The place of one job in preparation.
pub(crate) struct Place<'a> {
    preparing: &'a Preparing,
    key: u64,
    bytes: u64,
    /// Whether no other job of its script was being prepared when it came.
    pub(crate) is_first: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self { preparing, key, bytes, .. } = self;
        let mut scripts = preparing.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = scripts.get_mut(key) {
            *jobs -= 1;
            if *jobs == 0 {
                scripts.remove(key);
            }
        }
        preparing.load.send_modify(|load| {
            let Load { jobs, bytes: before, .. } = *load;
            *load = Load { scripts: scripts.len(), jobs: jobs - 1, bytes: before - *bytes };
        });
        preparing.metrics.preparing.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::registry::Registry;
    use scriptmill_sdk::Module;

    use super::*;

    fn script(source: &str) -> Bundle {
        Bundle { modules: vec![Module::new("main.ts", source)] }
    }

    struct Stopped;

    impl scriptmill_sandbox::Clock for Stopped {
        fn sleep(&self, _: std::time::Duration) -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn scripts_count_once_however_many_jobs_they_have() {
        let preparing = Preparing::new(Metrics::new(&mut Registry::default(), Arc::new(Stopped)));
        let load = || *preparing.watch().borrow();
        let places = ["a", "a", "b"].map(|source| preparing.enter(&script(source), 1_000));
        assert_eq!(places.each_ref().map(|place| place.is_first), [true, false, true]);
        let bytes = 3 * (2 * 1_000 + OVERHEAD_BYTES);
        assert_eq!(load(), Load { scripts: 2, jobs: 3, bytes });
        let [first, second, other] = places;
        drop(first);
        assert_eq!((load().scripts, load().jobs), (2, 2));
        drop(second);
        assert_eq!((load().scripts, load().jobs), (1, 1));
        assert!(preparing.enter(&script("a"), 0).is_first);
        drop(other);
        assert_eq!(load(), Load::default());
    }
}
