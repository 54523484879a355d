//! `/admin/sessions`: who is signed in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use protocol::id::SessionId;
use uuid::Uuid;

use super::pager::Pager;
use super::{Answer, Desk, users};
use crate::administration::Refused;
use crate::administration::sessions::{self, SessionView};
use crate::app::App;
use crate::pages::{ConsolePart, ConsoleView, SessionList, SessionRow};

const PART: ConsolePart = ConsolePart::Sessions;
const LIST: &str = "/admin/sessions";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/sessions", get(list))
        .route("/admin/sessions/end", post(end))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &[]);
    let slice = pager.slice(&app, "created_at", true);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let listed = sessions::list(&app, &desk.actor, None, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let view = SessionList {
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.into_iter().map(row).collect(),
    };
    Ok(desk.page(&app, ConsoleView::SessionList(view)))
}

/// A session as lists show it.
pub(super) fn row(session: SessionView) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        account_id: session.account_id.to_string(),
        user_agent: session.user_agent.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        amr: session.amr,
    }
}

/// Ends a session, from the list of all or from the page of its account.
async fn end(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let Some(id) = desk.form.get("session").and_then(|id| Uuid::parse_str(id).ok()) else {
        return Err(desk.refuse(&app, &Refused::NotFound));
    };
    let back = users::back(&desk).unwrap_or_else(|| LIST.to_owned());
    match sessions::end(&app, &desk.actor, SessionId(id)).await {
        Ok(()) => Ok(desk.done(&back, "session-ended")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}
