//! `/audit/verify`: whether the audit trail is as it was written.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::caller::Caller;
use super::plain::Plain;
use crate::administration::{Refused, audit_chain};
use crate::app::App;
use crate::audit::verify::{Anchor, Report};

/// The operations on the chain of the audit trail.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(verify))
}

/// Where to begin.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `next` of the answer before; the beginning unless told.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// A place that an earlier answer gave as `anchor`: the trail must still pass it.
    anchor: Option<String>,
}

/// Checks that nobody changed, removed or added events since they were sealed, a piece at a time.
#[utoipa::path(get, path = "/audit/verify", tag = "audit", operation_id = "verify_audit_trail", params(Filter),
    responses((status = 200, description = "What is wrong, if anything", body = Report)),
    extensions(("x-permission" = json!("audit:read"))))]
async fn verify(State(app): State<Arc<App>>, Caller(actor): Caller, Plain(filter): Plain<Filter>) -> Answer {
    let anchor = filter.anchor.map(|text| text.parse::<Anchor>()).transpose();
    let anchor = anchor.map_err(|problem| Refused::invalid("anchor", problem))?;
    let report = audit_chain::verify(&app, &actor, anchor, filter.after.unwrap_or_default()).await?;
    Ok(Json(report).into_response())
}
