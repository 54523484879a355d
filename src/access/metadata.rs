//! `/.well-known/authzen-configuration`: where to ask (AuthZEN §9).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;
use crate::document::Document;
use crate::web::cors;

pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let issuer = app.issuer();
    let at = |path: &str| format!("{issuer}/access/v1/{path}");
    let metadata = json!({
        "policy_decision_point": issuer,
        "access_evaluation_endpoint": at("evaluation"),
        "access_evaluations_endpoint": at("evaluations"),
        "search_subject_endpoint": at("search/subject"),
        "search_resource_endpoint": at("search/resource"),
        "search_action_endpoint": at("search/action"),
    });
    let document = Document::new(metadata.to_string(), "application/json", "public, max-age=300");
    for_everybody(document.answer(&headers))
}

/// Answers the question a browser asks before it reads the document from another origin.
pub(super) async fn preflight() -> Response {
    for_everybody(StatusCode::NO_CONTENT.into_response())
}

fn for_everybody(mut answer: Response) -> Response {
    cors::public(answer.headers_mut());
    answer
}
