//! `/audit`: what happened, with filters, and as a file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use protocol::id::{AccountId, ClientId};
use protocol::time::Timestamp;
use serde::Deserialize;
use store::audit::Filter as Events;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::{At, Caller, Conditions};
use super::listing::{Page, Paging, Query};
use super::{Answer, etag};
use crate::administration::Refused;
use crate::administration::audit::{self, EventView, Format};
use crate::app::App;

/// The operations on the audit trail.
pub(super) fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(export))
        .routes(routes!(show))
}

/// `success` or `failure`.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventOutcome {
    /// It was done.
    Success,
    /// It was refused, or did not work.
    Failure,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those about this account.
    account: Option<Uuid>,
    /// Those about this client.
    client: Option<String>,
    /// Those of this kind, such as `account.disabled`.
    kind: Option<String>,
    /// Those that this actor did: `account:ID`, `client:ID` or `cli`.
    actor: Option<String>,
    /// Those with this outcome.
    #[param(inline)]
    outcome: Option<EventOutcome>,
    /// Those of this moment or later.
    from: Option<i64>,
    /// Those before this moment.
    until: Option<i64>,
    /// Those of this request.
    request_id: Option<String>,
}

impl From<Filter> for Events {
    fn from(filter: Filter) -> Events {
        Events {
            account_id: filter.account.map(AccountId),
            client_id: filter.client.map(ClientId),
            kind: filter.kind,
            outcome: filter.outcome.map(|outcome| match outcome {
                EventOutcome::Success => "success".to_owned(),
                EventOutcome::Failure => "failure".to_owned(),
            }),
            actor: filter.actor,
            request_id: filter.request_id,
            from: filter.from.map(Timestamp),
            until: filter.until.map(Timestamp),
            before: None,
        }
    }
}

/// The forms of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FileFormat {
    /// JSON, one event a line.
    #[default]
    Jsonl,
    /// CSV, safe to open with a spreadsheet.
    Csv,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by hand")]
struct FileForm {
    /// `jsonl` unless told.
    #[serde(default)]
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Lists events, newest first; the only `sort` is `newest`.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "list_audit_events", params(Paging, Filter),
    responses((status = 200, description = "A piece of the list", body = Page<EventView>)),
    extensions(("x-permission" = json!("audit:read"))))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller, query: Query<Filter>) -> Answer {
    let (filter, slice, pager) = query.listing(&app, "audit", &["newest"])?;
    if slice.descending {
        return Err(Refused::invalid("sort", "must be newest").into());
    }
    let listed = audit::list(&app, &actor, filter.into(), &slice).await?;
    Ok(pager.answer(&app, listed))
}

/// Shows an event.
#[utoipa::path(get, path = "/audit/{id}", tag = "audit", operation_id = "show_audit_event",
    params(("id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "The event", body = EventView)),
    extensions(("x-permission" = json!("audit:read"))))]
async fn show(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    At(id): At<Uuid>,
    conditions: Conditions,
) -> Answer {
    etag::show(&conditions, &audit::read(&app, &actor, id).await?)
}

/// Gives all events that match as a file, newest first.
#[utoipa::path(get, path = "/audit/export", tag = "audit", operation_id = "export_audit_events",
    params(FileForm, Filter),
    responses((status = 200, description = "The events", content(
        (String = "application/jsonl"),
        (String = "text/csv"),
    ))),
    extensions(("x-permission" = json!("audit:read"))))]
async fn export(State(app): State<Arc<App>>, Caller(actor): Caller, uri: Uri) -> Answer {
    let (format, filter) = asked(&uri)?;
    let (kind, name) = match format {
        Format::JsonLines => (
            "application/jsonl; charset=utf-8",
            "attachment; filename=\"audit.jsonl\"",
        ),
        Format::Csv => (
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"audit.csv\"",
        ),
    };
    let pieces = audit::export(app, &actor, filter, format).await?;
    let mut answer = Response::new(Body::from_stream(pieces));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    Ok(answer)
}

/// What the query of an export asks for. No list follows, so a list's parameters are not known.
fn asked(uri: &Uri) -> Result<(Format, Events), Refused> {
    let (mut format, mut rest) = (None, Vec::new());
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match (name.as_ref(), value.as_ref()) {
            (_, text) if text.contains(['\0', '\u{FFFD}']) => {
                return Err(Refused::invalid(name, "must be text without NUL, in UTF-8"));
            }
            ("format", "jsonl") if format.is_none() => format = Some(Format::JsonLines),
            ("format", "csv") if format.is_none() => format = Some(Format::Csv),
            ("format", _) => return Err(Refused::invalid("format", "must be jsonl or csv, once")),
            _ => rest.push((name.into_owned(), value.into_owned())),
        }
    }
    let filters = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(rest)
        .finish();
    let wrong = |problem: String| Refused::invalid("query", problem);
    let uri = Uri::try_from(format!("/?{filters}")).map_err(|error| wrong(error.to_string()))?;
    let filter = axum::extract::Query::<Filter>::try_from_uri(&uri).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        wrong(cause.unwrap_or_else(|| error.to_string()))
    })?;
    Ok((format.unwrap_or(Format::JsonLines), filter.0.into()))
}
