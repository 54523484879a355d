//! `POST /token` (RFC 6749 §3.2): the phases all grants share, then the grant.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use protocol::client::GrantType;
use protocol::error::invalid_request;
use protocol::token_request::{TokenRequest, unsupported_grant_type};

use super::client_auth;
use super::grants::{authorization_code, client_credentials, password, refresh_token, token_exchange};
use super::issue::{self, TokenResponse};
use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::rate_limit::Limit;
use crate::statistics::Kind;
use crate::web::client_ip::ClientAddress;
use crate::web::cors;
use crate::web::form::{self, Params};

/// Answers `OPTIONS` on the endpoints that clients call from browsers.
pub(super) async fn preflight(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let allowed = match cors::origin(&headers) {
        Some(origin) => is_of_a_client(&app, origin).await,
        None => false,
    };
    cors::preflight(&headers, allowed)
}

async fn is_of_a_client(app: &App, origin: &str) -> bool {
    app.origins().await.is_ok_and(|origins| origins.contains(origin))
}

/// Answers a token request. It takes the request apart itself: each extractor would clone what it gives.
pub(super) async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let params = match form::read_body(&head.headers, body, form::REPEATABLE).await {
        Ok(params) => params,
        Err(error) => {
            let refusal = TokenRefusal::from(error).into_response();
            return for_origin_of_any(&app, &head.headers, refusal).await;
        }
    };
    let mut told = HeaderMap::new();
    let mut answer = match exchange(&app, &head, &params, &mut told).await {
        Ok(tokens) => tokens.into_response(),
        Err(error) => error.into_response(),
    };
    answer.headers_mut().extend(told);
    for_origin(&app, &head.headers, &params, answer).await
}

async fn exchange(
    app: &App,
    head: &Parts,
    params: &Params,
    told: &mut HeaderMap,
) -> Result<TokenResponse, Error<TokenRefusal>> {
    if head.uri.query().is_some() {
        return Err(invalid_request("parameters belong in the body, not in the URL").into());
    }
    let address = ClientAddress::of(&head.extensions);
    let client = client_auth::authenticate(app, address, &head.headers, params).await?;
    let limit = Limit::TokenPerClient;
    let verdict = app.limits.take(limit, client.client_id.as_str()).await;
    verdict.describe(limit, told);
    verdict.allowed().map_err(TokenRefusal::too_many)?;
    let grant_type = params.get("grant_type").and_then(GrantType::parse);
    if grant_type.is_some_and(|grant_type| !app.config.offers(grant_type)) {
        return Err(unsupported_grant_type().into());
    }
    let resources = params.all("resource").map(str::to_owned).collect();
    let request = TokenRequest::parse(|name| params.get(name), resources)?;
    client.ensure_may_use(request.grant_type())?;
    let grant = request.grant_type();
    let issuance = match request {
        TokenRequest::AuthorizationCode(p) => authorization_code::redeem(app, &client, p).await?,
        TokenRequest::RefreshToken(p) => refresh_token::redeem(app, &client, p).await?,
        TokenRequest::ClientCredentials(p) => client_credentials::redeem(app, &client, p).await?,
        TokenRequest::Password(p) => password::redeem(app, &client, address, p).await?,
        TokenRequest::TokenExchange(p) => token_exchange::redeem(app, &client, address, p).await?,
    };
    let tokens = issue::tokens(app, &client, issuance).await?;
    app.statistics
        .count(Kind::token(grant), client.client_id.as_str());
    Ok(tokens)
}

/// Lets a page of any client read a refusal to whoever it is: it tells nothing of anybody, and the page must learn that
/// its token has ended.
pub(super) async fn for_origin_of_any(app: &App, headers: &HeaderMap, mut refusal: Response) -> Response {
    if let Some(origin) = cors::origin(headers) {
        let allowed = is_of_a_client(app, origin).await;
        cors::for_client(refusal.headers_mut(), Some(origin), allowed);
    }
    refusal
}

/// Lets a page of one of the client's registered origins read the answer.
pub(super) async fn for_origin(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    mut answer: Response,
) -> Response {
    let Some(origin) = cors::origin(headers) else {
        return answer;
    };
    let allowed = match params.get("client_id") {
        Some(id) => {
            matches!(app.client(&id.into()).await, Ok(Some(client)) if client.client.allows_origin(origin))
        }
        None => false,
    };
    cors::for_client(answer.headers_mut(), Some(origin), allowed);
    answer
}
