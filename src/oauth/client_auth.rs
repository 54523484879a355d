//! Client authentication: credentials as sent → [`AuthenticatedClient`] (RFC 6749 §2.3, RFC 7523 §3).

use std::ops::Deref;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use protocol::client::{Client, ClientAuthMethod};
use protocol::client_auth::{AssertionRules, Presented, check_assertion, presented};
use protocol::error::{OAuthError, invalid_client, invalid_request};
use protocol::id::ClientId;
use protocol::jose::{self, Algorithm, JoseError, Verified};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use store::{Conn, StoredClient};

use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::rate_limit::{self, Limit};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

/// A client that proved who it is, or a public one that is named. Only this module makes one.
#[derive(Clone)]
pub(super) struct AuthenticatedClient(Arc<StoredClient>);

impl Deref for AuthenticatedClient {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.0.client
    }
}

/// Finds out which client sent a request. Each failure looks the same, and each is counted: a network that failed too
/// often is not heard.
pub(super) async fn authenticate(
    app: &App,
    address: ClientAddress,
    headers: &HeaderMap,
    params: &Params,
) -> Result<AuthenticatedClient, Error<TokenRefusal>> {
    let network = rate_limit::network(address.0);
    let too_many = |retry_after| Error::Refused(TokenRefusal::too_many(retry_after));
    let known = app.limits.peek(Limit::ClientFailuresPerAddress, &network);
    known.allowed().map_err(too_many)?;
    let refusal = match try_authenticate(app, headers, params).await {
        Ok(client) => return Ok(client),
        Err(Error::Failed(error)) => return Err(Error::Failed(error)),
        Err(Error::Refused(error)) => TokenRefusal {
            basic: headers.contains_key(header::AUTHORIZATION),
            cause: why(app, headers, params).await,
            ..error.into()
        },
    };
    let counted = app.limits.take(Limit::ClientFailuresPerAddress, &network).await;
    counted.allowed().map_err(too_many)?;
    Err(refusal.into())
}

async fn try_authenticate(
    app: &App,
    headers: &HeaderMap,
    params: &Params,
) -> Result<AuthenticatedClient, Error<OAuthError>> {
    if headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some() {
        return Err(invalid_request("send one Authorization header").into());
    }
    let authorization = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(value.to_str().map_err(|_| invalid_client())?),
        None => None,
    };
    let presented = presented(
        authorization,
        params.get("client_id"),
        params.get("client_secret"),
        params.get("client_assertion_type"),
        params.get("client_assertion"),
    )?;
    let id = match &presented {
        Presented::Basic { client_id, .. }
        | Presented::Post { client_id, .. }
        | Presented::Public { client_id } => client_id.clone(),
        Presented::Assertion { client_id, assertion } => match client_id {
            Some(client_id) => client_id.clone(),
            None => subject_of(assertion).ok_or(invalid_client())?,
        },
        Presented::Missing => return Err(invalid_client().into()),
    };
    let client = app.client(&ClientId(id)).await?.ok_or(invalid_client())?;
    let method = client.client.token_endpoint_auth_method;
    let proved = match (&presented, method) {
        (Presented::Basic { secret, .. }, ClientAuthMethod::ClientSecretBasic)
        | (Presented::Post { secret, .. }, ClientAuthMethod::ClientSecretPost) => {
            has_secret(&client, secret, app.now())
        }
        (
            Presented::Assertion { assertion, .. },
            ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::ClientSecretJwt,
        ) => has_signed(app, &client, assertion).await?,
        (Presented::Public { .. }, ClientAuthMethod::None) => true,
        _ => false,
    };
    if proved {
        Ok(AuthenticatedClient(client))
    } else {
        Err(invalid_client().into())
    }
}

fn subject_of(assertion: &str) -> Option<String> {
    jose::parse_unverified(assertion)
        .ok()?
        .claims
        .get("sub")?
        .as_str()
        .map(str::to_owned)
}

fn has_secret(client: &StoredClient, sent: &Secret, now: Timestamp) -> bool {
    let sent = sent.hash();
    client.secret_hashes(now).any(|kept| kept == sent)
}

