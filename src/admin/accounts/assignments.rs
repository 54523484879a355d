//! Roles and permissions of an account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::admin::Answer;
use crate::admin::body::Body;
use crate::admin::caller::{At, Caller};
use crate::administration::accounts;
use crate::app::App;

/// The operations.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(give_role, take_role))
        .routes(routes!(give_permission, take_permission))
}

/// How long a role is held.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    /// The moment from which it is not held any more; never when absent.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Timestamp>,
}

/// Give an account a role
#[utoipa::path(put, path = "/accounts/{id}/roles/{role}", tag = "accounts", operation_id = "give_role",
    params(("id" = Uuid, Path), ("role" = String, Path)), request_body = Assignment,
    responses((status = 204)), extensions(("x-permission" = json!("roles:assign"))))]
async fn give_role(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((id, role)): At<(Uuid, String)>,
    Body(assignment): Body<Assignment>,
) -> Answer {
    accounts::give_role(&app, &actor, AccountId(id), &role, assignment.expires_at).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Take a role from an account
#[utoipa::path(delete, path = "/accounts/{id}/roles/{role}", tag = "accounts", operation_id = "take_role",
    params(("id" = Uuid, Path), ("role" = String, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("roles:assign"))))]
async fn take_role(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((id, role)): At<(Uuid, String)>,
) -> Answer {
    accounts::take_role(&app, &actor, AccountId(id), &role).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Give an account a permission of its own
#[utoipa::path(put, path = "/accounts/{id}/permissions/{permission}", tag = "accounts",
    operation_id = "give_permission", params(("id" = Uuid, Path), ("permission" = String, Path)),
    responses((status = 204)), extensions(("x-permission" = json!("roles:assign"))))]
async fn give_permission(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((id, permission)): At<(Uuid, String)>,
) -> Answer {
    accounts::give_permission(&app, &actor, AccountId(id), &permission).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Take a permission from an account
#[utoipa::path(delete, path = "/accounts/{id}/permissions/{permission}", tag = "accounts",
    operation_id = "take_permission", params(("id" = Uuid, Path), ("permission" = String, Path)),
    responses((status = 204)), extensions(("x-permission" = json!("roles:assign"))))]
async fn take_permission(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At((id, permission)): At<(Uuid, String)>,
) -> Answer {
    accounts::take_permission(&app, &actor, AccountId(id), &permission).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
