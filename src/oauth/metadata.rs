//! `GET` documents: metadata at both well-known locations, and the JWKS.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::client::GrantType;
use protocol::metadata::Metadata;

use crate::app::App;
use crate::document::Document;
use crate::error::{Error, Problem};
use crate::pages::Locale;
use crate::web::cors;

/// The metadata document (OpenID Connect Discovery §4, RFC 8414 §3).
pub(super) async fn document(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Error<Problem>> {
    let catalogue = app.catalogue().await?;
    let document = catalogue.metadata(|| {
        let scopes: Vec<_> = catalogue.scopes.iter().map(|scope| scope.name.clone()).collect();
        let locales: Vec<_> = app.pages.locales().iter().map(Locale::tag).collect();
        let algorithms = &app.config.keys.algorithms;
        let grants: Vec<_> = GrantType::ALL
            .into_iter()
            .filter(|grant| app.config.offers(*grant))
            .collect();
        let metadata = Metadata::new(app.issuer(), algorithms, &grants, &scopes, &locales);
        let json = serde_json::to_vec(&metadata).unwrap_or_default();
        Document::new(json, "application/json", "public, max-age=300")
    });
    Ok(for_everybody(document.answer(&headers)))
}

/// The public keys (RFC 7517 §5).
pub(super) async fn jwks(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    for_everybody(app.keys.ring().jwks.answer(&headers))
}

/// Answers the question a browser asks before it reads a document from another origin.
pub(super) async fn preflight() -> Response {
    for_everybody(StatusCode::NO_CONTENT.into_response())
}

fn for_everybody(mut answer: Response) -> Response {
    cors::public(answer.headers_mut());
    answer
}
