//! `/resource-servers`: whom tokens can be made for (RFC 8707). The identifier is percent-encoded in the path.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::role::ResourceServer;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{self, Body};
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{NoFilter, Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::resource_servers::{self, ResourceServerView};
use crate::app::App;

/// The operations on resource servers.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
}

/// A resource server to be registered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewResourceServer {
    /// Its absolute URI, the `aud` of its tokens.
    identifier: String,
    /// The scopes that mean something to it.
    #[serde(default)]
    scopes: Vec<String>,
}

/// What to change about a resource server.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResourceServerChanges {
    /// The scopes that mean something to it, all of them.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = Vec<String>, required = false)]
    scopes: Option<Vec<String>>,
}

/// Lists the resource servers.
#[utoipa::path(get, path = "/resource-servers", tag = "resource servers", operation_id = "list_resource_servers",
    params(Paging, NoFilter),
    responses((status = 200, description = "A piece of the list", body = Page<ResourceServerView>)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<NoFilter>) -> Answer {
    let (_, slice, pager) = query.listing(&app, "resource-servers", &["identifier"])?;
    let listed = resource_servers::list(&app, &actor, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Registers a resource server.
#[utoipa::path(post, path = "/resource-servers", tag = "resource servers", operation_id = "create_resource_server",
    request_body = NewResourceServer,
    responses((status = 201, description = "The resource server", body = ResourceServerView)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn create(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Body(new): Body<NewResourceServer>,
) -> Answer {
    let server = ResourceServer {
        identifier: new.identifier,
        scopes: new.scopes,
    };
    let made = resource_servers::create(&app, &actor, server).await?;
    etag::changed(StatusCode::CREATED, &made)
}

/// Shows a resource server.
#[utoipa::path(get, path = "/resource-servers/{identifier}", tag = "resource servers",
    operation_id = "show_resource_server",
    params(("identifier" = String, Path, description = "The identifier, percent-encoded")),
    responses((status = 200, description = "The resource server", body = ResourceServerView)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(identifier): At<String>,
    conditions: Conditions,
) -> Answer {
    let found = resource_servers::read(&app, &actor, &identifier).await?;
    etag::show(&conditions, &found)
}

/// Changes which scopes mean something to a resource server.
#[utoipa::path(patch, path = "/resource-servers/{identifier}", tag = "resource servers",
    operation_id = "change_resource_server",
    params(("identifier" = String, Path, description = "The identifier, percent-encoded"), IfMatch),
    request_body = ResourceServerChanges,
    responses((status = 200, description = "The resource server", body = ResourceServerView)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(identifier): At<String>,
    conditions: Conditions,
    Body(new): Body<ResourceServerChanges>,
) -> Answer {
    let expected = conditions.expected;
    let changed = resource_servers::change(&app, &actor, &identifier, new.scopes, expected).await?;
    etag::changed(StatusCode::OK, &changed)
}

/// Removes a resource server; no more tokens are made for it.
#[utoipa::path(delete, path = "/resource-servers/{identifier}", tag = "resource servers",
    operation_id = "delete_resource_server",
    params(("identifier" = String, Path, description = "The identifier, percent-encoded"), IfMatch),
    responses((status = 204, description = "It is gone")),
    extensions(("x-permission" = json!("roles:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(identifier): At<String>,
    conditions: Conditions,
) -> Answer {
    resource_servers::delete(&app, &actor, &identifier, conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
