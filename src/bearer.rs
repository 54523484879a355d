//! Access tokens as callers present them: found, verified, and live (RFC 6750).

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use protocol::access_token::VerifiedAccessToken;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use store::{Conn, StoreError};

pub(crate) mod refusal;

use crate::app::App;
use crate::error::{BearerRefusal, Error};

/// The token of an `Authorization: Bearer` header or of the form (RFC 6750 §2.1, §2.2); only one of them may be used.
pub(crate) fn presented<'a>(headers: &'a HeaderMap, form: Option<&'a str>) -> Result<&'a str, BearerRefusal> {
    if headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() {
        return Err(invalid_request("send one Authorization header").into());
    }
    let header = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let value = value
                .to_str()
                .map_err(|_| invalid_request("the Authorization header is malformed"))?;
            let (scheme, token) = value
                .split_once(' ')
                .ok_or(invalid_request("the Authorization header is malformed"))?;
            // Another scheme is no answer to ours (RFC 9110 §11.6.1).
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(BearerRefusal::NoToken);
            }
            Some(token.trim())
        }
    };
    match (header, form) {
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(BearerRefusal::NoToken),
        (Some(_), Some(_)) => Err(invalid_request("send the access token once").into()),
    }
}

/// A token of ours that has neither expired nor been revoked; `None` for all others.
pub(crate) async fn live(app: &App, token: &str) -> Result<Option<Arc<VerifiedAccessToken>>, StoreError> {
    let Some(verified) = app.verified(token) else {
        return Ok(None);
    };
    let client = app.client(&verified.client_id.as_str().into()).await?;
    if client.is_none_or(|client| verified.iat < client.tokens_not_before) {
        return Ok(None);
    }
    let (jti, grant) = (verified.jti.as_str().to_owned(), verified.jti.grant_id());
    let live = app
        .store
        .read(async move |db: &mut Conn| store::access_tokens::status(db, &jti, grant).await)
        .await?;
    Ok(live.then_some(verified))
}

/// The live token a caller presents, or why not.
pub(crate) async fn require(
    app: &App,
    token: &str,
) -> Result<Arc<VerifiedAccessToken>, Error<BearerRefusal>> {
    let invalid = OAuthError::new(
        ErrorCode::InvalidToken,
        "the access token is expired, revoked or not one of ours",
    );
    Ok(live(app, token).await?.ok_or(invalid)?)
}
