//! Refusals, written as Kubernetes writes them.

use std::fmt;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::scale::Unavailable;

/// An answer that is no success: a Status object of Kubernetes (`meta/v1`).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    code: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: StatusCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The reason by which a program tells refusals apart (`meta/v1`, StatusReason).
    fn reason(&self) -> &'static str {
        match self.code {
            StatusCode::BAD_REQUEST => "BadRequest",
            StatusCode::UNAUTHORIZED => "Unauthorized",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "NotFound",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            _ => "InternalError",
        }
    }
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        let code = match unavailable {
            Unavailable::UnknownGroup(_) => StatusCode::NOT_FOUND,
            Unavailable::Unknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(code, unavailable.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason(),
            "code": self.code.as_u16(),
        });
        (self.code, [(header::CONTENT_TYPE, "application/json")], status.to_string()).into_response()
    }
}
