//! `/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2): start, resume, advance, respond.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::authorization::{self, AuthorizationParams};
use protocol::client::Client;
use protocol::error::{OAuthError, invalid_request};
use protocol::grant::{AuthorizationCode, Grant};
use protocol::id::GrantId;
use protocol::id_token;
use protocol::interaction::{Destination, Interaction, Next};
use protocol::response::{ResponseMode, ResponseTarget, with_query};
use protocol::scope::Scope;
use protocol::secret::TokenHash;
use store::{Conn, StoreError};

use crate::app::App;
use crate::audit::Event;
use crate::browser::{self, Current};
use crate::decision::{decide, own, to_page};
use crate::html;
use crate::pages::{Message, Page};
use crate::random;
use crate::refusals::Told;
use crate::web::form;

/// An authorization request in the query.
pub(super) async fn start_by_get(State(app): State<Arc<App>>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    start(&app, request.headers(), query.as_bytes()).await
}

/// An authorization request in a form (OpenID Connect Core §3.1.2.1).
pub(super) async fn start_by_post(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    if !form::is_form(&headers) {
        return refuse(
            &app,
            &headers,
            &invalid_request("the body must be a form"),
            Message::InvalidRequest,
        );
    }
    match axum::body::to_bytes(request.into_body(), 64 * 1024).await {
        Ok(body) => start(&app, &headers, &body).await,
        Err(_) => refuse(
            &app,
            &headers,
            &invalid_request("the form is too large"),
            Message::InvalidRequest,
        ),
    }
}

fn refuse(app: &App, headers: &HeaderMap, error: &OAuthError, message: Message<'_>) -> Response {
    let answer = html::refuse(
        app,
        headers,
        StatusCode::BAD_REQUEST,
        error.code.as_str(),
        message,
    );
    Told::from(error).beside(answer)
}

async fn start(app: &App, headers: &HeaderMap, encoded: &[u8]) -> Response {
    let pairs = match form::pairs(encoded) {
        Ok(pairs) => pairs,
        Err(error) => return refuse(app, headers, &error, Message::InvalidRequest),
    };
    let params = AuthorizationParams::from_pairs(pairs);
    let client_id = match params.client_id() {
        Ok(client_id) => client_id,
        Err(error) => return refuse(app, headers, &error, Message::InvalidRequest),
    };
    let client = match app.client(&client_id).await {
        Ok(Some(client)) => client,
        Ok(None) => {
            return refuse(
                app,
                headers,
                &invalid_request("unknown client"),
                Message::UnknownClient,
            );
        }
        Err(error) => return html::fail(app, headers, error),
    };
    let target = match params.response_target(&client.client) {
        Ok(target) => target,
        Err(error) => return refuse(app, headers, &error, Message::RedirectUri),
    };
    let request = match hinted_subject(app, &client.client, params.value("id_token_hint"))
        .and_then(|subject| authorization::check(&params, &client.client, target.clone(), subject))
    {
        Ok(request) => request,
        Err(error) => return deliver_refusal(app, headers, &client.client, &target, &error),
    };
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let destination = Destination::Client(Box::new(request));
    let interaction = browser::interaction(app, destination, browser::fingerprint(&mark));
    if !browser::fits(&interaction) {
        let error = invalid_request("the request is too long to be kept in an address");
        return deliver_refusal(app, headers, &client.client, &target, &error);
    }
    let mut answer = match advance(app, headers, &client.client, interaction).await {
        Ok(answer) => answer,
        Err(error) => html::fail(app, headers, error),
    };
    answer.headers_mut().extend(cookies);
    answer
}

/// The subject that an ID token of ours, issued to this client, names.
fn hinted_subject(app: &App, client: &Client, hint: Option<&str>) -> Result<Option<String>, OAuthError> {
    let Some(hint) = hint else { return Ok(None) };
    let ring = app.keys.ring();
    match id_token::verify_hint(hint, &ring.verification, app.issuer()) {
        Ok(hint) if hint.aud.iter().any(|aud| aud == client.client_id.as_str()) => Ok(Some(hint.sub)),
        _ => Err(invalid_request(
            "id_token_hint is not an ID token that was issued to this client",
        )),
    }
}

