//! Registered clients (RFC 7591 §2) and the rules their redirect URIs obey.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{ErrorCode, OAuthError};
use crate::id::ClientId;
use crate::jose::{Algorithm, JoseError, KeySet};
use crate::scope::Scope;
use crate::session::MfaPolicy;

/// How a client proves who it is at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// HTTP Basic with the client secret.
    #[default]
    ClientSecretBasic,
    /// The client secret in the form body.
    ClientSecretPost,
    /// A JWT signed with the client secret (RFC 7523).
    ClientSecretJwt,
    /// A JWT signed with a registered private key (RFC 7523).
    PrivateKeyJwt,
    /// A public client.
    None,
}

impl ClientAuthMethod {
    /// All methods, as advertised in the metadata.
    pub const ALL: [ClientAuthMethod; 5] = [
        ClientAuthMethod::ClientSecretBasic,
        ClientAuthMethod::ClientSecretPost,
        ClientAuthMethod::ClientSecretJwt,
        ClientAuthMethod::PrivateKeyJwt,
        ClientAuthMethod::None,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            ClientAuthMethod::ClientSecretBasic => "client_secret_basic",
            ClientAuthMethod::ClientSecretPost => "client_secret_post",
            ClientAuthMethod::ClientSecretJwt => "client_secret_jwt",
            ClientAuthMethod::PrivateKeyJwt => "private_key_jwt",
            ClientAuthMethod::None => "none",
        }
    }

    /// Whether the method uses a shared secret.
    pub const fn has_secret(self) -> bool {
        matches!(
            self,
            ClientAuthMethod::ClientSecretBasic
                | ClientAuthMethod::ClientSecretPost
                | ClientAuthMethod::ClientSecretJwt
        )
    }
}

/// A way to get tokens that we offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §4.3, for the clients that an administrator allows it.
    Password,
    /// RFC 8693, with an API key as the subject token, where the server offers it.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// All grants.
    pub const ALL: [GrantType; 5] = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::Password,
        GrantType::TokenExchange,
    ];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::Password => "password",
            GrantType::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The grant a `grant_type` names.
    pub fn parse(text: &str) -> Option<GrantType> {
        GrantType::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// Whether a client is a web application or a native one (OpenID Connect Registration §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// https redirect URIs, http on loopback for development.
    #[default]
    Web,
    /// Loopback redirect URIs on any port, or a private-use scheme (RFC 8252).
    Native,
}

/// A client as it is registered. Field names are those of RFC 7591 where one exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The identifier.
    pub client_id: ClientId,
    /// The name people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The home page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// The logo shown when signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// The privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// The terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Web or native.
    #[serde(default)]
    pub application_type: ApplicationType,
    /// Where authorization responses may go, compared as raw strings.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after sign-out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Origins that may call the token and userinfo endpoints from a browser, beside those of the redirect URIs.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Grants the client may use.
    #[serde(default = "default_grant_types")]
    pub grant_types: Vec<GrantType>,
    /// Response types the client may use; `code` is the one we offer.
    #[serde(default = "default_response_types")]
    pub response_types: Vec<String>,
    /// The one way it authenticates.
    #[serde(default)]
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The algorithm of its assertions; any we take when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// Whether an assertion's `aud` may also be the token endpoint's URL, as OpenID Connect Core §9 had it.
    #[serde(default)]
    pub allow_endpoint_audience: bool,
    /// Scopes it may ask for.
    #[serde(default)]
    pub scope: Scope,
    /// Resource servers it may ask tokens for (RFC 8707).
    #[serde(default)]
    pub resources: Vec<String>,
    /// Its public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The algorithm of its ID tokens.
    #[serde(default)]
    pub id_token_signed_response_alg: Algorithm,
    /// The algorithm of the access tokens it is given.
    #[serde(default)]
    pub access_token_signed_response_alg: Algorithm,
    /// Ask for sign-in when the last one is older, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    /// Classes asked for when a request names none.
    #[serde(default)]
    pub default_acr_values: Vec<String>,
    /// Whether a code needs a challenge (RFC 7636).
    #[serde(default = "yes")]
    pub require_pkce: bool,
    /// Whether the account holder is asked first.
    #[serde(default)]
    pub require_consent: bool,
    /// Whether the client may introspect tokens that name it, or one of its resources, as audience.
    #[serde(default)]
    pub may_introspect: bool,
    /// Whether access tokens carry `roles` and `permissions`.
    #[serde(default)]
    pub authority_in_tokens: bool,
    /// Whether its users must prove a second factor; what accounts, roles and the server say when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<MfaPolicy>,
}

