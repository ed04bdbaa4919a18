//! KEDA's external scaler, over gRPC.
//!
//! KEDA asks for the number at every sync of the HPA that it makes. By a poll and by a stream it also asks whether there should
//! be any replica at all. An unknown number is answered with UNAVAILABLE, and KEDA then keeps the present number.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::certificate::Files;
use crate::http::server::{Bound, Protocol};
use crate::scale::{METRIC, Signal, Unavailable};
use generated::external_scaler_server::{ExternalScaler, ExternalScalerServer};
use generated::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec, MetricValue,
    ScaledObjectRef,
};

/// The most bytes of a request; a trigger's metadata are some lines.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// The group of a trigger that names none.
const GROUP: &str = "default";

/// What `build.rs` makes of `externalscaler.proto`.
mod generated {
    #![allow(clippy::all, clippy::allow_attributes_without_reason, missing_docs, unreachable_pub, reason = "generated")]

    include!(concat!(env!("OUT_DIR"), "/externalscaler.rs"));
}

/// The exporter for KEDA, bound to its address and not yet answering.
pub struct Keda(Bound);

impl Keda {
    /// Binds the address. Without a certificate nothing is encrypted. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound, or the certificate cannot be used.
    pub async fn bind(address: SocketAddr, certificate: Option<&Files>) -> anyhow::Result<Self> {
        let tls = certificate.map(|files| files.serve(Protocol::Http2, None)).transpose()?;
        Ok(Self(Bound::new("scaler.keda_address", address, Protocol::Http2, tls).await?))
    }

    /// The address in use. If port 0 was asked for, it has the port that was given.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Answers until told to stop.
    pub async fn serve(self, signal: Arc<dyn Signal>, stop: CancellationToken) {
        let scaler = ExternalScalerServer::new(Scaler { signal }).max_decoding_message_size(REQUEST_BYTES_MAX);
        let router = Router::new().route_service("/externalscaler.ExternalScaler/{call}", scaler);
        self.0.serve(router, stop).await;
    }
}

#[derive(Clone)]
struct Scaler {
    signal: Arc<dyn Signal>,
}

impl Scaler {
    /// The worker group of a trigger, or an error if there is no such group.
    fn group(&self, of: &ScaledObjectRef) -> Result<String, Status> {
        let group = of.scaler_metadata.get("group").map_or(GROUP, String::as_str);
        let groups = self.signal.groups();
        if groups.iter().any(|known| known == group) {
            return Ok(group.to_owned());
        }
        Err(Status::not_found(format!("there is no worker group {group}; there are: {}", groups.join(", "))))
    }

    fn replicas(&self, group: &str) -> Result<u32, Status> {
        self.signal.read(group).map(|reading| reading.demand.replicas).map_err(|unavailable| match unavailable {
            Unavailable::UnknownGroup(_) => Status::not_found(unavailable.to_string()),
            Unavailable::Unknown { .. } => Status::unavailable(unavailable.to_string()),
        })
    }

    fn is_active(&self, group: &str) -> Result<IsActiveResponse, Status> {
        Ok(IsActiveResponse { result: self.replicas(group)? > 0 })
    }
}

/// The metric is the number of replicas itself, so each replica is to have one of it.
fn metric_spec() -> GetMetricSpecResponse {
    let spec = MetricSpec { metric_name: METRIC.to_owned(), target_size: 1, target_size_float: 1.0 };
    GetMetricSpecResponse { metric_specs: vec![spec] }
}

#[tonic::async_trait]
impl ExternalScaler for Scaler {
    async fn is_active(&self, request: Request<ScaledObjectRef>) -> Result<Response<IsActiveResponse>, Status> {
        self.is_active(&self.group(request.get_ref())?).map(Response::new)
    }

    type StreamIsActiveStream = BoxStream<'static, Result<IsActiveResponse, Status>>;

    /// While the number is unknown, nothing is sent on an open stream, and KEDA keeps what it heard last. After errors it
    /// would wait longer and longer before it asks again.
    async fn stream_is_active(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamIsActiveStream>, Status> {
        let group = self.group(request.get_ref())?;
        // The signal is watched before it is read, so that no change is missed.
        let changes = self.signal.changes();
        let now = self.is_active(&group)?;
        let later = stream::unfold((self.clone(), changes, group, now), async |(scaler, mut changes, group, last)| {
            loop {
                changes.changed().await.ok()?;
                if let Ok(now) = scaler.is_active(&group)
                    && now != last
                {
                    return Some((Ok(now), (scaler, changes, group, now)));
                }
            }
        });
        Ok(Response::new(stream::iter([Ok(now)]).chain(later).boxed()))
    }

    async fn get_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<GetMetricSpecResponse>, Status> {
        self.group(request.get_ref())?;
        Ok(Response::new(metric_spec()))
    }

    async fn get_metrics(&self, request: Request<GetMetricsRequest>) -> Result<Response<GetMetricsResponse>, Status> {
        let GetMetricsRequest { scaled_object_ref, metric_name } = request.into_inner();
        if metric_name != METRIC {
            return Err(Status::not_found(format!("there is no metric {metric_name}; there is {METRIC}")));
        }
        let replicas = self.replicas(&self.group(&scaled_object_ref.unwrap_or_default())?)?;
        let (metric_value, metric_value_float) = (replicas.into(), replicas.into());
        let value = MetricValue { metric_name, metric_value, metric_value_float };
        Ok(Response::new(GetMetricsResponse { metric_values: vec![value] }))
    }

    type StreamMetricSpecStream = BoxStream<'static, Result<GetMetricSpecResponse, Status>>;

    /// The spec never changes. The stream stays open, since KEDA would open an ended one again every two seconds.
    async fn stream_metric_spec(
        &self,
        request: Request<ScaledObjectRef>,
    ) -> Result<Response<Self::StreamMetricSpecStream>, Status> {
        self.group(request.get_ref())?;
        Ok(Response::new(stream::iter([Ok(metric_spec())]).chain(stream::pending()).boxed()))
    }
}
