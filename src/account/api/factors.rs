//! `/factors`: what the account has, its names, and taking one away. Another way in is for the holder to open on the
//! account page, and not for a client.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, patch};
use protocol::role::{ACCOUNT_READ, ACCOUNT_WRITE};
use uuid::Uuid;

use super::caller::Caller;
use super::{Answer, bad, body, origin, shown};
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::factors::change::{self, Removal, Removed, Standing};
use crate::factors::{self, Kind, label};
use crate::html;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/factors", get(list))
        .route("/factors/{id}", patch(rename).delete(remove))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let overview = factors::list(&app, caller.account.id).await?;
    Ok(shown(serde_json::to_value(overview)?))
}

/// The kind of one of the caller's factors, and its identifier.
async fn find(app: &App, caller: &Caller, id: &str) -> Result<(Kind, Uuid), Error<ApiRefusal>> {
    let id = Uuid::parse_str(id).map_err(|_| Problem::not_found())?;
    let overview = factors::list(app, caller.account.id).await?;
    let found = overview.factors.iter().find(|factor| factor.id == id);
    let found = found.ok_or_else(Problem::not_found)?;
    Ok((found.kind, id))
}

/// Gives a factor another name.
async fn rename(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let [name] = body::texts(body::read(request).await?, ["name"], 1)?;
    let name = label(&name.unwrap_or_default(), "");
    if name.is_empty() {
        return Err(bad("the name has no visible character")
            .with("member", "name")
            .into());
    }
    let (kind, id) = find(&app, &caller, &id).await?;
    if change::rename(&app, caller.account.id, kind, id, &name).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Problem::not_found().into())
    }
}

/// Removes a factor, and ends all sessions but the one in which the token was granted.
async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let (headers, _) = origin(&request);
    let (kind, id) = find(&app, &caller, &id).await?;
    let removal = Removal {
        account: &caller.account,
        locale: html::locale(&app, &headers, None),
        kept: caller.session,
        standing: Standing::Grant(caller.grant),
    };
    let conflict = |detail| Err(Problem::new(StatusCode::CONFLICT, detail).into());
    match removal.carry_out(&app, kind, id).await? {
        Removed::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Removed::Missing => Err(Problem::not_found().into()),
        Removed::Needed => conflict("the account must keep at least one second factor"),
        Removed::OnlyWayIn => conflict("nothing else signs the account in"),
    }
}
