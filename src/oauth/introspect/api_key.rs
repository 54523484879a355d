//! API keys at introspection: asked about by a resource server that one was shown to, or by whoever holds one.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use protocol::api_key;
use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use protocol::introspection::Introspection;
use protocol::permission;
use protocol::scope::Scope;

use crate::api_keys::{self, KeyRefusal, LiveKey, Unusable};
use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

/// What a resource server learns of a key: nothing unless it may introspect. The key is used from the address that
/// the resource server names as `client_address`, or else from its own (RFC 7662 §2.1).
pub(super) async fn ask(
    app: &App,
    client: &Client,
    params: &Params,
    address: ClientAddress,
    key: &str,
) -> Result<Introspection, Error<TokenRefusal>> {
    if !client.may_introspect {
        return Ok(Introspection::inactive());
    }
    let address = match params.get("client_address").map(str::parse) {
        None => address,
        Some(Ok(address)) => ClientAddress(address),
        Some(Err(_)) => return Err(invalid_request("client_address is no IP address").into()),
    };
    match api_keys::verify(app, key, address).await? {
        Ok(key) => tell(app, &key).await,
        Err(Unusable::TooMany(wait)) => Err(TokenRefusal::too_many(wait).into()),
        Err(_) => Ok(Introspection::inactive()),
    }
}

/// What the holder of the key in the headers learns of it; nothing when there is none. Nobody else's token can be
/// asked about this way.
pub(super) async fn own(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
    address: ClientAddress,
) -> Option<Result<Introspection, Response>> {
    let key = match api_keys::presented(headers) {
        Ok(None) => return None,
        Ok(Some(key)) => key,
        Err(refusal) => return Some(Err(refuse(refusal))),
    };
    let other = params.get("token").is_some_and(|token| token != key);
    if other || headers_name_client(headers) || params_name_client(params) {
        let refusal = invalid_request("an API key in a header can only be asked about itself");
        return Some(Err(TokenRefusal::from(refusal).into_response()));
    }
    Some(match api_keys::authenticate(app, headers, address).await {
        Ok(Some(key)) => tell(app, &key).await.map_err(|error| error.into_response()),
        Ok(None) => return None,
        Err(Error::Refused(refusal)) => Err(refuse(refusal)),
        Err(Error::Failed(error)) => Err(Error::<TokenRefusal>::Failed(error).into_response()),
    })
}

fn headers_name_client(headers: &HeaderMap) -> bool {
    headers.contains_key("x-api-key") && headers.contains_key(header::AUTHORIZATION)
}

fn params_name_client(params: &Params) -> bool {
    ["client_id", "client_secret", "client_assertion"]
        .iter()
        .any(|name| params.get(name).is_some())
}

/// A refusal of a key in the words of this endpoint.
fn refuse(refusal: KeyRefusal) -> Response {
    match refusal {
        KeyRefusal::TooMany(wait) => TokenRefusal::too_many(wait).into_response(),
        KeyRefusal::Malformed => {
            TokenRefusal::from(invalid_request("send one API key, once")).into_response()
        }
        KeyRefusal::Invalid => {
            let reason = "the API key is unknown, has ended or may not be used from here";
            let refusal = TokenRefusal::from(OAuthError::new(ErrorCode::InvalidToken, reason));
            let mut answer = refusal.into_response();
            let challenge = HeaderValue::from_static("ApiKey realm=\"chancery\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            answer
        }
    }
}

async fn tell(app: &App, key: &LiveKey) -> Result<Introspection, Error<TokenRefusal>> {
    let definitions = &app.catalogue().await?.scopes;
    let own = key
        .authority
        .permissions
        .iter()
        .filter(|name| permission::is_own(name));
    let names = definitions.iter().map(|definition| &definition.name).chain(own);
    let known: Scope = names.map(String::as_str).collect();
    Ok(Introspection {
        active: true,
        scope: api_key::narrow(&known, &key.named, &key.authority, definitions),
        username: Some(key.username.clone()),
        token_type: Some("api_key"),
        exp: key.expires_at,
        iat: Some(key.created_at),
        sub: Some(key.account.to_string()),
        iss: Some(app.issuer().to_owned()),
        jti: Some(key.id.to_string()),
        permissions: key.authority.permissions.clone(),
        ..Introspection::inactive()
    })
}
