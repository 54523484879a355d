//! `/admin/keys`: the keys that sign tokens.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use protocol::jose::Algorithm;

use super::pager::Pager;
use super::{Answer, Desk};
use crate::administration::keys::{self, KeyView};
use crate::app::App;
use crate::pages::{ConsolePart, ConsoleView, KeyList, KeyRow};

const PART: ConsolePart = ConsolePart::Keys;
const LIST: &str = "/admin/keys";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/keys", get(list))
        .route("/admin/keys/rotate", post(rotate))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    let pager = Pager::new(&desk, LIST, &[]);
    let slice = pager.slice(&app, "kid", false);
    let slice = slice.map_err(|refused| desk.refuse(&app, &refused))?;
    let listed = keys::list(&app, &desk.actor, &slice).await;
    let listed = listed.map_err(|error| desk.fail(&app, error))?;
    let algorithms = app.config.keys.algorithms.iter();
    let view = KeyList {
        next: pager.next(&app, listed.next.as_ref()),
        first: pager.first(),
        rows: listed.items.into_iter().map(row).collect(),
        algorithms: algorithms.map(|algorithm| algorithm.as_str()).collect(),
    };
    Ok(desk.page(&app, ConsoleView::KeyList(view)))
}

fn row(key: KeyView) -> KeyRow {
    KeyRow {
        kid: key.kid,
        algorithm: key.algorithm,
        state: match key.state {
            keys::State::Upcoming => "upcoming",
            keys::State::Active => "active",
            keys::State::Retired => "retired",
            keys::State::Expired => "expired",
        },
        activates_at: key.activates_at,
        retires_at: key.retires_at,
        expires_at: key.expires_at,
    }
}

async fn rotate(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::act(&app, request, PART, LIST).await?;
    let named = desk.form.get("algorithm");
    let algorithm = named.and_then(|name| {
        Algorithm::SIGNING
            .into_iter()
            .find(|known| known.as_str() == name)
    });
    match keys::rotate(&app, &desk.actor, algorithm).await {
        Ok(_) => Ok(desk.done(LIST, "key-rotated")),
        Err(error) => Err(desk.fail(&app, error)),
    }
}
