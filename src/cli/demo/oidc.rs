//! The relying party's side of OpenID Connect, by the `openidconnect` crate: discovery, PKCE, nonce,
//! and an ID token that is verified before anything in it is believed.

use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreProviderMetadata, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, Scope, TokenResponse,
};
use serde::Deserialize;
use url::Url;

use super::BoxError;
use super::sample::{SCOPES, Sample, WEB_CLIENT};
use super::transport::Http;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A relying party that has found its provider.
pub(super) struct RelyingParty {
    client: Client,
    http: Http,
    pub(super) issuer: String,
    pub(super) endpoints: Endpoints,
}

/// What the discovery document says beyond the `openidconnect` crate's own fields.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Endpoints {
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: String,
    pub(super) introspection_endpoint: String,
    pub(super) revocation_endpoint: String,
    pub(super) end_session_endpoint: String,
}

/// A sign-in that has been started and must come back with these.
pub(super) struct Pending {
    pub(super) state: String,
    nonce: Nonce,
    pub(super) verifier: String,
}

/// What a sign-in or a refresh gave.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) scope: String,
    pub(super) expires_in: Option<u64>,
    pub(super) subject: String,
}

impl RelyingParty {
    /// Reads the discovery document and the keys (OpenID Connect Discovery §4).
    pub(super) async fn discover(sample: &Sample, http: Http) -> Result<RelyingParty, BoxError> {
        let issuer = sample.origins.issuer.clone();
        let metadata = CoreProviderMetadata::discover_async(IssuerUrl::new(issuer.clone())?, &http).await?;
        let (_, document) = http
            .get_json(&format!("{issuer}/.well-known/openid-configuration"))
            .await?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(WEB_CLIENT.to_owned()),
            Some(ClientSecret::new(sample.web_secret.expose().to_owned())),
        )
        .set_redirect_uri(RedirectUrl::new(sample.origins.redirect_uri())?);
        Ok(RelyingParty {
            client,
            http,
            issuer,
            endpoints: serde_json::from_value(document)?,
        })
    }

    /// The URL to send a browser to, and what to keep until it comes back.
    pub(super) fn authorization_url(&self) -> (Url, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            // Offline access wants the person's word each time (OpenID Connect Core §11).
            .add_prompt(CoreAuthPrompt::Consent)
            .url();
        (
            url,
            Pending {
                state: state.secret().clone(),
                nonce,
                verifier: verifier.secret().clone(),
            },
        )
    }

    /// Takes the code out of an authorization response that is an answer to `pending` (RFC 6749 §4.1.2,
    /// RFC 9207 §2.4).
    pub(super) fn code(&self, pending: &Pending, response: &[(String, String)]) -> Result<String, BoxError> {
        let value = |name: &str| {
            response
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        if value("state") != Some(pending.state.as_str()) {
            return Err("the state is not the one this browser was sent away with".into());
        }
        if value("iss") != Some(self.issuer.as_str()) {
            return Err("iss does not name the provider that was asked".into());
        }
        if let Some(error) = value("error") {
            return Err(format!(
                "{error}: {}",
                value("error_description").unwrap_or("no description")
            )
            .into());
        }
        Ok(value("code")
            .ok_or("the authorization response holds no code")?
            .to_owned())
    }

    /// Trades the code for tokens; the ID token is not believed yet.
    pub(super) async fn exchange(
        &self,
        code: &str,
        pending: &Pending,
    ) -> Result<CoreTokenResponse, BoxError> {
        Ok(self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(&self.http)
            .await?)
    }

    /// Verifies signature, issuer, audience, times, nonce and `at_hash` (OpenID Connect Core §3.1.3.7).
    pub(super) fn verify(&self, answer: &CoreTokenResponse, pending: &Pending) -> Result<Tokens, BoxError> {
        let id_token = answer.id_token().ok_or("the token response holds no id_token")?;
        let subject = self.verify_id_token(id_token, answer.access_token(), Some(&pending.nonce))?;
        Ok(tokens(answer, id_token.to_string(), subject))
    }

    fn verify_id_token(
        &self,
        id_token: &CoreIdToken,
        access_token: &AccessToken,
        nonce: Option<&Nonce>,
    ) -> Result<String, BoxError> {
        let verifier = self.client.id_token_verifier();
        let claims = match nonce {
            Some(nonce) => id_token.claims(&verifier, nonce)?,
            // A refreshed ID token need not repeat the nonce (OpenID Connect Core §12.2).
            None => id_token.claims(&verifier, |_: Option<&Nonce>| Ok(()))?,
        };
        if let Some(expected) = claims.access_token_hash() {
            let actual = AccessTokenHash::from_token(
                access_token,
                id_token.signing_alg()?,
                id_token.signing_key(&verifier)?,
            )?;
            if actual != *expected {
                return Err("at_hash belongs to another access token".into());
            }
        }
        Ok(claims.subject().as_str().to_owned())
    }

    /// Trades the refresh token for new tokens; the account must stay the same.
    pub(super) async fn refresh(&self, old: &Tokens) -> Result<Tokens, BoxError> {
        let refresh_token = old.refresh_token.clone().ok_or("there is no refresh token")?;
        let answer = self
            .client
            .exchange_refresh_token(&RefreshToken::new(refresh_token))?
            .request_async(&self.http)
            .await?;
        let Some(id_token) = answer.id_token() else {
            return Ok(tokens(&answer, old.id_token.clone(), old.subject.clone()));
        };
        let subject = self.verify_id_token(id_token, answer.access_token(), None)?;
        if subject != old.subject {
            return Err("the refreshed ID token names another account".into());
        }
        Ok(tokens(&answer, id_token.to_string(), subject))
    }

    /// Asks for the claims about the account; `sub` must match (OpenID Connect Core §5.3.2).
    pub(super) async fn userinfo(&self, tokens: &Tokens) -> Result<CoreUserInfoClaims, BoxError> {
        let subject = openidconnect::SubjectIdentifier::new(tokens.subject.clone());
        let request = self
            .client
            .user_info(AccessToken::new(tokens.access_token.clone()), Some(subject))?;
        Ok(request.request_async(&self.http).await?)
    }

    /// Where to send the browser to sign out (OpenID Connect RP-Initiated Logout §2).
    pub(super) fn logout_url(&self, id_token: &str, return_to: &str) -> Result<Url, BoxError> {
        let mut url = Url::parse(&self.endpoints.end_session_endpoint)?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", WEB_CLIENT)
            .append_pair("post_logout_redirect_uri", return_to);
        Ok(url)
    }
}

fn tokens(answer: &CoreTokenResponse, id_token: String, subject: String) -> Tokens {
    let scopes = answer.scopes().map(Vec::as_slice).unwrap_or_default();
    Tokens {
        id_token,
        access_token: answer.access_token().secret().clone(),
        refresh_token: answer.refresh_token().map(|token| token.secret().clone()),
        scope: scopes
            .iter()
            .map(|scope| scope.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        expires_in: answer.expires_in().map(|lifetime| lifetime.as_secs()),
        subject,
    }
}
