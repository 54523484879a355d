//! The account pages as JSON, for clients whose tokens carry `account:read` or `account:write`. Cookies mean nothing
//! here, refusals are problem details (RFC 9457), and the weightier changes ask for a fresh sign-in (RFC 9470).

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use protocol::id::{ClientId, SessionId};
use protocol::profile::{PROFILE_CLAIMS, ProfileClaim};
use protocol::role::{ACCOUNT_READ, ACCOUNT_WRITE};
use protocol::secret::Secret;
use protocol::session::amr_of;
use serde_json::{Map, Value, json};
use store::Account;
use uuid::Uuid;

use super::{apps, email, password, profile, sessions};
use crate::administration::Refused;
use crate::app::App;
use crate::audit::Event;
use crate::bearer::refusal::ApiRefusal;
use crate::browser;
use crate::error::{Error, Problem};
use crate::html;
use crate::privacy::{self, Left};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;
use caller::Caller;

mod api_keys;
mod body;
mod caller;
mod factors;
mod identities;
mod origin;

type Answer = Result<Response, Error<ApiRefusal>>;

/// Routes of the API, to be put under its path.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/profile", get(show_profile).patch(change_profile))
        .route("/email", post(change_email))
        .route("/password", post(change_password))
        .route("/sessions", get(list_sessions).delete(end_sessions))
        .route("/sessions/{id}", delete(end_session))
        .route("/apps", get(list_apps))
        .route("/apps/{client_id}", delete(end_app))
        .merge(factors::routes())
        .merge(identities::routes())
        .merge(api_keys::routes())
        .route("/export", get(export))
        .route("/erasure", post(erase))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is not done that way")
        })
        .layer(middleware::from_fn_with_state(app.clone(), origin::answer))
}

/// JSON that nobody keeps.
fn shown(value: Value) -> Response {
    let mut answer = Json(value).into_response();
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn document(account: &Account) -> Value {
    let mut members = Map::new();
    members.insert("sub".to_owned(), json!(account.id));
    members.insert("preferred_username".to_owned(), json!(account.username));
    members.insert("email".to_owned(), json!(account.email));
    members.insert("email_verified".to_owned(), json!(account.email_verified));
    members.insert("updated_at".to_owned(), json!(account.updated_at));
    for claim in &PROFILE_CLAIMS {
        let value = account.claims.get(claim.name);
        members.insert(claim.name.to_owned(), value.cloned().unwrap_or(Value::Null));
    }
    Value::Object(members)
}

async fn show_profile(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    Ok(shown(document(&caller.account)))
}

/// A member with its new value; `null` takes the claim away.
fn profile_change(name: &str, value: Value) -> Result<(&'static ProfileClaim, Option<String>), Problem> {
    let wrong = |detail| bad(detail).with("member", name);
    let claim = ProfileClaim::find(name).ok_or_else(|| wrong("this member cannot be set"))?;
    let value = match value {
        Value::Null => None,
        Value::String(text) => claim
            .parse(&text)
            .map_err(|_| wrong("the value does not have the form of this claim"))?,
        _ => return Err(wrong("the value must be text or null")),
    };
    Ok((claim, value))
}

async fn change_profile(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    let changes = body::read(request)
        .await?
        .into_iter()
        .map(|(name, value)| profile_change(&name, value))
        .collect::<Result<profile::Changes, Problem>>()?;
    let changed = profile::change(&app, caller.account.id, changes).await?;
    Ok(shown(document(&changed.ok_or_else(Problem::not_found)?)))
}

async fn change_email(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let (headers, address) = origin(&request);
    let [typed] = body::texts(body::read(request).await?, ["email"], 1)?;
    let locale = html::locale(&app, &headers, None);
    let typed = typed.unwrap_or_default();
    match email::ask(&app, &caller.account, &typed, address, locale).await? {
        email::Asked::Sent => Ok(StatusCode::ACCEPTED.into_response()),
        email::Asked::Invalid => Err(bad("this is no e-mail address").with("member", "email").into()),
        email::Asked::Same => Err(bad("the account has this address").with("member", "email").into()),
        email::Asked::TooMany(wait) => Err(wait.into()),
    }
}

fn origin(request: &Request) -> (HeaderMap, ClientAddress) {
    let address = ClientAddress::of(request.extensions());
    (request.headers().clone(), address)
}

async fn change_password(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let (headers, address) = origin(&request);
    let names = ["new_password", "current_password"];
    let [new, current] = body::texts(body::read(request).await?, names, 1)?;
    let (new, current) = (
        Secret::new(new.unwrap_or_default()),
        Secret::new(current.unwrap_or_default()),
    );
    // A first password is one more way to sign in, which is for the holder to open and not for a client.
    if !password::exists(&app, caller.account.id).await? {
        let detail = "the account has no password; its holder chooses the first on the account page";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail).into());
    }
    let wish = password::Wish {
        account: &caller.account,
        current: Some(&current),
        new: &new,
        keep: caller.session,
        locale: html::locale(&app, &headers, None),
        origin: address.into(),
    };
    match password::change(&app, wish).await? {
        password::Outcome::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        password::Outcome::Mismatch => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this is not the current password",
        )
        .with("member", "current_password")
        .into()),
        password::Outcome::Weak(weakness) => Err(bad("the new password is not good enough")
            .with("member", "new_password")
            .with("weakness", json!(weakness))
            .into()),
        password::Outcome::TooMany(wait) => Err(wait.into()),
        password::Outcome::Busy => Err(Error::failed(crate::passwords::Busy)),
    }
}

