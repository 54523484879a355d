//! `/login/upstream/{name}`: to another provider and back (OpenID Connect Core §3.1.2).

use std::sync::Arc;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use protocol::id::AccountId;
use protocol::interaction::Interaction;
use protocol::secret::Secret;
use protocol::session::Factor;
use protocol::time::Timestamp;
use protocol::upstream::Upstream;
use store::{Conn, StoreError, StoredUpstream};

use super::Visit;
use crate::app::App;
use crate::browser::{self, Proved};
use crate::html;
use crate::pages::{Message, UpstreamCard};
use crate::rate_limit::Exceeded;
use crate::sign_in;
use crate::upstream::{self, Flow, Outcome, Pending, begin, missing, troubled};
use crate::web;
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

mod confirm;
mod unknown;

/// Routes of signing in elsewhere.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login/upstream/{name}", get(start).head(web::no_head))
        .route(
            "/login/upstream/{name}/callback",
            get(callback).head(web::no_head),
        )
        .route("/login/connect", get(unknown::show).post(unknown::submit))
        .route("/login/connect/confirm", get(confirm::show).post(confirm::submit))
}

/// The upstreams that the sign-in page offers.
pub(super) async fn offered(app: &App, visit: &Visit) -> Result<Vec<UpstreamCard>, StoreError> {
    let open = upstream::list(app).await?;
    let card = |stored: StoredUpstream| UpstreamCard {
        action: visit.action(&format!("/login/upstream/{}", stored.upstream.name)),
        title: stored.upstream.display_name().to_owned(),
        name: stored.upstream.name,
    };
    Ok(open.into_iter().map(card).collect())
}

