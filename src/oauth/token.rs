//! `POST /token` (RFC 6749 §3.2): the phases all grants share, then the grant.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use protocol::error::invalid_request;
use protocol::token_request::TokenRequest;

use super::client_auth;
use super::grants::{authorization_code, client_credentials, password, refresh_token};
use super::issue::{self, TokenResponse};
use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::web::client_ip::ClientAddress;
use crate::web::cors;
use crate::web::form::{FormParams, Params};

pub(super) use crate::web::cors::preflight_any as preflight;

/// Answers a token request.
pub(super) async fn token(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    uri: Uri,
    headers: HeaderMap,
    FormParams(params): FormParams,
) -> Response {
    let answer = match exchange(&app, address, &uri, &headers, &params).await {
        Ok(tokens) => tokens.into_response(),
        Err(error) => error.into_response(),
    };
    for_origin(&app, &headers, &params, answer).await
}

async fn exchange(
    app: &App,
    address: ClientAddress,
    uri: &Uri,
    headers: &HeaderMap,
    params: &Params,
) -> Result<TokenResponse, Error<TokenRefusal>> {
    if uri.query().is_some() {
        return Err(invalid_request("parameters belong in the body, not in the URL").into());
    }
    let client = client_auth::authenticate(app, headers, params).await?;
    let resources = params.all("resource").map(str::to_owned).collect();
    let request = TokenRequest::parse(|name| params.get(name), resources)?;
    client.ensure_may_use(request.grant_type())?;
    let issuance = match request {
        TokenRequest::AuthorizationCode(p) => authorization_code::redeem(app, &client, p).await?,
        TokenRequest::RefreshToken(p) => refresh_token::redeem(app, &client, p).await?,
        TokenRequest::ClientCredentials(p) => client_credentials::redeem(app, &client, p).await?,
        TokenRequest::Password(p) => password::redeem(app, &client, address, p).await?,
    };
    issue::tokens(app, &client, issuance).await
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
