//! `/resources`: who owns things of other systems, and who was given what on them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::access::Entity;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::body::Body;
use super::caller::{At, Caller, Conditions, IfMatch};
use super::listing::{NoFilter, Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::access::{self, Given, PermissionView, ResourceView};
use crate::app::App;

/// The operations on things and the permissions on them.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(show, put, remove))
        .routes(routes!(list_permissions))
        .routes(routes!(grant, revoke))
}

/// Who is to own a thing.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    /// The account's identifier; null for nobody.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true)]
    owner: Option<Uuid>,
}

/// How a permission is given.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Terms {
    /// When it is not held any more; never when absent.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Timestamp>,
}

fn thing((kind, id): (String, String)) -> Entity {
    Entity { kind, id }
}

/// Shows a thing and who owns it.
#[utoipa::path(get, path = "/resources/{type}/{id}", tag = "resources", operation_id = "show_resource",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")),
    responses((status = 200, description = "The thing", body = ResourceView)),
    extensions(("x-permission" = json!("access:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(place): At<(String, String)>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &access::read(&app, &actor, thing(place)).await?)
}

/// Makes a thing known, or changes who owns it. An owner may do everything to it, so only who owns it, or holds `*` or
/// `TYPE:*`, can name another.
#[utoipa::path(put, path = "/resources/{type}/{id}", tag = "resources", operation_id = "put_resource",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"), IfMatch),
    request_body = NewOwner,
    responses((status = 200, description = "The thing", body = ResourceView),
        (status = 201, description = "The thing, which is new", body = ResourceView)),
    extensions(("x-permission" = json!("access:write"))))]
async fn put(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(place): At<(String, String)>,
    conditions: Conditions,
    Body(new): Body<NewOwner>,
) -> Answer {
    let owner = new.owner.map(AccountId);
    let (shown, is_new) = access::set_owner(&app, &actor, thing(place), owner, conditions.expected).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    etag::changed(status, &shown)
}

/// Forgets a thing, with its owner and every permission on it.
#[utoipa::path(delete, path = "/resources/{type}/{id}", tag = "resources", operation_id = "delete_resource",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"), IfMatch),
    responses((status = 204, description = "It is forgotten")),
    extensions(("x-permission" = json!("access:write"))))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(place): At<(String, String)>,
    conditions: Conditions,
) -> Answer {
    access::delete(&app, &actor, thing(place), conditions.expected).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Lists the permissions on a thing.
#[utoipa::path(get, path = "/resources/{type}/{id}/permissions", tag = "resources",
    operation_id = "list_resource_permissions",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        Paging),
    responses((status = 200, description = "A piece of the list", body = Page<PermissionView>)),
    extensions(("x-permission" = json!("access:read"))))]
async fn list_permissions(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(place): At<(String, String)>,
    query: Query<NoFilter>,
) -> Answer {
    let list = format!("resource-permissions/{}/{}", place.0, place.1);
    let (_, slice, pager) = query.listing(&app, &list, &["account"])?;
    let listed = access::list(&app, &actor, thing(place), &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Gives an account a permission on a thing, or changes until when it is held. Who does not own the thing can give only
/// what they hold.
#[utoipa::path(put, path = "/resources/{type}/{id}/permissions/{account}/{permission}", tag = "resources",
    operation_id = "grant_resource_permission",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("account" = Uuid, Path, description = "The account"),
        ("permission" = String, Path, description = "The permission, or an action on things of this type")),
    request_body = Terms,
    responses((status = 200, description = "The permission", body = PermissionView)),
    extensions(("x-permission" = json!("access:write"))))]
async fn grant(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((kind, id, account, permission)): At<(String, String, Uuid, String)>,
    Body(terms): Body<Terms>,
) -> Answer {
    let given = Given {
        thing: Entity { kind, id },
        account: AccountId(account),
        permission,
    };
    let given = access::grant(&app, &actor, given, terms.expires_at).await?;
    etag::changed(StatusCode::OK, &given)
}

/// Takes a permission on a thing.
#[utoipa::path(delete, path = "/resources/{type}/{id}/permissions/{account}/{permission}", tag = "resources",
    operation_id = "revoke_resource_permission",
    params(("type" = String, Path, description = "The thing's type", min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("id" = String, Path, description = "Its identifier", min_length = 1, max_length = 400, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"),
        ("account" = Uuid, Path, description = "The account"),
        ("permission" = String, Path, description = "The permission, or an action on things of this type")),
    responses((status = 204, description = "It is taken")),
    extensions(("x-permission" = json!("access:write"))))]
async fn revoke(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((kind, id, account, permission)): At<(String, String, Uuid, String)>,
) -> Answer {
    let given = Given {
        thing: Entity { kind, id },
        account: AccountId(account),
        permission,
    };
    access::revoke(&app, &actor, given).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
