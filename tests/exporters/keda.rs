//! KEDA's external scaler, called as KEDA calls it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use hyper_util::rt::TokioIo;
use scriptmill::exporters::Keda;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Code;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint};

use super::Told;
use super::authority::{Authority, SERVER, connect};
use super::support::soon;
use generated::external_scaler_client::ExternalScalerClient;
use generated::{GetMetricsRequest, MetricSpec, MetricValue, ScaledObjectRef};

mod generated {
    #![allow(
        clippy::all,
        clippy::allow_attributes_without_reason,
        missing_docs,
        dead_code,
        unreachable_pub,
        reason = "generated"
    )]

    include!(concat!(env!("OUT_DIR"), "/client/externalscaler.rs"));
}

pub(crate) type Client = ExternalScalerClient<Channel>;

fn client(address: &str) -> Client {
    ExternalScalerClient::new(Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy())
}

/// An exporter that answers until it is dropped, in the clear.
async fn served(signal: Arc<Told>) -> (Client, DropGuard) {
    let keda = Keda::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let (address, stop) = (keda.address().to_string(), CancellationToken::new());
    tokio::spawn(keda.serve(signal, stop.clone()));
    (client(&address), stop.drop_guard())
}

/// A trigger with this metadata.
fn trigger(metadata: &[(&str, &str)]) -> ScaledObjectRef {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let scaler_metadata: HashMap<_, _> = metadata.iter().map(owned).collect();
    ScaledObjectRef { name: "scriptmill-worker".to_owned(), namespace: "scriptmill".to_owned(), scaler_metadata }
}

pub(crate) fn metrics(metadata: &[(&str, &str)]) -> GetMetricsRequest {
    let metric_name = "scriptmill_desired_replicas".to_owned();
    GetMetricsRequest { scaled_object_ref: Some(trigger(metadata)), metric_name }
}

#[tokio::test]
async fn keda_is_told_the_number_and_whether_there_is_any() {
    let signal = Told::new(&[("default", Ok(7)), ("nightly", Ok(0)), ("weekly", Err("no broker is connected"))]);
    let (mut keda, _serving) = served(signal).await;
    let address = ("scalerAddress", "scriptmill-scaler.scriptmill.svc:9443");
    for (metadata, replicas) in [(vec![address], 7), (vec![("group", "default")], 7), (vec![("group", "nightly")], 0)] {
        let answer = keda.get_metrics(metrics(&metadata)).await.unwrap().into_inner();
        let value = MetricValue {
            metric_name: "scriptmill_desired_replicas".to_owned(),
            metric_value: replicas,
            metric_value_float: replicas as f64,
        };
        assert_eq!(answer.metric_values, [value]);
        let is_active = keda.is_active(trigger(&metadata)).await.unwrap().into_inner().result;
        assert_eq!(is_active, replicas > 0, "{metadata:?}");
        let specs = keda.get_metric_spec(trigger(&metadata)).await.unwrap().into_inner().metric_specs;
        assert_eq!(specs, [spec()]);
    }
    // The answer is the same without a broker.
    let specs = keda.get_metric_spec(trigger(&[("group", "weekly")])).await.unwrap().into_inner().metric_specs;
    assert_eq!(specs, [spec()]);
}

fn spec() -> MetricSpec {
    let metric_name = "scriptmill_desired_replicas".to_owned();
    MetricSpec { metric_name, target_size: 1, target_size_float: 1.0 }
}

