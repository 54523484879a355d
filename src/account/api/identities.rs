//! `/identities`: the sign-ins elsewhere that lead to this account. A new one is connected on the account page, where the
//! browser is led to the upstream.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use protocol::role::{ACCOUNT_READ, ACCOUNT_WRITE};
use serde_json::{Value, json};

use super::caller::Caller;
use super::{Answer, origin, shown};
use crate::account::identities;
use crate::app::App;
use crate::error::Problem;
use crate::html;
use crate::upstream::Disconnected;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/identities", get(list))
        .route("/identities/{id}", delete(end))
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let (held, _) = identities::held(&app, caller.account.id).await?;
    let all = held.iter().map(|held| {
        json!({
            "id": held.id,
            "issuer": held.identity.issuer,
            "title": held.title,
            "open": held.open,
            "created_at": held.identity.created_at,
            "last_used_at": held.identity.last_used_at,
        })
    });
    Ok(shown(json!({ "identities": all.collect::<Vec<Value>>() })))
}

/// Takes a connection away, and ends all sessions but the one in which the token was granted.
async fn end(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let (headers, _) = origin(&request);
    let (held, _) = identities::held(&app, caller.account.id).await?;
    let wanted = held.iter().find(|held| held.id == id);
    let wanted = wanted.ok_or_else(Problem::not_found)?;
    let locale = html::locale(&app, &headers, None);
    match identities::disconnect(&app, &caller.account, wanted, caller.session, locale).await? {
        Disconnected::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Disconnected::Missing => Err(Problem::not_found().into()),
        Disconnected::LastWay => {
            let detail = "nothing else signs the account in";
            Err(Problem::new(StatusCode::CONFLICT, detail).into())
        }
    }
}
