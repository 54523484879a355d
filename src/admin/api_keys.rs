//! `/api-keys`: the API keys of all accounts. Only their owners make them; nobody reads a secret.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use protocol::id::{AccountId, ApiKeyId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::caller::{At, Caller};
use super::listing::{Page, Paging, Query};
use crate::administration::api_keys::{self, KeyView};
use crate::app::App;

/// The operations on API keys.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show, revoke))
}

/// Which keys to list.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those of this account.
    account: Option<Uuid>,
}

/// Lists API keys, ended ones among them.
#[utoipa::path(get, path = "/api-keys", tag = "api-keys", operation_id = "list_api_keys", params(Paging, Filter),
    responses((status = 200, description = "A piece of the list", body = Page<KeyView>)),
    extensions(("x-permission" = json!("api-keys:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "api-keys", &["created_at"])?;
    let listed = api_keys::list(&app, &actor, filter.account.map(AccountId), &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Shows an API key, without its secret.
#[utoipa::path(get, path = "/api-keys/{id}", tag = "api-keys", operation_id = "show_api_key",
    params(("id" = Uuid, Path, description = "The key's identifier")),
    responses((status = 200, description = "The key", body = KeyView)),
    extensions(("x-permission" = json!("api-keys:read"))))]
async fn show(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    let key = api_keys::show(&app, &actor, ApiKeyId(id)).await?;
    Ok(Json(key).into_response())
}

/// Revokes an API key and what it was exchanged for.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "api-keys", operation_id = "revoke_api_key",
    params(("id" = Uuid, Path, description = "The key's identifier")),
    responses((status = 204, description = "It opens nothing any more")),
    extensions(("x-permission" = json!("api-keys:revoke"))))]
async fn revoke(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    api_keys::revoke(&app, &actor, ApiKeyId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