async fn list_sessions(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let listed = sessions::list(&app, caller.account.id).await?;
    let all = listed.iter().map(|listed| {
        let session = &listed.session;
        json!({
            "id": session.id,
            "current": caller.session == Some(session.id),
            "user_agent": listed.user_agent,
            "network": sessions::network(listed.address.as_deref()),
            "started_at": session.created_at,
            "last_seen_at": session.last_seen_at,
            "expires_at": listed.expires_at,
            "acr": session.acr(),
            "amr": amr_of(&session.factors),
        })
    });
    Ok(shown(json!({ "sessions": all.collect::<Vec<_>>() })))
}

async fn end_session(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let id = Uuid::parse_str(&id).map_err(|_| Problem::not_found())?;
    if browser::end_session(&app, caller.account.id, SessionId(id)).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Problem::not_found().into())
    }
}

/// Ends all sessions; with `keep_current=true` all but the one in which the token was granted.
async fn end_sessions(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let query = Params::from_query(request.uri().query(), &[]).map_err(|_| bad("the query is malformed"))?;
    let kept = match query.get("keep_current") {
        Some("true") => caller.session,
        None | Some("false") => None,
        Some(_) => return Err(bad("keep_current is true or false").into()),
    };
    let ended = browser::end_sessions(&app, caller.account.id, kept).await?;
    Ok(shown(json!({ "ended": ended })))
}

async fn list_apps(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    let listed = apps::list(&app, caller.account.id).await?;
    let all = listed.iter().map(|app| {
        json!({
            "client_id": app.client_id,
            "name": app.name,
            "scope": app.scope,
            "since": app.since,
            "last_used_at": app.last_used_at,
        })
    });
    Ok(shown(json!({ "apps": all.collect::<Vec<_>>() })))
}

async fn end_app(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    if apps::withdraw(&app, caller.account.id, ClientId(id)).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Problem::not_found().into())
    }
}

/// Gives all that is kept about the account.
async fn export(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_READ).await?;
    caller.require_alone(&app)?;
    caller.require_fresh(&app).await?;
    let (_, address) = origin(&request);
    let id = caller.account.id;
    let event = Event::now(&app, "account.exported").account(id).from(address);
    let document = privacy::export(&app, id, event).await?;
    Ok(shown(document.ok_or_else(Problem::not_found)?))
}

/// Deletes the account, whose user name is repeated: at once, or after the time that the server keeps it.
async fn erase(State(app): State<Arc<App>>, request: Request) -> Answer {
    let caller = Caller::find(&app, request.headers(), request.uri(), ACCOUNT_WRITE).await?;
    caller.require_fresh(&app).await?;
    let (headers, address) = origin(&request);
    let [username] = body::texts(body::read(request).await?, ["username"], 1)?;
    if username.as_deref() != Some(caller.account.username.as_str()) {
        return Err(bad("this is not the user name of the account")
            .with("member", "username")
            .into());
    }
    let locale = email::mail_locale(&app, &caller.account, html::locale(&app, &headers, None));
    match privacy::leave(&app, &caller.account, address, locale).await {
        Ok(Left::Erased) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Left::Scheduled(at)) => {
            let mut answer = shown(json!({ "erase_at": at }));
            *answer.status_mut() = StatusCode::ACCEPTED;
            Ok(answer)
        }
        Err(error) => Err(error.map_refusal(|refused: Refused| Problem::from(refused).into())),
    }
}