async fn has_signed(app: &App, stored: &StoredClient, assertion: &str) -> Result<bool, Error<OAuthError>> {
    let client = &stored.client;
    let endpoints: Vec<String> = if client.allow_endpoint_audience {
        ["/token", "/introspect", "/revoke"]
            .iter()
            .map(|path| format!("{}{path}", app.issuer()))
            .collect()
    } else {
        Vec::new()
    };
    let rules = AssertionRules {
        client_id: client.client_id.as_str(),
        issuer: app.issuer(),
        endpoint_audiences: &endpoints,
        alg: client.token_endpoint_auth_signing_alg,
        now: app.now(),
    };
    let verified = match client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretJwt => verify_with_secret(app, stored, assertion, &rules),
        _ => verify_with_keys(app, client, assertion, &rules).await,
    };
    let Some(verified) = verified else {
        return Ok(false);
    };
    let Ok(checked) = check_assertion(&verified.claims, verified.typ.as_deref(), &rules) else {
        return Ok(false);
    };
    // A row, not a cache entry: an assertion is good once, on any node and after a restart.
    let first = app
        .store
        .write(async move |db: &mut Conn| {
            store::replay::record(db, &checked.replay_key, checked.expires_at).await
        })
        .await?;
    Ok(first)
}

fn verify_with_secret(
    app: &App,
    stored: &StoredClient,
    assertion: &str,
    rules: &AssertionRules<'_>,
) -> Option<Verified> {
    if rules.alg.is_some_and(|alg| alg != Algorithm::Hs256) {
        return None;
    }
    let context = format!("client/{}", stored.client.client_id);
    stored.sealed_secrets(rules.now).find_map(|sealed| {
        let secret = app.sealer.open(&context, sealed)?;
        jose::verify_hs256(assertion, &secret).ok()
    })
}

async fn verify_with_keys(
    app: &App,
    client: &Client,
    assertion: &str,
    rules: &AssertionRules<'_>,
) -> Option<Verified> {
    let algorithms: Vec<_> = rules
        .algorithms()
        .iter()
        .copied()
        .filter(|alg| *alg != Algorithm::Hs256)
        .collect();
    let keys = app.client_keys(client, false).await?;
    match jose::verify(assertion, &keys, &algorithms) {
        Ok(verified) => Some(verified),
        Err(JoseError::UnknownKey) if client.jwks_uri.is_some() => {
            let keys = app.client_keys(client, true).await?;
            jose::verify(assertion, &keys, &algorithms).ok()
        }
        Err(_) => None,
    }
}

/// Why credentials were not accepted, for those who run the server; the client is told the same for every cause.
async fn why(app: &App, headers: &HeaderMap, params: &Params) -> Option<&'static str> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let presented = presented(
        authorization,
        params.get("client_id"),
        params.get("client_secret"),
        params.get("client_assertion_type"),
        params.get("client_assertion"),
    )
    .ok()?;
    let id = match &presented {
        Presented::Basic { client_id, .. }
        | Presented::Post { client_id, .. }
        | Presented::Public { client_id } => client_id.clone(),
        Presented::Assertion { client_id, assertion } => {
            client_id.clone().or_else(|| subject_of(assertion))?
        }
        Presented::Missing => return Some("no credentials were sent"),
    };
    let Some(client) = app.client(&ClientId(id)).await.ok()? else {
        return Some("no client is registered, or none that is enabled, with this client_id");
    };
    let registered = match client.client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretBasic => "the client is registered for client_secret_basic",
        ClientAuthMethod::ClientSecretPost => "the client is registered for client_secret_post",
        ClientAuthMethod::PrivateKeyJwt => "the client is registered for private_key_jwt",
        ClientAuthMethod::ClientSecretJwt => "the client is registered for client_secret_jwt",
        ClientAuthMethod::None => "the client is registered for none, that is, without a secret",
    };
    Some(match (presented, client.client.token_endpoint_auth_method) {
        (Presented::Basic { .. }, ClientAuthMethod::ClientSecretBasic)
        | (Presented::Post { .. }, ClientAuthMethod::ClientSecretPost) => "the secret is wrong",
        (
            Presented::Assertion { .. },
            ClientAuthMethod::PrivateKeyJwt | ClientAuthMethod::ClientSecretJwt,
        ) => "the assertion is not signed with the client's key, is used already, or its claims are wrong",
        _ => registered,
    })
}
