//! `/admin/audit`: what happened, on pages and as files.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use protocol::id::{AccountId, ClientId};
use protocol::time::Timestamp;
use store::audit::Filter;
use uuid::Uuid;

use super::pager::Pager;
use super::{Answer, Desk};
use crate::administration::audit::{self, EventView, Format};
use crate::app::App;
use crate::pages::{AuditList, AuditRow, ConsolePart, ConsoleView};

const PART: ConsolePart = ConsolePart::Audit;
const LIST: &str = "/admin/audit";
const EXPORT: &str = "/admin/audit/export";
const FILTERS: [&str; 8] = [
    "kind", "account", "client", "actor", "request", "from", "until", "outcome",
];
/// The most characters that the detail of an event takes on a page.
const MAX_DETAIL: usize = 600;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/audit", get(list))
        .route("/admin/audit/export", get(export))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &FILTERS);
    let filter = filter(&pager);
    let wrong = filter.is_none();
    let slice = pager.slice(&app, "newest", true);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let (rows, next) = match filter {
        Some(filter) => {
            let listed = audit::list(&app, &desk.actor, filter, &slice).await;
            let listed = listed.map_err(|error| desk.fail(&app, error))?;
            (listed.items, listed.next)
        }
        None => (Vec::new(), None),
    };
    let inputs = FILTERS.iter().filter(|name| **name != "outcome");
    let view = AuditList {
        filters: inputs.map(|name| (*name, pager.text(name))).collect(),
        outcome: pager.text("outcome"),
        wrong,
        rows: rows.into_iter().map(row).collect(),
        exports: ["csv", "jsonl"].map(|format| pager.address(EXPORT, Some(("format", format)))),
        next: pager.next(&app, next.as_ref()),
        first: pager.first(),
    };
    let status = if wrong {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    Ok(desk.page_with(&app, status, ConsoleView::AuditList(view)))
}

/// What the filters ask for; nothing when one of them cannot be.
fn filter(pager: &Pager) -> Option<Filter> {
    let text = |name| pager.get(name).map(str::to_owned);
    let account = pager.get("account").map(Uuid::parse_str).transpose().ok()?;
    let day = |name| match pager.get(name) {
        Some(text) => day(text).map(Some),
        None => Some(None),
    };
    Some(Filter {
        account_id: account.map(AccountId),
        client_id: text("client").map(ClientId),
        kind: text("kind"),
        outcome: text("outcome"),
        actor: text("actor"),
        request_id: text("request"),
        from: day("from")?,
        // The day itself counts.
        until: day("until")?.map(|at| Timestamp(at.0 + 86_400)),
        before: None,
    })
}

/// The beginning of a day written `2026-11-21`, in UTC.
fn day(text: &str) -> Option<Timestamp> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let plain = text.len() == 10 && (1970..=9999).contains(&year);
    if !plain || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp(days * 86_400))
}

/// An event as pages show it.
pub(super) fn row(event: EventView) -> AuditRow {
    let mut detail = match &event.detail {
        serde_json::Value::Object(members) if members.is_empty() => String::new(),
        detail => detail.to_string(),
    };
    if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL) {
        detail.truncate(end);
        detail.push('…');
    }
    let account = event
        .actor
        .as_deref()
        .and_then(|actor| actor.strip_prefix("account:"));
    AuditRow {
        at: event.at,
        success: event.outcome == "success",
        kind: event.kind,
        account_id: event.account_id.map(|id| id.to_string()),
        client_id: event.client_id.map(|id| id.0),
        actor_account: account.map(str::to_owned),
        actor: event.actor,
        address: event.address,
        request_id: event.request_id,
        detail,
    }
}

async fn export(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, EXPORT, &FILTERS);
    let Some(filter) = filter(&pager) else {
        return Ok(desk.back_to(&pager.address(LIST, None)));
    };
    let (format, kind, name) = match desk.query.get("format") {
        Some("jsonl") => (Format::JsonLines, "application/jsonl", "audit.jsonl"),
        _ => (Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
    };
    let events = audit::export(app.clone(), &desk.actor, filter, format).await;
    let events = events.map_err(|error| desk.fail(&app, error))?;
    Ok(file(Body::from_stream(events), kind, name))
}

/// An answer that is kept as a file.
fn file(body: Body, kind: &'static str, name: &str) -> Response {
    let mut answer = body.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        for (text, at) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(951_782_400)),
            ("2024-03-01", Some(1_709_251_200)),
            ("2026-11-21", Some(1_795_219_200)),
            ("2026-13-01", None),
            ("2026-1-1", None),
            ("26-11-21", None),
            ("yesterday", None),
            ("9999999999", None),
            ("2026-11-2x", None),
        ] {
            assert_eq!(day(text).map(|at| at.0), at, "{text}");
        }
    }
}
