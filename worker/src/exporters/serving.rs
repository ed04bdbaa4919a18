//! The exporters of a process, from their options to their end.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

#[cfg(feature = "kube")]
use super::external_metrics::Delegated;
use super::external_metrics::{Access, ExternalMetrics};
#[cfg(feature = "keda")]
use super::keda::Keda;
use super::options::{Authentication, Options};
use crate::http::ListenAddress;
use crate::scale::Signal;

/// The exporters that are to be served, bound to their addresses and not yet answering.
pub struct Exporters {
    external_metrics: Option<ExternalMetrics>,
    #[cfg(feature = "keda")]
    keda: Option<Keda>,
}

impl Exporters {
    /// Begins to answer from `signal`, until told to stop. Call it within a tokio runtime.
    pub fn start(self, signal: &Arc<dyn Signal>, stop: &CancellationToken) {
        if let Some(external_metrics) = self.external_metrics {
            tracing::info!(address = %external_metrics.address(), "external.metrics.k8s.io over HTTPS");
            tokio::spawn(external_metrics.serve(signal.clone(), stop.clone()));
        }
        #[cfg(feature = "keda")]
        if let Some(keda) = self.keda {
            tracing::info!(address = %keda.address(), "KEDA's external scaler over gRPC");
            tokio::spawn(keda.serve(signal.clone(), stop.clone()));
        }
    }
}

impl Options {
    /// Binds the addresses that are not off. Call it within a tokio runtime.
    ///
    /// # Errors
    /// An address cannot be bound, the certificate cannot be used, or it is not known how to reach Kubernetes.
    pub async fn bind(&self) -> anyhow::Result<Exporters> {
        let files = self.files();
        Ok(Exporters {
            external_metrics: match (self.external_metrics_address, &files) {
                (ListenAddress::At(address), Some(files)) => {
                    Some(ExternalMetrics::bind(address, files, self.access().await?).await?)
                }
                _ => None,
            },
            #[cfg(feature = "keda")]
            keda: match self.keda_address {
                ListenAddress::At(address) => Some(Keda::bind(address, files.as_ref()).await?),
                ListenAddress::Off => None,
            },
        })
    }

    async fn access(&self) -> anyhow::Result<Access> {
        match self.authentication {
            Authentication::None => Ok(Access::Anyone),
            #[cfg(feature = "kube")]
            Authentication::Delegated => {
                use anyhow::Context as _;

                let delegated = Delegated::by_environment().await;
                let delegated = delegated.context("scaler.authentication is delegated, and so asks Kubernetes")?;
                Ok(Access::Delegated(delegated))
            }
            #[cfg(not(feature = "kube"))]
            Authentication::Delegated => anyhow::bail!("this build has no feature `kube`"),
        }
    }
}
