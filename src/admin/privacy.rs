//! `/accounts/{id}/export` and `/accounts/{id}/erasure`: people's data, for those who look after them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::id::AccountId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::caller::{At, Caller};
use crate::administration::privacy;
use crate::app::App;

/// The operations on people's data.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(export))
        .routes(routes!(keep))
}

/// Gives all data of an account as one document, without secrets.
#[utoipa::path(get, path = "/accounts/{id}/export", tag = "accounts", operation_id = "export_account",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 200, description = "All that is kept about the account", body = Object)),
    extensions(("x-permission" = json!("accounts:export"))))]
async fn export(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    let document = privacy::export(&app, &actor, AccountId(id)).await?;
    Ok(axum::Json(document).into_response())
}

/// Keeps an account that its holder wanted to be deleted, and opens it again.
#[utoipa::path(delete, path = "/accounts/{id}/erasure", tag = "accounts", operation_id = "cancel_erasure",
    params(("id" = Uuid, Path, description = "The account")),
    responses((status = 204, description = "The account is open again")),
    extensions(("x-permission" = json!("accounts:disable"))))]
async fn keep(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    privacy::keep(&app, &actor, AccountId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
