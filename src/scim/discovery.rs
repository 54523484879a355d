//! What the server offers, for clients to find out (RFC 7644 §4).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{any, get};
use protocol::scim::ScimError;
use protocol::scim::schema::{self, GROUP, USER};
use serde_json::Value;

use super::answer::{list, scim_json};
use super::{Answer, refuse};
use crate::administration::provisioning::{MAX_COUNT, root};
use crate::app::App;

pub(super) fn routes() -> Router<Arc<App>> {
    let not_offered = async || refuse(StatusCode::NOT_IMPLEMENTED, "this is not offered here");
    Router::new()
        .route("/ServiceProviderConfig", get(config))
        .route("/Schemas", get(schemas))
        .route("/Schemas/{id}", get(show_schema))
        .route("/ResourceTypes", get(resource_types))
        .route("/ResourceTypes/{name}", get(show_resource_type))
        .route("/.search", any(not_offered))
        .route("/Bulk", any(not_offered))
        .route("/Me", any(not_offered))
}

async fn config(State(app): State<Arc<App>>) -> Response {
    let document = schema::service_provider_config(&root(&app), MAX_COUNT);
    scim_json(StatusCode::OK, &document)
}

/// These lists are not to be filtered (RFC 7644 §4).
fn whole(uri: &Uri, all: Vec<Value>) -> Answer {
    if uri.query().is_some_and(|query| query.contains("filter=")) {
        return Err(ScimError::status(403, "this list cannot be filtered").into());
    }
    Ok(list(all.len(), 1, all.len(), all))
}

async fn schemas(State(app): State<Arc<App>>, uri: Uri) -> Answer {
    let root = root(&app);
    whole(&uri, vec![USER.document(&root), GROUP.document(&root)])
}

async fn show_schema(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    let found = schema::of_id(&id).ok_or_else(|| ScimError::status(404, "there is no such schema"))?;
    Ok(scim_json(StatusCode::OK, &found.document(&root(&app))))
}

async fn resource_types(State(app): State<Arc<App>>, uri: Uri) -> Answer {
    let root = root(&app);
    whole(&uri, vec![USER.resource_type(&root), GROUP.resource_type(&root)])
}

async fn show_resource_type(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    let found = schema::of_name(&name);
    let found = found.ok_or_else(|| ScimError::status(404, "there is no such type of resource"))?;
    Ok(scim_json(StatusCode::OK, &found.resource_type(&root(&app))))
}
