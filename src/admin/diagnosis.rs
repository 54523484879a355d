//! `/accounts/{id}/diagnosis`, `/accounts/{id}/security-report`, `/tokens/inspect` and `/installation`: why something does
//! not work, and what helps.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use protocol::id::AccountId;
use protocol::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Answer;
use super::body::Body;
use super::caller::{At, Caller};
use crate::administration::diagnosis;
use crate::app::App;
use crate::diagnosis::report::Report;
use crate::diagnosis::token::Inspection;
use crate::diagnosis::{Check, Level, worst};

/// The operations that find things out.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(sign_in))
        .routes(routes!(report))
        .routes(routes!(token))
        .routes(routes!(installation))
}

/// What was looked at, and how it stands all in all.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Diagnosis {
    /// How the worst of it stands.
    level: Level,
    /// Each check.
    checks: Vec<Check>,
}

impl Diagnosis {
    fn answer(checks: Vec<Check>) -> Answer {
        let level = worst(&checks);
        Ok(Json(Diagnosis { level, checks }).into_response())
    }
}

/// A token to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Presented {
    /// The token. It is kept nowhere.
    token: String,
}

/// Says why an account cannot sign in: each thing that sign-in asks for, and the remedy.
#[utoipa::path(get, path = "/accounts/{id}/diagnosis", tag = "diagnosis", operation_id = "diagnose_account",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "What was found", body = Diagnosis)),
    extensions(("x-permission" = json!("accounts:read"))))]
async fn sign_in(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    Diagnosis::answer(diagnosis::sign_in(&app, &actor, AccountId(id)).await?)
}

/// Says how safe an account is, and what would make it safer.
#[utoipa::path(get, path = "/accounts/{id}/security-report", tag = "diagnosis", operation_id = "report_on_account",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The report", body = Report)),
    extensions(("x-permission" = json!("accounts:read"))))]
async fn report(State(app): State<Arc<App>>, Caller(actor): Caller, At(id): At<Uuid>) -> Answer {
    let report = diagnosis::report(&app, &actor, AccountId(id)).await?;
    Ok(Json(report).into_response())
}

/// Says what a token is and whether it is good, and if not, why.
#[utoipa::path(post, path = "/tokens/inspect", tag = "diagnosis", operation_id = "inspect_token",
    request_body = Presented,
    responses((status = 200, description = "What it is", body = Inspection)),
    extensions(("x-permission" = json!("grants:read"))))]
async fn token(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Body(presented): Body<Presented>,
) -> Answer {
    let token = Secret::new(presented.token);
    let inspection = diagnosis::token(&app, &actor, &token).await?;
    Ok(Json(inspection).into_response())
}

/// Says whether the installation is sound, with a fix for each finding.
#[utoipa::path(get, path = "/installation", tag = "diagnosis", operation_id = "examine_installation",
    responses((status = 200, description = "What was found", body = Diagnosis)),
    extensions(("x-permission" = json!("installation:read"))))]
async fn installation(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer {
    Diagnosis::answer(diagnosis::installation(&app, &actor).await?)
}
