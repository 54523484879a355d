//! `/admin/requests`: refused OAuth requests, and how to put them right.

use std::sync::Arc;

use axum::extract::{Request, State};
use http::StatusCode;

use super::{Answer, Desk};
use crate::administration::{Refused, refusals};
use crate::app::App;
use crate::error::Error;
use crate::pages::{ConsolePart, ConsoleView, RequestList};

/// Requests on one page.
const LATEST: usize = 50;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, ConsolePart::Requests).await?;
    let wanted = desk.query.get("id").map(str::trim).filter(|id| !id.is_empty());
    if let Some(id) = wanted {
        match refusals::find(&app, &desk.actor, id).await {
            Ok(found) => return Ok(desk.page(&app, ConsoleView::RefusedRequest(Box::new(found)))),
            Err(Error::Refused(Refused::NotFound)) => {}
            Err(error) => return Err(desk.fail(&app, error)),
        }
    }
    let client = desk
        .query
        .get("client")
        .map(str::trim)
        .filter(|id| !id.is_empty());
    let rows = refusals::list(&app, &desk.actor, client, LATEST).await;
    let view = RequestList {
        missing: wanted.map(str::to_owned),
        client: client.unwrap_or_default().to_owned(),
        rows: rows.map_err(|error| desk.fail(&app, error))?,
    };
    let status = if view.missing.is_some() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    Ok(desk.page_with(&app, status, ConsoleView::RequestList(view)))
}
