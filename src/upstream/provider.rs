//! The other side: what it publishes, and what it answers to a code (OpenID Connect Core §3.1, Discovery §4).

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreJsonWebKeySet, CoreTokenResponse};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, JsonWebKeySetUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use protocol::client::ClientAuthMethod;
use protocol::secret::Secret;
use protocol::upstream::{Expected, Person, Upstream, check_userinfo, is_endpoint, may_have_sent};
use store::StoredUpstream;

use super::client::{Client, Published, UpstreamError};
use super::id_token::{fit, verify, wants_other_keys};
use super::{Flow, secret_context};
use crate::app::App;
use crate::rate_limit::Limit;

/// How long metadata are kept.
const METADATA_FRESHNESS: Duration = Duration::from_secs(3600);
/// How long keys are kept, unless a token shows earlier that they are old.
const KEY_FRESHNESS: Duration = Duration::from_secs(300);

/// What providers publish, by issuer and by address of the keys.
#[derive(Clone, Debug)]
pub struct Providers {
    metadata: Cache<String, Arc<Metadata>>,
    keys: Cache<String, Arc<CoreJsonWebKeySet>>,
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

/// What a provider publishes of itself, fit to be relied on.
#[derive(Debug)]
pub(crate) struct Metadata(Published);

impl Metadata {
    fn check(published: Published) -> Result<Metadata, UpstreamError> {
        let token_endpoint = published.token_endpoint().map(|url| url.as_str());
        for (name, endpoint) in [
            (
                "authorization_endpoint",
                Some(published.authorization_endpoint().as_str()),
            ),
            ("token_endpoint", Some(token_endpoint.unwrap_or_default())),
            ("jwks_uri", Some(published.jwks_uri().as_str())),
            (
                "userinfo_endpoint",
                published.userinfo_endpoint().map(|url| url.as_str()),
            ),
        ] {
            if endpoint.is_some_and(|endpoint| !is_endpoint(endpoint)) {
                return Err(UpstreamError::Metadata(
                    format!("{name} must be an https URL").into(),
                ));
            }
        }
        Ok(Metadata(published))
    }

    /// Whether an authorization response with this `iss` may be theirs (RFC 9207 §2.4).
    pub(crate) fn sent(&self, iss: Option<&str>) -> bool {
        let more = self.0.additional_metadata();
        let promised = more.authorization_response_iss_parameter_supported;
        may_have_sent(self.0.issuer(), promised, iss)
    }
}

/// Where an upstream sends people back to.
fn callback_uri(app: &App, name: &str) -> String {
    let issuer = app.issuer();
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{base}/login/upstream/{name}/callback")
}

fn unusable(error: openidconnect::url::ParseError) -> UpstreamError {
    UpstreamError::Metadata(error.into())
}

/// What an upstream publishes of itself, at most an hour old.
pub(crate) async fn discover(app: &App, issuer: &str) -> Result<Arc<Metadata>, UpstreamError> {
    if let Some(known) = app.providers.metadata.get(issuer) {
        return Ok(known);
    }
    let url = IssuerUrl::new(issuer.to_owned()).map_err(unusable)?;
    let published = Published::discover_async(url, &app.fetch).await?;
    let metadata = Arc::new(Metadata::check(published)?);
    let (jwks_uri, keys) = (metadata.0.jwks_uri(), fit(metadata.0.jwks()));
    app.providers.keys.insert(jwks_uri.to_string(), Arc::new(keys));
    app.providers.metadata.insert(issuer.to_owned(), metadata.clone());
    Ok(metadata)
}

/// The keys of an upstream. `refetch` asks for keys that a token shows to be old, though not at will.
async fn keys(
    app: &App,
    jwks_uri: &JsonWebKeySetUrl,
    refetch: bool,
) -> Result<Arc<CoreJsonWebKeySet>, UpstreamError> {
    let known = app.providers.keys.get(jwks_uri.as_str());
    if let Some(known) = &known
        && (!refetch || !app.limits.take(Limit::KeyFetches, jwks_uri).await.allowed)
    {
        return Ok(known.clone());
    }
    let keys = fit(&CoreJsonWebKeySet::fetch_async(jwks_uri, &app.fetch).await?);
    let keys = Arc::new(keys);
    app.providers.keys.insert(jwks_uri.to_string(), keys.clone());
    Ok(keys)
}

fn relying_party(
    app: &App,
    upstream: &Upstream,
    metadata: &Metadata,
    secret: Option<ClientSecret>,
) -> Result<Client, UpstreamError> {
    let redirect_uri = RedirectUrl::new(callback_uri(app, &upstream.name)).map_err(unusable)?;
    let auth_type = match upstream.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretPost => AuthType::RequestBody,
        _ => AuthType::BasicAuth,
    };
    let client_id = ClientId::new(upstream.client_id.clone());
    let client = Client::from_provider_metadata(metadata.0.clone(), client_id, secret);
    Ok(client.set_redirect_uri(redirect_uri).set_auth_type(auth_type))
}

