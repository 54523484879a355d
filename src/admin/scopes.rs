//! `/scopes`: what clients may ask for, beside the standard scopes and the server's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::role::ScopeDefinition;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{self, Body};
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{NoFilter, Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::scopes::{self, Changes, ScopeView};
use crate::app::App;

/// The operations on scopes.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
}

/// A scope to be defined.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewScope {
    /// The scope token.
    name: String,
    /// What it allows, in words for the consent page.
    #[serde(default)]
    description: String,
    /// The permissions that an account must hold to give it, all of them.
    #[serde(default)]
    requires: BTreeSet<String>,
}

/// What to change about a scope.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ScopeChanges {
    /// What it allows.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// The permissions that an account must hold to give it, all of them.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = BTreeSet<String>, required = false)]
    requires: Option<BTreeSet<String>>,
}

/// Lists the scopes.
#[utoipa::path(get, path = "/scopes", tag = "scopes", operation_id = "list_scopes", params(Paging, NoFilter),
    responses((status = 200, description = "A piece of the list", body = Page<ScopeView>)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<NoFilter>) -> Answer {
    let (_, slice, pager) = query.listing(&app, "scopes", &["name"])?;
    let listed = scopes::list(&app, &actor, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Defines a scope. It can require only what you hold.
#[utoipa::path(post, path = "/scopes", tag = "scopes", operation_id = "create_scope", request_body = NewScope,
    responses((status = 201, description = "The scope", body = ScopeView)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn create(State(app): State<Arc<App>>, Caller(actor): Caller, Body(new): Body<NewScope>) -> Answer {
    let scope = ScopeDefinition {
        name: new.name,
        description: new.description,
        requires: new.requires,
    };
    let made = scopes::create(&app, &actor, scope).await?;
    etag::changed(StatusCode::CREATED, &made)
}

/// Shows a scope.
#[utoipa::path(get, path = "/scopes/{name}", tag = "scopes", operation_id = "show_scope",
    params(("name" = String, Path, description = "The scope token")),
    responses((status = 200, description = "The scope", body = ScopeView)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &scopes::read(&app, &actor, &name).await?)
}

/// Changes a scope. Neither before nor after may it require more than you hold.
#[utoipa::path(patch, path = "/scopes/{name}", tag = "scopes", operation_id = "change_scope",
    params(("name" = String, Path, description = "The scope token"), IfMatch), request_body = ScopeChanges,
    responses((status = 200, description = "The scope", body = ScopeView)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
    Body(new): Body<ScopeChanges>,
) -> Answer {
    let changes = Changes {
        description: new.description,
        requires: new.requires,
    };
    let changed = scopes::change(&app, &actor, &name, changes, conditions.expected).await?;
    etag::changed(StatusCode::OK, &changed)
}

/// Removes a scope; nobody is given it any more.
#[utoipa::path(delete, path = "/scopes/{name}", tag = "scopes", operation_id = "delete_scope",
    params(("name" = String, Path, description = "The scope token"), IfMatch),
    responses((status = 204, description = "It is gone")),
    extensions(("x-permission" = json!("roles:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    scopes::delete(&app, &actor, &name, conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
