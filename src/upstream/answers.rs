//! What a browser is told on its way to an upstream.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::upstream::Upstream;

use super::{Flow, UpstreamError, authorization_url, discover};
use crate::app::App;
use crate::html;
use crate::pages::Message;

/// Sends the browser to the upstream.
pub(crate) async fn begin(app: &App, headers: &HeaderMap, upstream: &Upstream, flow: &Flow) -> Response {
    match discover(app, &upstream.issuer).await {
        Ok(metadata) => html::see_other(&authorization_url(app, upstream, &metadata, flow)),
        Err(error) => troubled(app, headers, upstream, &error),
    }
}

/// No such upstream, or one that is shut.
pub(crate) fn missing(app: &App, headers: &HeaderMap) -> Response {
    html::refuse(
        app,
        headers,
        StatusCode::NOT_FOUND,
        "not_found",
        Message::NotFound,
    )
}

/// The upstream is away, or not to be believed: the log says why.
pub(crate) fn troubled(
    app: &App,
    headers: &HeaderMap,
    upstream: &Upstream,
    error: &UpstreamError,
) -> Response {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        upstream.name = upstream.name,
        cause,
        "an upstream cannot be used: {error}"
    );
    let (status, code, message) = if error.may_pass() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            Message::UpstreamAway,
        )
    } else {
        (StatusCode::BAD_GATEWAY, "access_denied", Message::UpstreamFailed)
    };
    html::refuse(app, headers, status, code, message)
}
