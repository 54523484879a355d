//! `/api/account/v1/api-keys`: the account's API keys. Through a client nobody gets a key for more than the client
//! was allowed.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use protocol::id::ApiKeyId;
use protocol::role::{ACCOUNT_READ, ACCOUNT_WRITE};
use protocol::time::{Lifetime, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::{Answer, bad, body, shown};
use crate::administration::Refused;
use crate::administration::api_keys::{self, MAX_OVERLAP, Made, Wish};
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::web::client_ip::ClientAddress;

/// Routes, to be put under the path of the API.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api-keys", get(list).post(create))
        .route("/api-keys/{id}", get(show).delete(revoke))
        .route("/api-keys/{id}/rotate", post(rotate))
}

fn id(text: &str) -> Result<ApiKeyId, Problem> {
    Uuid::parse_str(text)
        .map(ApiKeyId)
        .map_err(|_| Problem::not_found())
}

fn refusal(error: Error<Refused>) -> Error<ApiRefusal> {
    error.map_refusal(|refused| ApiRefusal::from(Problem::from(refused)))
}

/// A key with its secret.
fn document(made: &Made) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(&made.key)?;
    if let Value::Object(members) = &mut document {
        members.insert("secret".to_owned(), json!(made.secret.expose()));
    }
    Ok(document)
}

async fn list(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let keys = api_keys::list_own(&app, &caller.account).await?;
    Ok(shown(json!({ "api_keys": keys })))
}

async fn show(State(app): State<Arc<App>>, Path(key): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let key = api_keys::show_own(&app, &caller.account, id(&key)?).await;
    Ok(shown(serde_json::to_value(key.map_err(refusal)?)?))
}

/// A member that must be a list of texts.
fn texts(name: &'static str, value: Value) -> Result<Vec<String>, Problem> {
    let wrong = || bad("this member must be a list of texts").with("member", name);
    let Value::Array(items) = value else {
        return Err(wrong());
    };
    let text = |item| match item {
        // PostgreSQL keeps no NUL in text.
        Value::String(text) if !text.contains('\0') => Ok(text),
        _ => Err(wrong()),
    };
    items.into_iter().map(text).collect()
}

fn wish(members: Map<String, Value>) -> Result<Wish, Problem> {
    let mut wish = Wish::default();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("name", Value::String(text)) => wish.name = text,
            ("permissions", value) => {
                wish.permissions = texts("permissions", value)?.into_iter().collect::<BTreeSet<_>>()
            }
            ("networks", value) => wish.networks = texts("networks", value)?,
            ("rate" | "expires_at", Value::Null) => {}
            ("rate", Value::String(text)) => wish.rate = Some(text),
            ("expires_at", Value::Number(at)) => {
                let at = at
                    .as_i64()
                    .ok_or_else(|| bad("this member must be whole seconds").with("member", "expires_at"))?;
                wish.expires_at = Some(Timestamp(at));
            }
            ("name" | "rate" | "expires_at", _) => {
                return Err(bad("this member has a value of another kind").with("member", name));
            }
            _ => return Err(bad("this member is not known").with("member", name)),
        }
    }
    Ok(wish)
}

/// Makes a key. Its secret is in this answer and in no other.
async fn create(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let address = ClientAddress::of(request.extensions());
    let wish = wish(body::read(request).await?)?;
    let actor = caller.actor(&app, address).await?;
    let made = api_keys::create(&app, &actor, caller.account.id, wish).await;
    let mut answer = shown(document(&made.map_err(refusal)?)?);
    *answer.status_mut() = StatusCode::CREATED;
    Ok(answer)
}

/// Gives a key another secret; the old one is good for `overlap` seconds more.
async fn rotate(State(app): State<Arc<App>>, Path(key): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let address = ClientAddress::of(request.extensions());
    let id = id(&key)?;
    let mut members = body::read(request).await?;
    let overlap = match members.remove("overlap") {
        None => Lifetime::seconds(0),
        Some(value) => overlap(&value)?,
    };
    if let Some(name) = members.keys().next() {
        return Err(bad("this member is not known")
            .with("member", name.as_str())
            .into());
    }
    let actor = caller.actor(&app, address).await?;
    let made = api_keys::rotate(&app, &actor, caller.account.id, id, overlap).await;
    Ok(shown(document(&made.map_err(refusal)?)?))
}

fn overlap(value: &Value) -> Result<Lifetime, Problem> {
    let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    let overlap = seconds
        .map(Lifetime::seconds)
        .filter(|overlap| *overlap <= MAX_OVERLAP);
    overlap.ok_or_else(|| bad("this member is whole seconds, at most 604800").with("member", "overlap"))
}

async fn revoke(State(app): State<Arc<App>>, Path(key): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let actor = caller
        .actor(&app, ClientAddress::of(request.extensions()))
        .await?;
    let done = api_keys::revoke_own(&app, &actor, caller.account.id, id(&key)?).await;
    done.map_err(refusal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
