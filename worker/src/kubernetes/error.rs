//! Why the replicas could not be set.

use scriptmill_sdk::Code;

use super::names::GROUP_LABEL;
use super::owner::Owner;

/// Why the replicas could not be set, as a sentence without its code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not known how to reach the API.
    #[error(
        "it is not known how to reach Kubernetes: name a kubeconfig with KUBECONFIG, or run this in a pod that has a ServiceAccount"
    )]
    Configuration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The API cannot be reached.
    #[error(
        "Kubernetes' API cannot be reached, so nothing was changed; `kubectl cluster-info` says which server is meant"
    )]
    Unreachable(#[source] Box<kube::Error>),
    /// The API answers and refuses.
    #[error("Kubernetes refuses to {what} in namespace {namespace}: {message}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Where.
        namespace: String,
        /// What the API said.
        message: String,
    },
    /// A group is not exactly one Deployment.
    #[error("{}", not_one(.group, .namespace, .names))]
    NotOne {
        /// The group asked for.
        group: String,
        /// Where it was looked for.
        namespace: String,
        /// The Deployments that have its label: none, or the first two.
        names: Vec<String>,
    },
    /// Somebody else sets the replicas.
    #[error("{owner} sets the replicas of Deployment {deployment}, and would undo this: {}", owner.remedy())]
    Owned {
        /// The group's Deployment.
        deployment: String,
        /// Who sets its replicas.
        owner: Owner,
    },
}

impl Error {
    /// The code, and with it the page.
    pub fn code(&self) -> Code {
        match self {
            Self::Configuration(_) | Self::Unreachable(_) => Code::KubernetesUnreachable,
            Self::Refused { .. } => Code::KubernetesRefuses,
            Self::NotOne { .. } => Code::NoDeployment,
            Self::Owned { .. } => Code::AutoscalerOwns,
        }
    }

    pub(super) fn from_api(what: &'static str, namespace: &str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                Self::Refused { what, namespace: namespace.to_owned(), message: status.message }
            }
            error => Self::Unreachable(Box::new(error)),
        }
    }
}

fn not_one(group: &str, namespace: &str, names: &[String]) -> String {
    match names {
        [] => {
            format!(
                "no Deployment in namespace {namespace} has the label {GROUP_LABEL}={group}; -n names another namespace"
            )
        }
        names => format!(
            "more than one Deployment in namespace {namespace} has the label {GROUP_LABEL}={group}, such as {}; \
             leave it on one of them",
            names.join(" and ")
        ),
    }
}
