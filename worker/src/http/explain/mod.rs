//! `/scaling/explain`: why it is that number of workers, for programs and for people.

mod accept;
mod page;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::scale::Explainer;

use accept::Format;

/// What a page may load: nothing. Its style stands in it, and all text from outside is escaped.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    group: Option<String>,
    format: Option<Format>,
}

/// The only route.
pub(super) fn router(explainer: Arc<Explainer>) -> Router {
    Router::new().route("/scaling/explain", get(explain)).with_state(explainer)
}

/// Answers with the explanation. An unknown group gives a 404. An unknown number gives a 503, which still says all that
/// is known.
async fn explain(
    State(explainer): State<Arc<Explainer>>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let asked = accept::format(&headers);
    let Query(Parameters { group, format }) = match parameters {
        Ok(parameters) => parameters,
        Err(rejection) => {
            let problem = format!("{}; the parameters are group=NAME and format=json|html", rejection.body_text());
            return refused(asked, StatusCode::BAD_REQUEST, &problem, &explainer.groups());
        }
    };
    let format = format.unwrap_or(asked);
    let explanation = match explainer.explain(group.as_deref()) {
        Ok(explanation) => explanation,
        Err(error) => {
            return refused(format, StatusCode::NOT_FOUND, &error.to_string(), &explainer.groups());
        }
    };
    let status = if explanation.number.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match format {
        Format::Json => answer(status, Json(explanation)),
        Format::Html => match page::explained(&explanation) {
            Ok(page) => answer(status, Html(page)),
            Err(error) => {
                let problem = format!("the curves cannot be drawn: {error}");
                refused(Format::Json, StatusCode::INTERNAL_SERVER_ERROR, &problem, &explainer.groups())
            }
        },
    }
}

fn refused(format: Format, status: StatusCode, problem: &str, groups: &[String]) -> Response {
    match format {
        Format::Json => answer(status, Json(json!({ "error": problem, "groups": groups }))),
        Format::Html => answer(status, Html(page::refused(problem, groups))),
    }
}

fn answer(status: StatusCode, body: impl IntoResponse) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}
