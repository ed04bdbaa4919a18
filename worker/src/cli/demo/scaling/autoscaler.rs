//! The HPA's controller: it asks for the metric as Kubernetes does, and decides as Kubernetes does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::http::Request;
use kube::{Client, Config};
use scriptmill_scaling::Policy;
use scriptmill_scaling::simulate::hpa::{Behavior, Hpa, Metric};
use serde::Deserialize;

/// The scaler's self-signed certificate for 127.0.0.1.
pub(super) struct Certificate {
    pub(super) certificate_file: PathBuf,
    pub(super) key_file: PathBuf,
    der: Vec<u8>,
}

impl Certificate {
    /// Makes a certificate, and writes it with its key into `folder`, which nobody else may read.
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let rcgen::CertifiedKey { cert, signing_key } = made.context("the demo's certificate cannot be made")?;
        let (certificate_file, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
        std::fs::write(&certificate_file, cert.pem()).context("the demo's certificate cannot be written")?;
        std::fs::write(&key_file, signing_key.serialize_pem()).context("the demo's key cannot be written")?;
        Ok(Self { certificate_file, key_file, der: cert.der().to_vec() })
    }
}

/// The controller of one HPA, with the behaviour that `deploy/components/hpa` sets.
pub(super) struct Autoscaler {
    client: Client,
    path: String,
    hpa: Hpa,
}

/// What `external.metrics.k8s.io/v1beta1` answers.
#[derive(Deserialize)]
struct ExternalMetricValueList {
    items: Vec<ExternalMetricValue>,
}

#[derive(Deserialize)]
struct ExternalMetricValue {
    value: String,
}

impl Autoscaler {
    pub(super) fn new(
        metrics: SocketAddr,
        certificate: &Certificate,
        group: &str,
        policy: &Policy,
    ) -> anyhow::Result<Self> {
        let mut config = Config::new(format!("https://{metrics}").parse().context("no such address")?);
        config.root_cert = Some(vec![certificate.der.clone()]);
        let client = Client::try_from(config).context("the scaler cannot be asked")?;
        let path = format!(
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/scriptmill_desired_replicas?labelSelector=group%3D{group}"
        );
        Ok(Self { client, path, hpa: Hpa::new(Behavior::prompt(), policy.min, policy.max) })
    }

    /// The metric's value: the sum of all its items.
    pub(super) async fn metric(&self) -> anyhow::Result<f64> {
        let request = Request::get(&self.path).body(Vec::new()).context("no such metric")?;
        let list: ExternalMetricValueList = self.client.request(request).await.context("the metric is unknown")?;
        if list.items.is_empty() {
            return Err(anyhow!("the metric has no items"));
        }
        list.items.iter().map(|item| quantity(&item.value)).sum()
    }

    /// How many workers there are to be, `elapsed` after the start and with `current` workers now. Without a metric the
    /// number stays.
    pub(super) fn sync(&mut self, elapsed: Duration, current: u32, metric: Option<f64>) -> u32 {
        let metric = metric.map(|value| Metric::Average { value, target: 1.0 });
        self.hpa.sync(elapsed.as_secs_f64(), current, &[metric])
    }
}

/// Reads a Kubernetes quantity in the two forms that a number of replicas has: whole, or in thousandths.
fn quantity(text: &str) -> anyhow::Result<f64> {
    let (digits, unit) = text.strip_suffix('m').map_or((text, 1.0), |digits| (digits, 1e-3));
    let number: f64 = digits.parse().map_err(|_| anyhow!("the metric is no number: {text}"))?;
    Ok(number * unit)
}
