//! `/grants`: what accounts allowed clients.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::{AccountId, ClientId, GrantId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::{At, Caller, Conditions};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::grants::{self, GrantView, SORTS};
use crate::app::App;

/// The operations.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show, revoke))
}

/// Which grants to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those of this account.
    account: Option<Uuid>,
    /// Those to this client.
    client: Option<String>,
}

/// Grants that are not revoked
#[utoipa::path(get, path = "/grants", tag = "grants", operation_id = "list_grants",
    params(Paging, Filter), responses((status = 200, body = Page<GrantView>)),
    extensions(("x-permission" = json!("grants:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "grants", &SORTS)?;
    let filter = grants::Filter {
        account: filter.account.map(AccountId),
        client: filter.client.map(ClientId),
    };
    let listed = grants::list(&app, &actor, filter, &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// A grant
#[utoipa::path(get, path = "/grants/{id}", tag = "grants", operation_id = "read_grant",
    params(("id" = Uuid, Path)), responses((status = 200, body = GrantView)),
    extensions(("x-permission" = json!("grants:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &grants::read(&app, &actor, GrantId(id)).await?)
}

/// End a grant with all its tokens
#[utoipa::path(delete, path = "/grants/{id}", tag = "grants", operation_id = "revoke_grant",
    params(("id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("grants:revoke"))))]
async fn revoke(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    grants::revoke(&app, &actor, GrantId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
