//! Decisions for others: the Authorization API (AuthZEN 1.0) for services that ask whether somebody may do something,
//! and forward-auth for proxies that ask whether a request may pass.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get, post};

use crate::app::App;
use crate::error::Problem;

mod decision;
mod evaluation;
mod forward_auth;
mod metadata;
mod request;
mod search;

/// Routes of the Authorization API and of forward-auth.
pub(crate) fn routes() -> Router<Arc<App>> {
    let api = Router::new()
        .route("/evaluation", post(evaluation::one))
        .route("/evaluations", post(evaluation::many))
        .route("/search/subject", post(search::subjects))
        .route("/search/resource", post(search::resources))
        .route("/search/action", post(search::actions))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is not done that way")
        });
    Router::new()
        .nest("/access/v1", api)
        .route(
            "/.well-known/authzen-configuration",
            get(metadata::show).options(metadata::preflight),
        )
        .route("/forward-auth", any(forward_auth::answer))
}
