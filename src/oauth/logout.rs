//! `/logout` (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::error::{OAuthError, invalid_request};
use protocol::id_token::{self, IdTokenHint};
use protocol::logout::{self, Logout, LogoutRequest};
use protocol::response::with_query;
use store::{Conn, StoredClient};

use crate::app::App;
use crate::browser::{self, Current};
use crate::error::Error;
use crate::html;
use crate::pages::{ClientCard, Message, Page};
use crate::refusals::Told;
use crate::web::form::{self, Params};
use crate::web::{limits, request_id};

/// A logout request in the query.
pub(super) async fn by_get(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let params = Params::from_query(request.uri().query(), &[]);
    finish(&app, &headers, params, false).await
}

/// A logout request in a form, or the answer to our question.
pub(super) async fn by_post(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = request.uri().query().map(str::to_owned);
    let form = match form::read(request, &[]).await {
        Ok(form) => form,
        Err(error) => return finish(&app, &headers, Err(error), false).await,
    };
    if form.get("logout").is_none() {
        // Sent by another site, the form came without the session's cookie; the GET brings it along.
        let target = with_query("/logout", form.as_pairs());
        if target.len() > limits::URI_BYTES {
            let error = invalid_request("the request is too long to be kept in an address");
            return finish(&app, &headers, Err(error), false).await;
        }
        return html::see_other(&target);
    }
    if !html::is_ours(&app, &headers, form.get("csrf")) {
        return html::refuse(
            &app,
            &headers,
            StatusCode::FORBIDDEN,
            "access_denied",
            Message::Forgery,
        );
    }
    finish(&app, &headers, Params::from_query(query.as_deref(), &[]), true).await
}

async fn finish(
    app: &App,
    headers: &HeaderMap,
    params: Result<Params, OAuthError>,
    confirmed: bool,
) -> Response {
    let outcome = match params {
        Ok(params) => run(app, headers, &params, confirmed).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(answer) => answer,
        Err(Error::Failed(error)) => html::fail(app, headers, error),
        Err(Error::Refused(error)) => {
            let id = request_id::current().unwrap_or_default();
            let page = Page::LogoutMessage {
                code: error.code.as_str(),
                message: Message::LogoutRequest,
                request_id: id.as_str(),
            };
            let locale = html::locale(app, headers, None);
            Told::from(&error).beside(html::page(app, locale, StatusCode::BAD_REQUEST, &page))
        }
    }
}

async fn run(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    confirmed: bool,
) -> Result<Response, Error<OAuthError>> {
    let hint = hint(app, params.get("id_token_hint"))?;
    let client_id = params.get("client_id").or(hint
        .as_ref()
        .and_then(|hint| hint.aud.first())
        .map(String::as_str));
    let client = match client_id {
        Some(id) => app.client(&id.into()).await?,
        None => None,
    };
    let current = browser::session(app, headers).await?;
    let subject = current
        .as_ref()
        .map(|current| current.session.account_id.to_string());
    let request = LogoutRequest {
        hint: hint.as_ref(),
        client: client.as_deref().map(|client| &client.client),
        client_id: params.get("client_id"),
        redirect_uri: params.get("post_logout_redirect_uri"),
    };
    let verdict = logout::check(
        &request,
        current.as_ref().map(|current| &current.session),
        subject.as_deref(),
    )?;
    match (verdict, current) {
        (Logout::Confirm, Some(current)) if !confirmed => {
            ask(app, headers, params, client.as_deref(), &current).await
        }
        (_, current) => end(app, headers, params, client.as_deref(), current).await,
    }
}

fn hint(app: &App, hint: Option<&str>) -> Result<Option<IdTokenHint>, OAuthError> {
    let Some(hint) = hint else { return Ok(None) };
    let ring = app.keys.ring();
    id_token::verify_hint(hint, &ring.verification, app.issuer())
        .map(Some)
        .map_err(|_| invalid_request("id_token_hint is not an ID token of ours"))
}

fn card(client: Option<&StoredClient>) -> Option<ClientCard<'_>> {
    client.map(|stored| ClientCard {
        name: stored.client.display_name(),
        verified: true,
        ..ClientCard::default()
    })
}

async fn ask(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    client: Option<&StoredClient>,
    current: &Current,
) -> Result<Response, Error<OAuthError>> {
    let id = current.session.account_id;
    let account = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
        .await?;
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let pairs: Vec<_> = params
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let action = with_query("/logout", &pairs);
    let targets: Vec<_> = params
        .get("post_logout_redirect_uri")
        .map(str::to_owned)
        .into_iter()
        .collect();
    let page = Page::LogoutConfirm {
        client: card(client),
        action: &action,
        csrf: &html::csrf_token(app, &mark),
        username: account.as_ref().map_or("", |account| account.username.as_str()),
        form_targets: &targets,
    };
    let mut answer = html::page(
        app,
        html::locale(app, headers, params.get("ui_locales")),
        StatusCode::OK,
        &page,
    );
    answer.headers_mut().extend(cookies);
    Ok(answer)
}

async fn end(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    client: Option<&StoredClient>,
    current: Option<Current>,
) -> Result<Response, Error<OAuthError>> {
    let mut cookies = HeaderMap::new();
    if let Some(current) = current {
        browser::sign_out(app, &current.session, &mut cookies).await?;
    }
    let mut answer = match params.get("post_logout_redirect_uri") {
        Some(uri) => {
            let state: Vec<_> = params
                .get("state")
                .map(|state| ("state".to_owned(), state.to_owned()))
                .into_iter()
                .collect();
            html::see_other(&if state.is_empty() {
                uri.to_owned()
            } else {
                with_query(uri, &state)
            })
        }
        None => {
            let locale = html::locale(app, headers, params.get("ui_locales"));
            html::page(
                app,
                locale,
                StatusCode::OK,
                &Page::LoggedOut { client: card(client) },
            )
        }
    };
    answer.headers_mut().extend(cookies);
    Ok(answer)
}