#[tokio::test]
async fn what_is_unknown_is_an_error_and_neither_inactive_nor_zero() {
    let (mut keda, _serving) =
        served(Told::new(&[("default", Err("no broker is connected")), ("nightly", Ok(1))])).await;
    let (unknown, none) = ([("group", "default")], [("group", "monthly")]);
    let unavailable = "the load of worker group default is unknown: no broker is connected";
    let not_found = "there is no worker group monthly; there are: default, nightly";
    let mut ended = Vec::new();
    for metadata in [&unknown, &none] {
        ended.push(keda.is_active(trigger(metadata)).await.err());
        ended.push(keda.get_metrics(metrics(metadata)).await.err());
        ended.push(keda.stream_is_active(trigger(metadata)).await.err());
    }
    ended.push(keda.get_metric_spec(trigger(&none)).await.err());
    ended.push(keda.stream_metric_spec(trigger(&none)).await.err());
    let expected: Vec<_> =
        [(Code::Unavailable, unavailable); 3].into_iter().chain([(Code::NotFound, not_found); 5]).collect();
    let said: Vec<_> = ended.iter().flatten().map(|status| (status.code(), status.message())).collect();
    assert_eq!(said, expected);

    let other = GetMetricsRequest { metric_name: "queue_length".to_owned(), ..metrics(&[("group", "nightly")]) };
    let status = keda.get_metrics(other).await.unwrap_err();
    let not_found = "there is no metric queue_length; there is scriptmill_desired_replicas";
    assert_eq!((status.code(), status.message()), (Code::NotFound, not_found));
    // A trigger that is too long to be one.
    let endless = "x".repeat(1 << 20);
    let status = keda.is_active(trigger(&[("group", &endless)])).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
}

#[tokio::test]
async fn a_stream_says_the_present_state_at_once_and_then_changes() {
    let signal = Told::new(&[("default", Ok(0))]);
    let (mut keda, serving) = served(signal.clone()).await;
    let mut stream = keda.stream_is_active(trigger(&[])).await.unwrap().into_inner();
    let mut next = async || soon("a state", stream.message()).await.unwrap().map(|state| state.result);
    assert_eq!(next().await, Some(false));
    // A repeated state is no change, and neither is an unknown number.
    for (number, after) in [(Ok(0), Ok(3)), (Ok(5), Ok(0)), (Err("no broker is connected"), Ok(1))] {
        signal.tell("default", number);
        tokio::time::sleep(Duration::from_millis(100)).await;
        signal.tell("default", after);
        assert_eq!(next().await, Some(after.unwrap() > 0));
    }
    drop(serving);
    assert!(soon("the end", stream.message()).await.map_or(true, |end| end.is_none()));
}

#[tokio::test]
async fn a_stream_of_the_metric_says_it_at_once_and_stays() {
    let (mut keda, _serving) = served(Told::new(&[("default", Err("no broker is connected"))])).await;
    let mut stream = keda.stream_metric_spec(trigger(&[])).await.unwrap().into_inner();
    assert_eq!(soon("the metric", stream.message()).await.unwrap().unwrap().metric_specs, [spec()]);
    let more = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(more.is_err(), "{more:?}");
}

/// Opens connections with TLS, as a tower service.
struct Tls(String, Arc<ClientConfig>);

impl Service<Uri> for Tls {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (address, client) = (self.0.clone(), self.1.clone());
        Box::pin(async move { Ok(TokioIo::new(connect(&address, client).await?)) })
    }
}

pub(crate) fn over_tls(address: &str, client: Arc<ClientConfig>) -> Client {
    let endpoint = Endpoint::from_static("http://scaler");
    ExternalScalerClient::new(endpoint.connect_with_connector_lazy(Tls(address.to_owned(), client)))
}

#[tokio::test]
async fn keda_may_ask_over_tls() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let files = authority.sign(SERVER).lay(folder.path());
    let keda = Keda::bind("127.0.0.1:0".parse().unwrap(), Some(&files)).await.unwrap();
    let (address, stop) = (keda.address().to_string(), CancellationToken::new());
    tokio::spawn(keda.serve(Told::new(&[("default", Ok(7))]), stop.clone()));
    let asked = async |client| over_tls(&address, client).is_active(trigger(&[])).await;
    assert!(asked(authority.client(None, b"h2")).await.unwrap().into_inner().result);
    // The client refuses the certificate of a stranger, and the exporter answers nothing in the clear.
    assert!(asked(Authority::new().client(None, b"h2")).await.is_err());
    assert!(client(&address).is_active(trigger(&[])).await.is_err());
    stop.cancel();
}
