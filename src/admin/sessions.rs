//! `/sessions`: where people are signed in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use protocol::id::{AccountId, SessionId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::{At, Caller, Conditions};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::sessions::{self, SORTS, SessionView};
use crate::app::App;

/// The operations.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show, end))
}

/// Which sessions to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those of this account.
    account: Option<Uuid>,
}

/// Live sessions
#[utoipa::path(get, path = "/sessions", tag = "sessions", operation_id = "list_sessions",
    params(Paging, Filter), responses((status = 200, body = Page<SessionView>)),
    extensions(("x-permission" = json!("sessions:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "sessions", &SORTS)?;
    let listed = sessions::list(&app, &actor, filter.account.map(AccountId), &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// A live session
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions", operation_id = "read_session",
    params(("id" = Uuid, Path)), responses((status = 200, body = SessionView)),
    extensions(("x-permission" = json!("sessions:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &sessions::read(&app, &actor, SessionId(id)).await?)
}

/// End a session
#[utoipa::path(delete, path = "/sessions/{id}", tag = "sessions", operation_id = "end_session",
    params(("id" = Uuid, Path)), responses((status = 204)),
    extensions(("x-permission" = json!("sessions:end"))))]
async fn end(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    sessions::end(&app, &actor, SessionId(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
