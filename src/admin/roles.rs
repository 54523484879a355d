//! `/roles`: roles and their permissions.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::role::Role;
use protocol::session::MfaPolicy;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{self, Body, Patch};
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::catalogue::MfaPolicyName;
use crate::administration::roles::{self, Changes, RoleDetail, RoleView};
use crate::app::App;

/// The operations on roles.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
}

/// Which roles.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those whose name or description holds this text.
    q: Option<String>,
    /// Those that carry this permission.
    permission: Option<String>,
}

/// A role to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// The name accounts hold it by.
    name: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// The permissions it carries.
    #[serde(default)]
    permissions: BTreeSet<String>,
    /// Whether its holders must prove a second factor.
    #[serde(default)]
    #[schema(value_type = Option<MfaPolicyName>)]
    mfa: Option<MfaPolicy>,
}

/// What to change about a role.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleChanges {
    /// What it is for.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = String, required = false)]
    description: Option<String>,
    /// The permissions it carries, all of them.
    #[serde(default, deserialize_with = "body::value")]
    #[schema(value_type = BTreeSet<String>, required = false)]
    permissions: Option<BTreeSet<String>>,
    /// Whether its holders must prove a second factor.
    #[serde(default, deserialize_with = "body::patch")]
    #[schema(value_type = Option<MfaPolicyName>)]
    mfa: Patch<MfaPolicy>,
}

/// Lists the roles.
#[utoipa::path(get, path = "/roles", tag = "roles", operation_id = "list_roles", params(Paging, Filter),
    responses((status = 200, description = "A piece of the list", body = Page<RoleView>)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "roles", &["name"])?;
    let filter = roles::Filter {
        text: filter.q,
        permission: filter.permission,
    };
    let listed = roles::list(&app, &actor, filter, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Makes a role. It can carry only what you hold.
#[utoipa::path(post, path = "/roles", tag = "roles", operation_id = "create_role", request_body = NewRole,
    responses((status = 201, description = "The role", body = RoleDetail)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn create(State(app): State<Arc<App>>, Caller(actor): Caller, Body(new): Body<NewRole>) -> Answer {
    let role = Role {
        name: new.name,
        description: new.description,
        permissions: new.permissions,
        mfa: new.mfa,
    };
    let made = roles::create(&app, &actor, role).await?;
    etag::changed(StatusCode::CREATED, &made)
}

/// Shows a role and how many accounts hold it.
#[utoipa::path(get, path = "/roles/{name}", tag = "roles", operation_id = "show_role",
    params(("name" = String, Path, description = "The role's name")),
    responses((status = 200, description = "The role", body = RoleDetail)),
    extensions(("x-permission" = json!("roles:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &roles::read(&app, &actor, &name).await?)
}

/// Changes a role. Neither before nor after may it carry more than you hold.
#[utoipa::path(patch, path = "/roles/{name}", tag = "roles", operation_id = "change_role",
    params(("name" = String, Path, description = "The role's name"), IfMatch), request_body = RoleChanges,
    responses((status = 200, description = "The role", body = RoleDetail)),
    extensions(("x-permission" = json!("roles:write"))))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
    Body(new): Body<RoleChanges>,
) -> Answer {
    let changes = Changes {
        description: new.description,
        permissions: new.permissions,
        mfa: new.mfa,
    };
    let changed = roles::change(&app, &actor, &name, changes, conditions.expected).await?;
    etag::changed(StatusCode::OK, &changed)
}

/// Removes a role and takes it from its holders.
#[utoipa::path(delete, path = "/roles/{name}", tag = "roles", operation_id = "delete_role",
    params(("name" = String, Path, description = "The role's name"), IfMatch),
    responses((status = 204, description = "It is gone")),
    extensions(("x-permission" = json!("roles:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(name): At<String>,
    conditions: Conditions,
) -> Answer {
    roles::delete(&app, &actor, &name, conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
