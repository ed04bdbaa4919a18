//! Sets the replicas of a group's Deployment whenever the scaling signal changes. That is sooner than an HPA, which looks
//! every 15 s.

use std::time::Duration;

use scriptmill_scaling::State;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Groups;
use crate::scale::Signal;

/// The same number is set again after this time, in case somebody has changed it.
const AGAIN: Duration = Duration::from_secs(60);
/// The pause after the API refused or did not answer.
const PAUSE: Duration = Duration::from_secs(10);

impl Groups {
    /// Sets the replicas of a group's Deployment whenever the signal changes, until `end` is cancelled. Nothing is set while the
    /// number is unknown, or while an autoscaler owns the replicas.
    pub async fn follow(&self, group: &str, signal: &dyn Signal, end: &CancellationToken) {
        let mut changes = signal.changes();
        let mut set: Option<(u32, Instant)> = None;
        while let Some(Ok(())) = end.run_until_cancelled(changes.changed()).await {
            let Some(wanted) = known(group, signal) else { continue };
            if set.is_some_and(|(number, at)| number == wanted && at.elapsed() < AGAIN) {
                continue;
            }
            match self.scale(group, wanted).await {
                Ok(scaled) => {
                    if scaled.before != scaled.now {
                        tracing::info!(deployment = scaled.deployment, scaled.before, scaled.now, "replicas set");
                    }
                    set = Some((wanted, Instant::now()));
                }
                Err(error) => {
                    tracing::warn!(code = %error.code(), %error, "the replicas are not set");
                    end.run_until_cancelled(sleep(PAUSE)).await;
                }
            }
        }
    }
}

fn known(group: &str, signal: &dyn Signal) -> Option<u32> {
    let demand = signal.read(group).ok()?.demand;
    (demand.state != State::Unknown).then_some(demand.replicas)
}