/// The authorization request that begins a flow (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
pub(crate) fn authorization_url(
    app: &App,
    upstream: &Upstream,
    metadata: &Metadata,
    flow: &Flow,
) -> Result<String, UpstreamError> {
    let client = relying_party(app, upstream, metadata, None)?.disable_openid_scope();
    let (state, nonce) = (flow.seal(app), flow.nonce.clone());
    let verifier = PkceCodeVerifier::new(flow.verifier.clone());
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .add_scopes(upstream.scope.iter().map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    if let Some(max_age) = flow.max_age {
        request = request.set_max_age(Duration::from_secs(max_age.try_into().unwrap_or_default()));
        if max_age == 0 {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
    }
    let (url, ..) = request.url();
    Ok(url.into())
}

/// Exchanges a code for what the upstream says of the person (OpenID Connect Core §3.1.3, §5.3).
pub(crate) async fn redeem(
    app: &App,
    stored: &StoredUpstream,
    metadata: &Metadata,
    code: &Secret,
    flow: &Flow,
) -> Result<Person, UpstreamError> {
    let upstream = &stored.upstream;
    let answer = exchange(app, stored, metadata, code, flow).await?;
    let expected = Expected {
        client_id: &upstream.client_id,
        authenticated_since: flow.authenticated_since,
        now: app.now(),
    };
    let (issuer, jwks_uri) = (metadata.0.issuer(), metadata.0.jwks_uri());
    let known = keys(app, jwks_uri, false).await?;
    let mut person = match verify(&answer, &known, issuer, &flow.nonce, &expected) {
        Err(error) if wants_other_keys(&error) => {
            let fresh = keys(app, jwks_uri, true).await?;
            verify(&answer, &fresh, issuer, &flow.nonce, &expected)?
        }
        verified => verified?,
    };
    if person.email.is_none()
        && upstream.scope.contains("email")
        && let Some(endpoint) = metadata.0.userinfo_endpoint()
    {
        let token = Secret::new(answer.access_token().secret());
        let document = app.fetch.get_json_as(endpoint, &token).await?;
        check_userinfo(&mut person, &document)?;
    }
    Ok(person)
}

async fn exchange(
    app: &App,
    stored: &StoredUpstream,
    metadata: &Metadata,
    code: &Secret,
    flow: &Flow,
) -> Result<CoreTokenResponse, UpstreamError> {
    let upstream = &stored.upstream;
    let secret = stored
        .secret_sealed
        .as_deref()
        .and_then(|sealed| app.sealer.open(&secret_context(&upstream.name), sealed))
        .and_then(|plain| String::from_utf8(plain).ok())
        .map(ClientSecret::new)
        .ok_or(UpstreamError::Secret)?;
    let client = relying_party(app, upstream, metadata, Some(secret))?;
    let answer = client
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))?
        .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()))
        .request_async(&app.fetch)
        .await?;
    Ok(answer)
}