fn yes() -> bool {
    true
}

fn default_grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode]
}

fn default_response_types() -> Vec<String> {
    vec!["code".to_owned()]
}

impl Client {
    /// A client with the defaults of registration and nothing else.
    pub fn new(client_id: ClientId) -> Client {
        Client {
            client_id,
            client_name: None,
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            application_type: ApplicationType::Web,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            allowed_origins: Vec::new(),
            grant_types: default_grant_types(),
            response_types: default_response_types(),
            token_endpoint_auth_method: ClientAuthMethod::default(),
            token_endpoint_auth_signing_alg: None,
            allow_endpoint_audience: false,
            scope: Scope::empty(),
            resources: Vec::new(),
            jwks: None,
            jwks_uri: None,
            id_token_signed_response_alg: Algorithm::default(),
            access_token_signed_response_alg: Algorithm::default(),
            default_max_age: None,
            default_acr_values: Vec::new(),
            require_pkce: true,
            require_consent: false,
            may_introspect: false,
            authority_in_tokens: false,
            mfa: None,
        }
    }

    /// The name to show people.
    pub fn display_name(&self) -> &str {
        self.client_name.as_deref().unwrap_or(self.client_id.as_str())
    }

    /// Whether it has no credentials (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == ClientAuthMethod::None
    }

    /// Refuses a grant the client is not registered for (RFC 6749 §5.2).
    pub fn ensure_may_use(&self, grant: GrantType) -> Result<(), OAuthError> {
        if self.grant_types.contains(&grant) {
            return Ok(());
        }
        Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "the client is not registered for this grant_type",
        ))
    }

    /// Whether an authorization response may go to `sent`: an exact match of raw strings, but for
    /// the port of a native client's loopback literal (RFC 8252 §7.3, RFC 9700 §2.1).
    pub fn allows_redirect_to(&self, sent: &str) -> bool {
        self.redirect_uris.iter().any(|registered| {
            registered == sent
                || (self.application_type == ApplicationType::Native
                    && same_but_for_loopback_port(registered, sent))
        })
    }

    /// Whether a browser page of `origin` may call endpoints for this client.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins().any(|allowed| allowed == origin)
    }

    /// The origins whose pages may call endpoints for this client: those it names, and those it is redirected to.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        let redirected = self.redirect_uris.iter().filter_map(|uri| {
            let uri = Url::parse(uri).ok()?;
            matches!(uri.scheme(), "https" | "http").then(|| uri.origin().ascii_serialization())
        });
        self.allowed_origins.iter().cloned().chain(redirected)
    }

    /// Checks metadata that are about to be registered, by any channel (RFC 7591 §2, RFC 9700 §2.1).
    pub fn check(&self) -> Result<(), InvalidClient> {
        let id = self.client_id.as_str();
        if id.is_empty() || id.len() > 255 || !id.bytes().all(|b| matches!(b, 0x21..=0x7e)) {
            return Err(InvalidClient::Metadata(
                "client_id must be 1 to 255 printable ASCII characters without spaces".into(),
            ));
        }
        for uri in &self.redirect_uris {
            check_redirect_uri(uri, self.application_type)
                .map_err(|reason| InvalidClient::RedirectUri(uri.clone(), reason))?;
        }
        for uri in &self.post_logout_redirect_uris {
            check_redirect_uri(uri, self.application_type)
                .map_err(|reason| InvalidClient::RedirectUri(uri.clone(), reason))?;
        }
        self.check_sizes()?;
        self.check_keys()?;
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(InvalidClient::Metadata(format!(
                "allowed_origins holds {origin:?}, which is not an http or https origin such as https://app.example"
            )));
        }
        if self.grant_types.contains(&GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return Err(InvalidClient::Metadata(
                "the authorization_code grant needs at least one of redirect_uris".into(),
            ));
        }
        if self
            .response_types
            .iter()
            .any(|response_type| response_type != "code")
        {
            return Err(InvalidClient::Metadata(
                "response_types may hold only \"code\"".into(),
            ));
        }
        if self.is_public() && self.grant_types.contains(&GrantType::ClientCredentials) {
            return Err(InvalidClient::Metadata(
                "client_credentials needs a token_endpoint_auth_method other than none".into(),
            ));
        }
        if self.is_public() && self.grant_types.contains(&GrantType::TokenExchange) {
            return Err(InvalidClient::Metadata(
                "token exchange needs a token_endpoint_auth_method other than none".into(),
            ));
        }
        if self.token_endpoint_auth_method == ClientAuthMethod::PrivateKeyJwt
            && self.jwks.is_none() == self.jwks_uri.is_none()
        {
            return Err(InvalidClient::Metadata(
                "private_key_jwt needs exactly one of jwks and jwks_uri".into(),
            ));
        }
        for algorithm in [
            self.id_token_signed_response_alg,
            self.access_token_signed_response_alg,
        ] {
            if algorithm == Algorithm::Hs256 {
                return Err(InvalidClient::Metadata(
                    "tokens are signed with RS256, PS256, ES256 or EdDSA".into(),
                ));
            }
        }
        for (name, uri) in [
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
            ("jwks_uri", &self.jwks_uri),
        ] {
            let Some(uri) = uri else { continue };
            if !Url::parse(uri).is_ok_and(|uri| matches!(uri.scheme(), "https" | "http") && uri.has_host()) {
                return Err(InvalidClient::Metadata(format!(
                    "{name}: {uri:?} is not an http or https URL"
                )));
            }
        }
        Ok(())
    }

    /// Refuses what is longer than anybody needs.
    fn check_sizes(&self) -> Result<(), InvalidClient> {
        let name = self.client_name.as_deref().unwrap_or_default();
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(InvalidClient::Metadata(format!(
                "client_name must be at most {MAX_NAME} characters without line breaks"
            )));
        }
        for (name, list) in [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
            ("allowed_origins", &self.allowed_origins),
            ("resources", &self.resources),
            ("default_acr_values", &self.default_acr_values),
        ] {
            if list.len() > MAX_ENTRIES || list.iter().any(|entry| entry.len() > MAX_URI) {
                return Err(InvalidClient::Metadata(format!(
                    "{name} may have {MAX_ENTRIES} entries of {MAX_URI} bytes"
                )));
            }
        }
        if self.scope.iter().count() > MAX_ENTRIES || self.scope.iter().any(|token| token.len() > MAX_ID) {
            return Err(InvalidClient::Metadata(format!(
                "scope may have {MAX_ENTRIES} tokens of {MAX_ID} bytes"
            )));
        }
        if self.grant_types.len() > GrantType::ALL.len() || self.response_types.len() > MAX_ENTRIES {
            return Err(InvalidClient::Metadata(
                "grant_types and response_types name each type once".into(),
            ));
        }
        Ok(())
    }

    /// Refuses keys that nothing could be verified with, and those that nobody but the client should have.
    fn check_keys(&self) -> Result<(), InvalidClient> {
        let Some(jwks) = &self.jwks else { return Ok(()) };
        let refused = |what: &str| Err(InvalidClient::Metadata(format!("jwks {what}")));
        let Some(keys) = jwks.get("keys").and_then(serde_json::Value::as_array) else {
            return refused("must be a JWK set");
        };
        if keys.len() > MAX_ENTRIES || jwks.to_string().len() > MAX_KEYS {
            return refused("is too large");
        }
        match KeySet::from_jwks(jwks) {
            Ok(ready) if ready.is_empty() => refused("holds no key that signatures could be verified with"),
            Ok(_) => Ok(()),
            Err(JoseError::PrivateKey) => {
                refused("must hold public keys only; it holds a private one, which is to be replaced")
            }
            Err(error) => refused(&format!("cannot be used: {error}")),
        }
    }
}

