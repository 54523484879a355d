//! `/refused-requests`: OAuth requests of the last 24 hours that were refused, and how to put them right.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::caller::{At, Caller};
use super::plain::Plain;
use crate::administration::Refused;
use crate::administration::refusals::{self, Explained, LIMIT};
use crate::app::App;

/// The operations on refused requests.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
}

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those that name this client.
    client_id: Option<String>,
    /// How many, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// The latest refused requests.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct RefusedRequests {
    /// The newest first.
    items: Vec<Explained>,
}

/// Lists the latest refused requests, the newest first.
#[utoipa::path(get, path = "/refused-requests", tag = "refused-requests", operation_id = "list_refused_requests",
    params(Filter), responses((status = 200, description = "The requests", body = RefusedRequests)),
    extensions(("x-permission" = json!("requests:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, Plain(filter): Plain<Filter>) -> Answer {
    let limit = filter.limit.unwrap_or(50);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Refused::invalid("limit", format!("must be 1 to {LIMIT}")).into());
    }
    let items = refusals::list(&app, &actor, filter.client_id.as_deref(), limit).await?;
    Ok(Json(RefusedRequests { items }).into_response())
}

/// Shows the refused request with an identifier, which its answer and its error page carried.
#[utoipa::path(get, path = "/refused-requests/{request_id}", tag = "refused-requests",
    operation_id = "show_refused_request", params(("request_id" = String, Path)),
    responses((status = 200, description = "The request", body = Explained)),
    extensions(("x-permission" = json!("requests:read"))))]
async fn show(State(app): State<Arc<App>>, Caller(actor): Caller, At(request_id): At<String>) -> Answer {
    let found = refusals::find(&app, &actor, &request_id).await?;
    Ok(Json(found).into_response())
}
