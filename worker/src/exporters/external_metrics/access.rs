//! Who may read the external metric.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

#[cfg(feature = "kube")]
use super::delegated::Delegated;
#[cfg(feature = "kube")]
use super::unchecked::Unchecked;

/// Who may read the external metric.
pub enum Access {
    /// Everybody who reaches the address.
    Anyone,
    /// The users whom Kubernetes' API server names and allows.
    #[cfg(feature = "kube")]
    Delegated(Delegated),
}

impl Access {
    /// What is asked of clients in the TLS handshake.
    pub(super) fn clients(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        match self {
            Self::Anyone => None,
            #[cfg(feature = "kube")]
            Self::Delegated(_) => Some(Arc::new(Unchecked::default())),
        }
    }
}

/// Lets a request through, or says why not.
pub(super) async fn admit(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match &*access {
        Access::Anyone => next.run(request).await,
        #[cfg(feature = "kube")]
        Access::Delegated(delegated) => {
            let (head, body) = request.into_parts();
            match delegated.admit(&head).await {
                Ok(()) => next.run(Request::from_parts(head, body)).await,
                Err(refusal) => axum::response::IntoResponse::into_response(refusal),
            }
        }
    }
}