/// The most bytes of an identifier or a scope token.
const MAX_ID: usize = 255;
/// The most characters of a name.
const MAX_NAME: usize = 200;
/// The most bytes of a URI.
const MAX_URI: usize = 2000;
/// The most entries of a list.
const MAX_ENTRIES: usize = 200;
/// The most bytes of a key set.
const MAX_KEYS: usize = 64 * 1024;

/// Whether a text is an origin as browsers send it (RFC 6454 §6.2).
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http") && url.origin().ascii_serialization() == text
    })
}

/// Why metadata cannot be registered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidClient {
    /// `invalid_redirect_uri` (RFC 7591 §3.2.2).
    #[error("redirect URI {0:?}: {1}")]
    RedirectUri(String, &'static str),
    /// `invalid_client_metadata` (RFC 7591 §3.2.2).
    #[error("{0}")]
    Metadata(String),
}

/// Splits `http://127.0.0.1:1234/path` into host and what follows the port.
fn loopback_parts(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find(|host| rest.starts_with(host))?;
    let after = rest.get(host.len()..)?;
    let Some(port_and_path) = after.strip_prefix(':') else {
        return (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after));
    };
    let end = port_and_path
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(port_and_path.len());
    let (port, path) = port_and_path.split_at_checked(end)?;
    let real_port = port.parse::<u16>().is_ok_and(|number| number > 0);
    (real_port && (path.is_empty() || path.starts_with(['/', '?']))).then_some((host, path))
}