/// Goes on with a request after a step.
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Path(sealed): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(interaction) = browser::open(&app, &headers, &sealed) else {
        return refuse(&app, &headers, &invalid_request("expired"), Message::Expired);
    };
    let Some(request) = interaction.request() else {
        return match decide(&app, &headers, None, &interaction).await {
            Ok(decision) => own(&app, decision, &interaction),
            Err(error) => html::fail(&app, &headers, error),
        };
    };
    match app.client(&request.client_id).await {
        Ok(Some(client)) => match advance(&app, &headers, &client.client, interaction).await {
            Ok(answer) => answer,
            Err(error) => html::fail(&app, &headers, error),
        },
        Ok(None) => refuse(
            &app,
            &headers,
            &invalid_request("unknown client"),
            Message::UnknownClient,
        ),
        Err(error) => html::fail(&app, &headers, error),
    }
}

async fn advance(
    app: &App,
    headers: &HeaderMap,
    client: &Client,
    interaction: Interaction,
) -> Result<Response, StoreError> {
    let Some(request) = interaction.request() else {
        return Ok(refuse(
            app,
            headers,
            &invalid_request("no client"),
            Message::InvalidRequest,
        ));
    };
    let decision = decide(app, headers, Some(client), &interaction).await?;
    Ok(match (decision.step, decision.current) {
        (Next::Respond, Some(current)) => {
            respond(app, headers, client, &interaction, current, decision.scope).await?
        }
        (Next::Refuse(error), _) => deliver_refusal(app, headers, client, &request.target, &error),
        (step, _) => to_page(app, &step, &interaction),
    })
}

async fn respond(
    app: &App,
    headers: &HeaderMap,
    client: &Client,
    interaction: &Interaction,
    current: Current,
    scope: Scope,
) -> Result<Response, StoreError> {
    let Some(request) = interaction.request() else {
        return Ok(refuse(
            app,
            headers,
            &invalid_request("no client"),
            Message::InvalidRequest,
        ));
    };
    let (now, cookie) = (app.now(), current.secret);
    // Where the person is asked, only what they were asked about.
    let asked = client.require_consent || interaction.consented.is_some();
    let claims = if asked {
        request.claims.clone().within(&scope)
    } else {
        request.claims.clone()
    };
    let grant = Grant {
        id: GrantId(random::uuid()),
        account_id: current.session.account_id,
        client_id: client.client_id.clone(),
        session_id: Some(current.session.id),
        scope,
        resources: request.resources.clone(),
        nonce: request.nonce.clone(),
        claims,
        auth_time: current.session.auth_time,
        factors: current.session.factors.clone(),
        created_at: now,
        revoked_at: None,
    };
    let secret = random::secret("ac_");
    let hash = secret.hash();
    let code = AuthorizationCode {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        redirect_uri: request.target.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        expires_at: now + app.config.tokens.authorization_code,
        consumed_at: None,
    };
    let once = TokenHash::of(&format!("interaction/{}", interaction.id));
    let until = interaction.expires_at;
    let event = Event::now(app, "code.issued")
        .client(&client.client_id)
        .account(grant.account_id);
    let first = app
        .store
        .write(async move |db: &mut Conn| {
            // A request is answered once; the way back in the browser's history leads to an error, not to a code.
            // The session may have ended since it was read; a grant made now would outlive it.
            if store::sessions::find_locked(db, &cookie, now).await?.is_none() {
                return Ok(false);
            }
            if !store::replay::record(db, &once, until).await? {
                return Ok(false);
            }
            store::grants::insert(db, &grant).await?;
            store::codes::insert(db, &hash, &code).await?;
            event.record(db).await?;
            Ok(true)
        })
        .await?;
    if !first {
        return Ok(refuse(
            app,
            headers,
            &invalid_request("answered before"),
            Message::Expired,
        ));
    }
    Ok(deliver(
        app,
        headers,
        &request.target,
        &request.target.success(secret.expose(), app.issuer()),
    ))
}

/// Sends a refusal to the redirect URI, which is trusted by now.
fn deliver_refusal(
    app: &App,
    headers: &HeaderMap,
    client: &Client,
    target: &ResponseTarget,
    error: &OAuthError,
) -> Response {
    let answer = deliver(app, headers, target, &target.error(error, app.issuer()));
    Told::from(error).client(client.client_id.as_str()).beside(answer)
}

/// Sends a response to the redirect URI, which is trusted by now.
fn deliver(app: &App, headers: &HeaderMap, target: &ResponseTarget, params: &[(String, String)]) -> Response {
    match target.mode {
        ResponseMode::Query => html::see_other(&with_query(&target.redirect_uri, params)),
        ResponseMode::FormPost => {
            let page = Page::FormPost {
                redirect_uri: &target.redirect_uri,
                params,
            };
            html::page(app, html::locale(app, headers, None), StatusCode::OK, &page)
        }
    }
}
