//! The scaling signal for those who set the number of workers: Kubernetes' HorizontalPodAutoscaler and KEDA.
//!
//! Each exporter asks a [`Signal`](crate::scale::Signal) when it is asked, so that all of them say the same number. An
//! unknown number is an error of the exporter's protocol, with the reason.

mod certificate;
mod external_metrics;
#[cfg(feature = "keda")]
mod keda;
mod options;
mod serving;

pub use certificate::Files;
#[cfg(feature = "kube")]
pub use external_metrics::Delegated;
pub use external_metrics::{Access, ExternalMetrics};
#[cfg(feature = "keda")]
pub use keda::Keda;
pub use options::{Authentication, Options};
pub use serving::Exporters;
