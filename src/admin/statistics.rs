//! `/statistics`: how often what happened, over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use protocol::time::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::caller::Caller;
use super::plain::Plain;
use crate::administration::statistics::{self, Query, Series, Step};
use crate::app::App;

/// The operations on statistics.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(show))
}

/// Which counts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// From the hour or day that holds this moment; a day ago, or 30 of them, unless told.
    from: Option<i64>,
    /// Up to the hour or day that holds this moment; now unless told.
    until: Option<i64>,
    /// Only this kind and those below it: `sign_in`, `sign_in.failure`, `token`, `token.refresh_token`, `refused`.
    kind: Option<String>,
    /// How far apart the points are; an hour unless told.
    #[serde(default)]
    #[param(inline)]
    step: Step,
}

/// Shows how often what happened.
#[utoipa::path(get, path = "/statistics", tag = "statistics", operation_id = "show_statistics", params(Filter),
    responses((status = 200, description = "The counts, as lines over time", body = Series)),
    extensions(("x-permission" = json!("statistics:read"))))]
async fn show(State(app): State<Arc<App>>, Caller(actor): Caller, Plain(filter): Plain<Filter>) -> Answer {
    let query = Query {
        from: filter.from.map(Timestamp),
        until: filter.until.map(Timestamp),
        kind: filter.kind,
        step: filter.step,
    };
    let series = statistics::series(&app, &actor, &query).await?;
    Ok(Json(series).into_response())
}
