//! `POST /introspect` (RFC 7662): what a token is, for those it is meant for.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use protocol::access_token::VerifiedAccessToken;
use protocol::client::Client;
use protocol::error::{invalid_client, invalid_request};
use protocol::grant::RefreshToken;
use protocol::introspection::Introspection;
use protocol::secret::TokenHash;
use serde_json::Value;
use store::Conn;

use super::grants::Holder;
use super::{bearer, client_auth};
use crate::api_keys;
use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::web::client_ip::ClientAddress;
use crate::web::form::{FormParams, Params};

mod api_key;

/// Answers a confidential client, or whoever asks about their own API key. Of tokens that are none of its business a
/// client learns nothing.
pub(super) async fn introspect(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    FormParams(params): FormParams,
) -> Result<Response, Error<TokenRefusal>> {
    let found = match api_key::own(&app, &headers, &params, address).await {
        Some(Ok(found)) => found,
        Some(Err(refusal)) => return Ok(refusal),
        None => {
            let client = client_auth::authenticate(&app, address, &headers, &params).await;
            let client = client.map_err(|error| error.map_refusal(challenged))?;
            if client.is_public() {
                return Err(challenged(invalid_client().into()).into());
            }
            find(&app, &client, &params, address).await?
        }
    };
    let mut answer = Json(found).into_response();
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Whoever may not ask is told how to come in, however they came (RFC 7662 §2.3).
fn challenged(refusal: TokenRefusal) -> TokenRefusal {
    TokenRefusal {
        basic: true,
        ..refusal
    }
}

async fn find(
    app: &App,
    client: &Client,
    params: &Params,
    address: ClientAddress,
) -> Result<Introspection, Error<TokenRefusal>> {
    let token = params.get("token").ok_or(invalid_request("token is missing"))?;
    if token.starts_with(api_keys::PREFIX) {
        return api_key::ask(app, client, params, address, token).await;
    }
    if token.contains('.') {
        let live = bearer::live(app, token)
            .await?
            .filter(|token| concerns(client, token));
        return Ok(live.map_or_else(Introspection::inactive, |token| of_access_token(app, &token)));
    }
    let (hash, now) = (TokenHash::of(token), app.now());
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(token) = store::refresh_tokens::find(db, &hash).await? else {
                return Ok(None);
            };
            let holder = Holder::find(db, token.grant_id, now).await?;
            Ok(holder.map(|holder| (token, holder)))
        })
        .await?;
    let live = found.filter(|(token, _)| {
        token.client_id == client.client_id && token.consumed_at.is_none() && token.expires_at > app.now()
    });
    Ok(live.map_or_else(Introspection::inactive, |(token, holder)| {
        of_refresh_token(app, &token, &holder)
    }))
}

/// Whether a token was issued to the client, or is meant for a resource server that the client speaks for.
fn concerns(client: &Client, token: &VerifiedAccessToken) -> bool {
    let own = token.client_id == client.client_id.as_str();
    let named =
        |audience: &String| audience == client.client_id.as_str() || client.resources.contains(audience);
    own || (client.may_introspect && token.aud.iter().any(named))
}

fn of_access_token(app: &App, token: &VerifiedAccessToken) -> Introspection {
    let texts = |name: &str| -> BTreeSet<String> {
        let values = token.raw.get(name).and_then(Value::as_array);
        values
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    Introspection {
        active: true,
        scope: token.scope.clone(),
        client_id: Some(token.client_id.clone()),
        token_type: Some("Bearer"),
        exp: Some(token.exp),
        iat: Some(token.iat),
        sub: Some(token.sub.clone()),
        aud: token.aud.clone(),
        iss: Some(app.issuer().to_owned()),
        jti: Some(token.jti.as_str().to_owned()),
        acr: token.acr,
        auth_time: token.auth_time,
        sid: token.raw.get("sid").and_then(Value::as_str).map(str::to_owned),
        roles: texts("roles"),
        permissions: texts("permissions"),
        ..Introspection::inactive()
    }
}

fn of_refresh_token(app: &App, token: &RefreshToken, holder: &Holder) -> Introspection {
    Introspection {
        active: true,
        scope: holder.grant.scope.clone(),
        client_id: Some(token.client_id.0.clone()),
        username: Some(holder.account.username.clone()),
        exp: Some(token.expires_at),
        iat: Some(token.issued_at),
        sub: Some(holder.account.id.to_string()),
        iss: Some(app.issuer().to_owned()),
        ..Introspection::inactive()
    }
}
