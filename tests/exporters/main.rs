//! The exporters for Kubernetes and KEDA, called as Kubernetes and KEDA call them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod authority;
mod cluster;
mod external_metrics;
mod keda;
mod one_number;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use scriptmill::scale::{Reading, Signal, Unavailable};
use scriptmill_scaling::{Demand, Observed, Slots, State, Term};
use tokio::sync::watch;

/// A signal that a test sets.
pub(crate) struct Told {
    groups: Mutex<BTreeMap<String, Result<u32, String>>>,
    changed: watch::Sender<()>,
}

impl Told {
    pub(crate) fn new(groups: &[(&str, Result<u32, &str>)]) -> Arc<Self> {
        let told = Self { groups: Mutex::default(), changed: watch::Sender::default() };
        groups.iter().for_each(|(group, number)| told.tell(group, *number));
        Arc::new(told)
    }

    pub(crate) fn tell(&self, group: &str, number: Result<u32, &str>) {
        self.groups.lock().unwrap().insert(group.to_owned(), number.map_err(str::to_owned));
        self.changed.send_replace(());
    }
}

impl Signal for Told {
    fn groups(&self) -> Vec<String> {
        self.groups.lock().unwrap().keys().cloned().collect()
    }

    fn read(&self, group: &str) -> Result<Reading, Unavailable> {
        match self.groups.lock().unwrap().get(group) {
            None => Err(Unavailable::UnknownGroup(group.to_owned())),
            Some(Err(reason)) => Err(Unavailable::Unknown { group: group.to_owned(), reason: reason.clone() }),
            Some(Ok(replicas)) => {
                let observed = Observed { window_seconds: 31.5, ..Observed::default() };
                let (slots, winner, state) = (Slots::default(), Term::Load, State::Ok);
                let demand = Demand { replicas: *replicas, state, winner, slots, places: 0.0, observed };
                Ok(Reading { demand, age: Duration::ZERO, computed: UNIX_EPOCH + Duration::from_secs(1_000_000_000) })
            }
        }
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
