//! `controller.kubernetes.io/pod-deletion-cost`: of a Deployment's pods, Kubernetes removes those with the lowest cost first.
//! So idle workers go before workers whose jobs would have to end or be requeued.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Groups;
use crate::scale::Pod;

const ANNOTATION: &str = "controller.kubernetes.io/pod-deletion-cost";
/// How often costs are looked at. Each changed cost is a write to the API, and Kubernetes asks for few of them.
const EVERY: Duration = Duration::from_secs(10);
/// The most costs that are written at one time; the others follow later.
const WRITES_MAX: usize = 50;

impl Groups {
    /// Keeps the deletion cost of the pods in which workers run, until `end` is cancelled.
    pub async fn keep_deletion_costs(&self, heard: watch::Receiver<Vec<Pod>>, end: &CancellationToken) {
        let pods: Api<v1::Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut written = BTreeMap::<String, u32>::new();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while end.run_until_cancelled(ticks.tick()).await.is_some() {
            let now: BTreeMap<_, _> = heard.borrow().iter().map(|pod| (pod.name.clone(), cost(pod.busy))).collect();
            written.retain(|pod, _| now.contains_key(pod));
            let due = now.into_iter().filter(|(pod, cost)| written.get(pod) != Some(cost)).take(WRITES_MAX);
            for (pod, cost) in due.collect::<Vec<_>>() {
                let patch = Patch::Merge(json!({"metadata": {"annotations": {ANNOTATION: cost.to_string()}}}));
                match pods.patch_metadata(&pod, &PatchParams::default(), &patch).await {
                    Ok(_) => drop(written.insert(pod, cost)),
                    // The pod has gone since its worker was heard.
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    Err(error) => {
                        tracing::warn!(%error, pod, "the deletion cost of pods is not kept; trying again");
                        break;
                    }
                }
            }
        }
    }
}

/// The cost of a pod with `busy` slots in use: the next power of two, so that it seldom has to be written anew.
fn cost(busy: u32) -> u32 {
    if busy == 0 { 0 } else { busy.next_power_of_two() }
}

#[cfg(test)]
mod tests {
    use super::cost;

    #[test]
    fn an_idle_worker_goes_first() {
        assert_eq!([0, 1, 2, 3, 8, 9].map(cost), [0, 1, 2, 4, 8, 16]);
    }
}
