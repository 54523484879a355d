//! `POST /revoke` (RFC 7009): a refresh token ends its grant; an access token is refused from now on.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::client::Client;
use protocol::error::invalid_request;
use protocol::secret::TokenHash;
use store::Conn;

use super::{client_auth, token};
use crate::app::App;
use crate::audit::Event;
use crate::error::{Error, TokenRefusal};
use crate::web::client_ip::ClientAddress;
use crate::web::form::{self, Params};

/// Revokes a token of the client. Unknown tokens, and those of others, are none of the client's business and
/// answered alike (RFC 7009 §2.2).
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let params = match form::read(request, form::REPEATABLE).await {
        Ok(params) => params,
        Err(error) => {
            let refusal = TokenRefusal::from(error).into_response();
            return token::for_origin_of_any(&app, &headers, refusal).await;
        }
    };
    let mut answer = match end(&app, address, &headers, &params).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    };
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    token::for_origin(&app, &headers, &params, answer).await
}

async fn end(
    app: &App,
    address: ClientAddress,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(), Error<TokenRefusal>> {
    let client = client_auth::authenticate(app, address, headers, params).await?;
    let token = params.get("token").ok_or(invalid_request("token is missing"))?;
    if token.contains('.') {
        access_token(app, &client, token).await
    } else {
        refresh_token(app, &client, token).await
    }
}

async fn access_token(app: &App, client: &Client, token: &str) -> Result<(), Error<TokenRefusal>> {
    let Some(token) = app.verified(token) else {
        return Ok(());
    };
    if token.client_id != client.client_id.as_str() {
        return Ok(());
    }
    let event = Event::now(app, "access_token.revoked").client(&client.client_id);
    app.store
        .write(async move |db: &mut Conn| {
            if store::access_tokens::revoke(db, token.jti.as_str(), token.exp).await? {
                event.record(db).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

async fn refresh_token(app: &App, client: &Client, token: &str) -> Result<(), Error<TokenRefusal>> {
    let now = app.now();
    let hash = TokenHash::of(token);
    let found = app
        .store
        .read(async move |db: &mut Conn| store::refresh_tokens::find(db, &hash).await)
        .await?;
    let Some(token) = found.filter(|token| token.client_id == client.client_id) else {
        return Ok(());
    };
    let event = Event::now(app, "grant.revoked").client(&client.client_id);
    app.store
        .write(async move |db: &mut Conn| {
            if store::grants::revoke(db, token.grant_id, now).await? {
                event.record(db).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
