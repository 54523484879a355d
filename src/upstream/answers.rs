//! What a browser is told on its way to an upstream.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::upstream::Upstream;

use super::{Flow, UpstreamError, authorization_url, discover};
use crate::app::App;
use crate::browser;
use crate::html;
use crate::pages::Message;

/// Sends the browser to the upstream.
pub(crate) async fn begin(app: &App, headers: &HeaderMap, upstream: &Upstream, flow: &Flow) -> Response {
    let url = match discover(app, &upstream.issuer).await {
        Ok(metadata) => authorization_url(app, upstream, &metadata, flow),
        Err(error) => Err(error),
    };
    match url {
        Ok(url) => html::see_other(&url),
        Err(error) => troubled(app, headers, flow, &error),
    }
}

/// A refusal that leads back to the sign-in the flow is part of.
pub(crate) fn refuse(
    app: &App,
    headers: &HeaderMap,
    flow: &Flow,
    status: StatusCode,
    code: &str,
    message: Message<'_>,
) -> Response {
    let sign_in = (!flow.connect).then(|| format!("/login?i={}", browser::seal(app, &flow.interaction)));
    html::refuse_with_link(app, headers, status, code, message, sign_in.as_deref())
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
pub(crate) fn troubled(app: &App, headers: &HeaderMap, flow: &Flow, error: &UpstreamError) -> Response {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(
        upstream.name = flow.upstream,
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
    refuse(app, headers, flow, status, code, message)
}
