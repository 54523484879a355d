//! The other side: what it publishes, and what it answers to a code (OpenID Connect Core §3.1.3, Discovery §4).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;
use protocol::client::ClientAuthMethod;
use protocol::jose::{JoseError, KeySet};
use protocol::response::with_query;
use protocol::secret::Secret;
use protocol::upstream::{
    Expected, MetadataError, Person, ProviderMetadata, Upstream, check_id_token, check_userinfo,
};
use serde_json::Value;
use store::StoredUpstream;
use url::form_urlencoded;

use super::Flow;
use super::secret_context;
use crate::app::App;
use crate::fetch::{FetchError, MAX_BYTES};
use crate::rate_limit::Limit;

/// How long metadata are kept.
const METADATA_FRESHNESS: Duration = Duration::from_secs(3600);
/// How long keys are kept, unless a token shows earlier that they are old.
const KEY_FRESHNESS: Duration = Duration::from_secs(300);

/// What providers publish, by issuer and by address of the keys.
#[derive(Clone, Debug)]
pub struct Providers {
    metadata: Cache<String, Arc<ProviderMetadata>>,
    keys: Cache<String, Arc<KeySet>>,
}

impl Default for Providers {
    fn default() -> Self {
        Providers {
            metadata: Cache::builder()
                .max_capacity(100)
                .time_to_live(METADATA_FRESHNESS)
                .build(),
            keys: Cache::builder()
                .max_capacity(100)
                .time_to_live(KEY_FRESHNESS)
                .build(),
        }
    }
}

/// Why an upstream cannot be used, or believed, right now. For the log; people are told less.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It cannot be asked, or will not answer.
    #[error("it cannot be asked")]
    Fetch(#[from] FetchError),
    /// What it publishes cannot be used.
    #[error("its metadata cannot be used")]
    Metadata(#[from] MetadataError),
    /// Our secret is missing, or sealed with another master key.
    #[error("there is no client secret that this master key opens")]
    Secret,
    /// The token response is none.
    #[error("its token response has no {0}")]
    Response(&'static str),
    /// What it says cannot be believed.
    #[error("its word cannot be believed")]
    Token(#[from] JoseError),
}

impl UpstreamError {
    /// Whether it may be better later, without anybody changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            UpstreamError::Fetch(FetchError::Status(status)) => status.is_server_error(),
            UpstreamError::Fetch(_) => true,
            _ => false,
        }
    }
}

/// Where an upstream sends people back to.
pub(crate) fn callback_uri(app: &App, name: &str) -> String {
    let issuer = app.issuer();
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{base}/login/upstream/{name}/callback")
}

/// What an upstream publishes of itself, at most an hour old.
pub(crate) async fn discover(app: &App, issuer: &str) -> Result<Arc<ProviderMetadata>, UpstreamError> {
    if let Some(known) = app.providers.metadata.get(issuer) {
        return Ok(known);
    }
    let location = ProviderMetadata::location(issuer);
    let document = app.fetch.get_json(&location, MAX_BYTES).await?;
    let metadata = Arc::new(ProviderMetadata::read(&document, issuer)?);
    app.providers.metadata.insert(issuer.to_owned(), metadata.clone());
    Ok(metadata)
}

/// The keys of an upstream. `refetch` asks for keys that a token shows to be old, though not at will.
async fn keys(app: &App, jwks_uri: &str, refetch: bool) -> Result<Arc<KeySet>, UpstreamError> {
    let known = app.providers.keys.get(jwks_uri);
    if let Some(known) = &known
        && (!refetch || !app.limits.take(Limit::KeyFetches, jwks_uri).await.allowed)
    {
        return Ok(known.clone());
    }
    let document = app.fetch.get_json(jwks_uri, MAX_BYTES).await?;
    let keys = Arc::new(KeySet::from_jwks(&document)?);
    app.providers.keys.insert(jwks_uri.to_owned(), keys.clone());
    Ok(keys)
}

/// The authorization request that begins a flow (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
pub(crate) fn authorization_url(
    app: &App,
    upstream: &Upstream,
    metadata: &ProviderMetadata,
    flow: &Flow,
) -> String {
    let mut params = vec![
        ("response_type", "code".to_owned()),
        ("client_id", upstream.client_id.clone()),
        ("redirect_uri", callback_uri(app, &upstream.name)),
        ("scope", upstream.scope.to_string()),
        ("state", flow.seal(app)),
        ("nonce", flow.nonce.clone()),
        ("code_challenge", flow.code_challenge()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    if let Some(max_age) = flow.max_age {
        params.push(("max_age", max_age.to_string()));
        if max_age == 0 {
            params.push(("prompt", "login".to_owned()));
        }
    }
    let params: Vec<_> = params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    with_query(&metadata.authorization_endpoint, &params)
}

/// Exchanges a code for what the upstream says of the person (OpenID Connect Core §3.1.3, §5.3).
pub(crate) async fn redeem(
    app: &App,
    stored: &StoredUpstream,
    metadata: &ProviderMetadata,
    code: &Secret,
    flow: &Flow,
) -> Result<Person, UpstreamError> {
    let upstream = &stored.upstream;
    let answer = token_response(app, stored, metadata, code, flow).await?;
    let text = |name: &'static str| {
        let value = answer.get(name).and_then(Value::as_str);
        value.ok_or(UpstreamError::Response(name))
    };
    let access_token = Secret::new(text("access_token")?);
    let id_token = text("id_token")?;
    let expected = Expected {
        issuer: &metadata.issuer,
        client_id: &upstream.client_id,
        nonce: &flow.nonce,
        access_token: Some(access_token.expose()),
        authenticated_since: flow.authenticated_since,
        now: app.now(),
    };
    let known = keys(app, &metadata.jwks_uri, false).await?;
    let mut person = match check_id_token(id_token, &known, &expected) {
        Err(JoseError::UnknownKey | JoseError::BadSignature) => {
            let fresh = keys(app, &metadata.jwks_uri, true).await?;
            check_id_token(id_token, &fresh, &expected)?
        }
        checked => checked?,
    };
    if person.email.is_none()
        && upstream.scope.contains("email")
        && let Some(endpoint) = &metadata.userinfo_endpoint
    {
        let document = app.fetch.get_json_as(endpoint, &access_token).await?;
        check_userinfo(&mut person, &document)?;
    }
    Ok(person)
}

async fn token_response(
    app: &App,
    stored: &StoredUpstream,
    metadata: &ProviderMetadata,
    code: &Secret,
    flow: &Flow,
) -> Result<Value, UpstreamError> {
    let upstream = &stored.upstream;
    let secret = stored
        .secret_sealed
        .as_deref()
        .and_then(|sealed| app.sealer.open(&secret_context(&upstream.name), sealed))
        .and_then(|plain| String::from_utf8(plain).ok())
        .map(Secret::new)
        .ok_or(UpstreamError::Secret)?;
    let in_body = upstream.token_endpoint_auth_method == ClientAuthMethod::ClientSecretPost;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("code_verifier", &flow.verifier),
    ];
    let redirect_uri = callback_uri(app, &upstream.name);
    pairs.push(("redirect_uri", &redirect_uri));
    if in_body {
        pairs.push(("client_id", &upstream.client_id));
        pairs.push(("client_secret", secret.expose()));
    }
    let form = encoded(&pairs);
    let authorization = (!in_body).then(|| basic(&upstream.client_id, &secret));
    let endpoint = &metadata.token_endpoint;
    Ok(app
        .fetch
        .exchange_form(endpoint, form, authorization.as_ref())
        .await?)
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// An `Authorization` header with both halves form-encoded (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(client_id), encode(secret.expose())));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}
