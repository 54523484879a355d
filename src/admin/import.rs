//! `/import`: accounts from elsewhere, in the body of the request.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Answer;
use super::caller::Caller;
use crate::administration::import::{self, Options};
use crate::app::App;
use crate::error::Problem;
use crate::import::{Format, Report, Source};
use crate::web::media_type;

/// A longer file is for the command line.
const MAX_BYTES: usize = 1024 * 1024;
const CSV: &str = "text/csv";
const TOML: &str = "application/toml";

/// The operation of importing.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(run))
}

/// How to import.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Say what would be done and do nothing.
    #[serde(default)]
    dry_run: bool,
    /// Do nothing at all when one entry is bad.
    #[serde(default)]
    strict: bool,
}

/// What the type of a body says about its format.
fn format(headers: &HeaderMap) -> Option<Format> {
    match media_type::declared(headers, &[media_type::JSON, CSV, TOML])? {
        media_type::JSON => Some(Format::Keycloak),
        CSV => Some(Format::Csv),
        TOML => Some(Format::Chancery),
        _ => None,
    }
}

/// Makes accounts with their hashes and factors: from a Keycloak realm export, from a table, or from `[[account]]` of a
/// declarative file. Accounts that are there are left as they are.
#[utoipa::path(post, path = "/import", tag = "accounts", operation_id = "import_accounts", params(How),
    request_body(content(
        (String = "text/csv"),
        (String = "application/toml"),
        (Object = "application/json"),
    )),
    responses((status = 200, description = "What became of each entry", body = Report)),
    extensions(("x-permission" = json!("accounts:export"))))]
async fn run(State(app): State<Arc<App>>, Caller(actor): Caller, request: Request) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let how: How = axum::extract::Query::try_from_uri(request.uri())
        .map(|axum::extract::Query(how)| how)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()).with("query", query))?;
    let Some(format) = format(request.headers()) else {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "the body must be application/json (Keycloak), text/csv or application/toml";
        return Err(Problem::new(status, detail).into());
    };
    let bytes = to_bytes(request.into_body(), MAX_BYTES).await.map_err(|_| {
        let detail = "the body is too large; use `chancery import` for long files";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let options = Options {
        format,
        dry_run: how.dry_run,
        strict: how.strict,
    };
    let source = Source::Sent(Arc::from(bytes.as_ref()));
    let report = import::import(&app, &actor, &source, options).await?;
    Ok(axum::Json(report).into_response())
}
