//! What can be set about the exporters.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::certificate::Files;
use crate::http::ListenAddress;
use crate::rules::Rules;

/// Who is told the number of workers, beside Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where `scriptmill scaler` serves `external.metrics.k8s.io` to a HorizontalPodAutoscaler, or `off`. HTTPS, so it needs
    /// `certificate_file` and `key_file`. In a container, `0.0.0.0:6443`.
    pub external_metrics_address: ListenAddress,
    /// Where KEDA's external scaler is served over gRPC, or `off`. In the clear without `certificate_file`. In a container,
    /// `0.0.0.0:9443`.
    pub keda_address: ListenAddress,
    /// A file with the certificate of both addresses and those that lead to its authority (PEM). Read again when it changes.
    pub certificate_file: Option<PathBuf>,
    /// A file with the key of that certificate (PEM). Read again when it changes.
    pub key_file: Option<PathBuf>,
    /// Who may read the external metric.
    pub authentication: Authentication,
    /// Whether `scriptmill scaler` sets the replicas of the group's Deployment itself, every two seconds, in place of an
    /// autoscaler.
    pub sets_replicas: bool,
    /// Whether `scriptmill scaler` keeps `controller.kubernetes.io/pod-deletion-cost` of the workers' pods, so that idle ones
    /// are the first to go.
    pub pod_deletion_cost: bool,
}

/// Who may read the external metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Whom Kubernetes' API server names, behind its client certificate, and allows when it is asked.
    #[default]
    Delegated,
    /// Whoever reaches the address.
    None,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            external_metrics_address: ListenAddress::Off,
            keda_address: ListenAddress::Off,
            certificate_file: None,
            key_file: None,
            authentication: Authentication::default(),
            sets_replicas: false,
            pod_deletion_cost: false,
        }
    }
}

impl Options {
    /// Checks the options against each other and against the files.
    pub(crate) fn check(&self, rules: &mut Rules<'_>) {
        let (certificate, key) = (self.certificate_file.as_deref(), self.key_file.as_deref());
        let unreadable = rules.broken.len();
        rules.readable("certificate_file", certificate);
        rules.readable("key_file", key);
        let is_readable = rules.broken.len() == unreadable;
        let is_external = self.external_metrics_address != ListenAddress::Off;
        match self.files() {
            Some(files) if is_readable => {
                if let Err(wrong) = files.check() {
                    rules.found(wrong.setting, wrong.message);
                }
            }
            Some(_) => {}
            None => {
                rules.check("certificate_file", certificate.is_none(), "needs scaler.key_file beside it");
                rules.check("key_file", key.is_none(), "needs scaler.certificate_file beside it");
                if is_external {
                    let finding =
                        "needs scaler.certificate_file and scaler.key_file, since Kubernetes calls it by HTTPS alone";
                    rules.found("external_metrics_address", finding.to_owned());
                }
            }
        }
        if cfg!(not(feature = "kube")) && is_external && self.authentication == Authentication::Delegated {
            let finding = "must be none: this build has no feature `kube`, with which it would ask Kubernetes";
            rules.found("authentication", finding.to_owned());
        }
        for (setting, is_on) in [("sets_replicas", self.sets_replicas), ("pod_deletion_cost", self.pod_deletion_cost)] {
            let finding = "must be false: this build has no feature `kube`, with which it would ask Kubernetes";
            rules.check(setting, !is_on || cfg!(feature = "kube"), finding);
        }
        if cfg!(not(feature = "keda")) && self.keda_address != ListenAddress::Off {
            rules.found("keda_address", "must be off: this build has no feature `keda`".to_owned());
        }
    }

    /// Whether there is nothing to do: no address to answer at, and nothing to set in Kubernetes.
    pub fn is_off(&self) -> bool {
        let is_deaf = self.external_metrics_address == ListenAddress::Off && self.keda_address == ListenAddress::Off;
        is_deaf && !self.sets_replicas && !self.pod_deletion_cost
    }

    /// The certificate and its key, where both are named.
    pub(super) fn files(&self) -> Option<Files> {
        Some(Files { certificate: self.certificate_file.clone()?, key: self.key_file.clone()? })
    }
}