fn same_but_for_loopback_port(registered: &str, sent: &str) -> bool {
    matches!((loopback_parts(registered), loopback_parts(sent)), (Some(a), Some(b)) if a == b)
}

fn check_redirect_uri(uri: &str, application_type: ApplicationType) -> Result<(), &'static str> {
    if !uri.bytes().all(|b| matches!(b, 0x21..=0x7e))
        || uri.contains(['\\', '*', '<', '>', '"', '`', '{', '}'])
    {
        return Err("holds characters that a redirect URI may not have");
    }
    if uri.contains('#') {
        return Err("must not have a fragment");
    }
    let parsed = Url::parse(uri).map_err(|_| "is not an absolute URI")?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("must not hold credentials");
    }
    // Browsers go where they read it to lead; a text that they would write otherwise may lead elsewhere than it says.
    let as_written = parsed.as_str() == uri || parsed.as_str().strip_suffix('/') == Some(uri);
    if !as_written || !has_plain_escapes(uri) {
        return Err(
            "is not written as browsers write it: name host and path in full, in lower case where case does \
                    not matter, without a default port, dot segments or escapes of control characters",
        );
    }
    match parsed.scheme() {
        "https" if uri.starts_with("https://") && parsed.has_host() => Ok(()),
        "http" if uri.starts_with("http://") => {
            let host = parsed.host_str().unwrap_or_default();
            if matches!(host, "127.0.0.1" | "[::1]" | "localhost") {
                Ok(())
            } else {
                Err("must use https; http is for loopback only")
            }
        }
        scheme if application_type == ApplicationType::Native && scheme.contains('.') => Ok(()),
        _ => Err(
            "must use https, or for a native client a scheme named after a domain, such as com.example.app",
        ),
    }
}

/// Whether each percent sign stands for a byte, and for none that controls.
fn has_plain_escapes(uri: &str) -> bool {
    uri.split('%').skip(1).all(|rest| {
        let byte = rest
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| !byte.is_ascii_control()) && !rest.starts_with('+')
    })
}

#[cfg(test)]
mod tests;
