//! What is done to an account beside changing it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::AccountId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::admin::Answer;
use crate::admin::caller::{At, Caller};
use crate::administration::{accounts, sessions};
use crate::app::App;

/// The operations.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(unlock))
        .routes(routes!(start_reset))
        .routes(routes!(reset_factors))
        .routes(routes!(end_sessions))
}

/// Disable an account and end all it opened
#[utoipa::path(post, path = "/accounts/{id}/disable", tag = "accounts", operation_id = "disable_account",
    params(("id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("accounts:disable"))))]
async fn disable(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    accounts::disable(&app, &actor, AccountId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Enable an account again
#[utoipa::path(post, path = "/accounts/{id}/enable", tag = "accounts", operation_id = "enable_account",
    params(("id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("accounts:disable"))))]
async fn enable(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    accounts::enable(&app, &actor, AccountId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Let passwords and second factors be tried again
#[utoipa::path(post, path = "/accounts/{id}/unlock", tag = "accounts", operation_id = "unlock_account",
    params(("id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("accounts:disable"))))]
async fn unlock(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    accounts::unlock(&app, &actor, AccountId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Mail a link to a new password
#[utoipa::path(post, path = "/accounts/{id}/password-reset", tag = "accounts",
    operation_id = "start_password_reset", params(("id" = Uuid, Path)), responses((status = 202)),
    extensions(("x-permission" = json!("accounts:recover"))))]
async fn start_reset(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    accounts::start_reset(&app, &actor, AccountId(id)).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// How many there were.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Removed {
    /// Authenticator apps and passkeys.
    removed: u64,
}

/// Remove all second factors
#[utoipa::path(delete, path = "/accounts/{id}/factors", tag = "accounts", operation_id = "reset_factors",
    params(("id" = Uuid, Path)), responses((status = 200, body = Removed)),
    extensions(("x-permission" = json!("accounts:recover"))))]
async fn reset_factors(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    let removed = accounts::reset_factors(&app, &actor, AccountId(id)).await?;
    Ok(Json(Removed { removed }).into_response())
}

/// How many there were.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Ended {
    /// Sessions.
    ended: u64,
}

/// End all sessions of an account
#[utoipa::path(delete, path = "/accounts/{id}/sessions", tag = "sessions", operation_id = "end_sessions",
    params(("id" = Uuid, Path)), responses((status = 200, body = Ended)),
    extensions(("x-permission" = json!("sessions:end"))))]
async fn end_sessions(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    let ended = sessions::end_all(&app, &actor, AccountId(id)).await?;
    Ok(Json(Ended { ended }).into_response())
}
