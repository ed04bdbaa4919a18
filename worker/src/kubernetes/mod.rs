//! The number of workers, set through Kubernetes' API: by hand, or by a HorizontalPodAutoscaler made here.
//!
//! A group's Deployment is found by its label. If somebody else sets its replicas already, nothing is changed: two that
//! set the same number undo each other's changes.

mod autoscaler;
mod deletion_cost;
mod error;
mod follow;
mod names;
mod owner;

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v1::Scale;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::json;

use names::{FIELD_MANAGER, GROUP_LABEL};

pub use error::Error;
pub use owner::Owner;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The groups of workers in a namespace.
pub struct Groups {
    client: Client,
    namespace: String,
}

/// What was done to the replicas of a Deployment.
#[derive(Debug)]
pub struct Scaled {
    /// The Deployment's name.
    pub deployment: String,
    /// Replicas wanted before.
    pub before: i32,
    /// Replicas wanted now.
    pub now: i32,
}

/// A client, and the namespace that is meant. The API is reached as `kubectl` does it, and inside a pod with the pod's
/// ServiceAccount. `answer_max` bounds the wait for each answer.
///
/// # Errors
/// There is neither a kubeconfig that can be read nor a ServiceAccount.
pub(crate) async fn client(namespace: Option<String>, answer_max: Duration) -> Result<(Client, String), Error> {
    let mut config = Config::infer().await.map_err(|error| Error::Configuration(Box::new(error)))?;
    config.read_timeout = Some(answer_max);
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| Error::Configuration(Box::new(error)))?;
    Ok((client, namespace))
}

impl Groups {
    /// The groups of `namespace`, or of the one that the kubeconfig names. The API is reached as `kubectl` does it, and
    /// inside a pod with the pod's ServiceAccount.
    ///
    /// # Errors
    /// There is neither a kubeconfig that can be read nor a ServiceAccount.
    pub async fn open(namespace: Option<String>) -> Result<Self, Error> {
        let (client, namespace) = client(namespace, TIMEOUT).await?;
        Ok(Self { client, namespace })
    }

    /// Sets the replicas of a group's Deployment.
    ///
    /// # Errors
    /// No Deployment is the group's, an autoscaler owns its replicas, or the API does not answer or refuses.
    pub async fn scale(&self, group: &str, replicas: u32) -> Result<Scaled, Error> {
        let deployment = self.deployment(group).await?;
        if let Some(owner) = self.owner(&deployment).await? {
            return Err(Error::Owned { deployment, owner });
        }
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let scale = async || {
            let before = deployments.get_scale(&deployment).await?;
            let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
            let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
            Ok((before, deployments.patch_scale(&deployment, &parameters, &patch).await?))
        };
        let (before, now) = scale().await.map_err(|error| self.failed("scale the Deployment", error))?;
        let wanted = |scale: Scale| scale.spec.and_then(|spec| spec.replicas).unwrap_or_default();
        Ok(Scaled { deployment, before: wanted(before), now: wanted(now) })
    }

    /// The name of a group's Deployment.
    async fn deployment(&self, group: &str) -> Result<String, Error> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        // Two are enough to see that the group is not one Deployment.
        let selected = ListParams::default().labels(&format!("{GROUP_LABEL}={group}")).limit(2);
        let found = deployments.list(&selected).await.map_err(|error| self.failed("list Deployments", error))?;
        let names: Vec<_> = found.items.iter().map(|deployment| deployment.name_any()).collect();
        match <[String; 1]>::try_from(names) {
            Ok([name]) => Ok(name),
            Err(names) => Err(Error::NotOne { group: group.to_owned(), namespace: self.namespace.clone(), names }),
        }
    }

    fn failed(&self, what: &'static str, error: kube::Error) -> Error {
        Error::from_api(what, &self.namespace, error)
    }
}