/// A link and no form: what it carries is sealed for this browser, which is proof enough that we wrote it, and
/// browsers do not let forms be redirected to where the other provider may lead.
async fn start(State(app): State<Arc<App>>, Path(name): Path<String>, request: Request) -> Response {
    let visit = match Visit::open(&app, request).await {
        Ok(visit) => visit,
        Err(refusal) => return refusal,
    };
    match upstream::find(&app, &name).await {
        Ok(Some(stored)) => {
            let flow = Flow::new(&stored.upstream, visit.interaction, app.now());
            begin(&app, &visit.headers, &stored.upstream, &flow).await
        }
        Ok(None) => missing(&app, &visit.headers),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

fn expired(app: &App, headers: &HeaderMap) -> Response {
    let bad = StatusCode::BAD_REQUEST;
    html::refuse(app, headers, bad, "invalid_request", Message::Expired)
}

/// The answer of an upstream that is open and was asked by this browser.
struct Answer {
    headers: HeaderMap,
    params: Params,
    flow: Flow,
    stored: StoredUpstream,
}

impl Answer {
    async fn open(
        app: &App,
        name: &str,
        headers: HeaderMap,
        query: Option<&str>,
    ) -> Result<Answer, Response> {
        let Ok(params) = Params::from_query(query, &[]) else {
            return Err(expired(app, &headers));
        };
        let flow = params
            .get("state")
            .and_then(|state| Flow::open(app, &headers, state));
        let Some(flow) = flow.filter(|flow| flow.upstream == name) else {
            return Err(expired(app, &headers));
        };
        let stored = match upstream::find(app, name).await {
            Ok(stored) => stored.filter(|stored| stored.upstream.issuer == flow.issuer),
            Err(error) => return Err(html::fail(app, &headers, error)),
        };
        let Some(stored) = stored else {
            return Err(missing(app, &headers));
        };
        Ok(Answer {
            headers,
            params,
            flow,
            stored,
        })
    }

    /// Makes this the only answer to its flow; false when there was one.
    async fn claim(&self, app: &App) -> Result<bool, StoreError> {
        let (once, until) = (self.flow.once(), self.flow.interaction.expires_at);
        app.store
            .write(async move |db: &mut Conn| store::replay::record(db, &once, until).await)
            .await
    }
}

async fn callback(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = match Answer::open(&app, &name, headers, query.as_deref()).await {
        Ok(answer) => answer,
        Err(refusal) => return refusal,
    };
    let headers = &answer.headers;
    if let Err(exceeded) = sign_in::charge(&app, address).await {
        return too_many(&app, headers, &exceeded);
    }
    match answer.claim(&app).await {
        Ok(true) => {}
        Ok(false) => return expired(&app, headers),
        Err(error) => return html::fail(&app, headers, error),
    }
    let metadata = match upstream::discover(&app, &answer.flow.issuer).await {
        Ok(metadata) => metadata,
        Err(error) => return troubled(&app, headers, &answer.flow, &error),
    };
    let failed = |message| {
        let bad = StatusCode::BAD_REQUEST;
        upstream::refuse(&app, headers, &answer.flow, bad, "access_denied", message)
    };
    if !metadata.sent(answer.params.get("iss")) {
        return failed(Message::UpstreamFailed);
    }
    let code = match (answer.params.get("error"), answer.params.get("code")) {
        (None, Some(code)) => Secret::new(code),
        _ => return failed(Message::UpstreamRefused),
    };
    match upstream::redeem(&app, &answer.stored, &metadata, &code, &answer.flow).await {
        Ok(person) => arrive(&app, answer, person, address).await,
        Err(error) => troubled(&app, headers, &answer.flow, &error),
    }
}

pub(super) fn too_many(app: &App, headers: &HeaderMap, exceeded: &Exceeded) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let page = html::refuse(app, headers, status, "access_denied", Message::TooMany);
    super::password::too_many(page, exceeded)
}

/// Goes on with somebody whom the upstream has named.
async fn arrive(
    app: &App,
    answer: Answer,
    person: protocol::upstream::Person,
    address: ClientAddress,
) -> Response {
    let Answer {
        headers,
        flow,
        stored,
        ..
    } = answer;
    let locale = html::locale(app, &headers, ui_locales(&flow.interaction));
    let since = flow.proved_since(app.now());
    if flow.connect {
        sign_in::give_back(app, address).await;
        return connect(app, &headers, &stored.upstream, flow, person, since).await;
    }
    match upstream::find_account(app, &stored.upstream, &person, locale, address).await {
        Ok(Outcome::Is(account)) => {
            sign_in::give_back(app, address).await;
            let proved = (account, person.authenticated_at());
            enter(app, &headers, address, proved, flow.interaction).await
        }
        Ok(Outcome::Ask) => {
            sign_in::give_back(app, address).await;
            let pending = Pending::new(&stored.upstream, person, flow.interaction, since);
            html::see_other(&format!("/login/connect?p={}", pending.seal(app)))
        }
        Ok(Outcome::Refused) => upstream::refuse(
            app,
            &headers,
            &flow,
            StatusCode::FORBIDDEN,
            "access_denied",
            Message::UpstreamAccount,
        ),
        Err(error) => html::fail(app, &headers, error),
    }
}

/// Goes on with somebody who is signed in and wants to be known by the upstream's name too.
async fn connect(
    app: &App,
    headers: &HeaderMap,
    upstream: &Upstream,
    flow: Flow,
    person: protocol::upstream::Person,
    since: Timestamp,
) -> Response {
    match upstream::is_known(app, &person).await {
        Ok(true) => html::see_other("/account/identities?done=identity-taken"),
        Ok(false) => {
            let pending = Pending::new(upstream, person, flow.interaction, since);
            html::see_other(&format!("/login/connect/confirm?p={}", pending.seal(app)))
        }
        Err(error) => html::fail(app, headers, error),
    }
}

fn ui_locales(interaction: &Interaction) -> Option<&str> {
    interaction
        .request()
        .and_then(|request| request.ui_locales.as_deref())
}

/// Begins the session, with what the upstream proved, and when, as its first factor, and goes back to the decision.
async fn enter(
    app: &App,
    headers: &HeaderMap,
    address: ClientAddress,
    (account, proved_at): (AccountId, Timestamp),
    mut interaction: Interaction,
) -> Response {
    let mut cookies = HeaderMap::new();
    let begun = async {
        let old = browser::session(app, headers).await?;
        let proved = Proved {
            account,
            factor: Factor::Upstream,
            chosen_at: None,
        };
        browser::sign_in_as_of(app, proved, proved_at, old, headers, address, &mut cookies).await
    };
    match begun.await {
        Ok(Some(session)) => interaction.sign_in(session),
        Ok(None) => {
            let status = StatusCode::FORBIDDEN;
            return html::refuse(app, headers, status, "access_denied", Message::UpstreamAccount);
        }
        Err(error) => return html::fail(app, headers, error),
    }
    let mut answer = resume(app, &interaction);
    answer.headers_mut().extend(cookies);
    answer
}

fn resume(app: &App, interaction: &Interaction) -> Response {
    html::see_other(&format!("/authorize/{}", browser::seal(app, interaction)))
}

/// Where the answer to a form may lead the browser.
fn form_targets(interaction: &Interaction) -> Vec<String> {
    let request = interaction.request();
    request
        .map(|request| request.target.redirect_uri.clone())
        .into_iter()
        .collect()
}
