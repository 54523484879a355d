//! The authorization request: parameters as sent, checked in the order of the specifications
//! (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::claims::ClaimsRequest;
use crate::client::{Client, GrantType};
use crate::error::{ErrorCode, OAuthError, invalid_request};
use crate::id::ClientId;
use crate::pkce::CodeChallenge;
use crate::resource;
use crate::response::{ResponseMode, ResponseTarget};
use crate::scope::Scope;

/// Longest `state`, `nonce` and other texts that travel with the browser, in bytes.
const MAX_TEXT: usize = 4096;

/// The parameters of an authorization request as they were sent; empty ones count as absent (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub struct AuthorizationParams {
    values: BTreeMap<String, String>,
    resources: Vec<String>,
    repeated: Vec<String>,
}

impl AuthorizationParams {
    /// Takes the decoded pairs of a query or form.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> AuthorizationParams {
        let mut params = AuthorizationParams::default();
        for (name, value) in pairs {
            if value.is_empty() {
                continue;
            }
            if name == "resource" {
                params.resources.push(value);
            } else {
                match params.values.entry(name) {
                    Entry::Occupied(first) => params.repeated.push(first.key().clone()),
                    Entry::Vacant(free) => drop(free.insert(value)),
                }
            }
        }
        params
    }

    /// The value of one parameter.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The client that asks. A fault here is told on a page, for there is nobody to redirect to.
    pub fn client_id(&self) -> Result<ClientId, OAuthError> {
        if self.is_repeated("client_id") {
            return Err(invalid_request("client_id is repeated"));
        }
        self.value("client_id")
            .map(ClientId::from)
            .ok_or(invalid_request("client_id is missing"))
    }

    /// Where to answer, once `client` is known. A fault here is told on a page (RFC 6749 §3.1.2.4).
    pub fn response_target(&self, client: &Client) -> Result<ResponseTarget, OAuthError> {
        if self.is_repeated("redirect_uri") {
            return Err(invalid_request("redirect_uri is repeated"));
        }
        let redirect_uri = self
            .value("redirect_uri")
            .ok_or(invalid_request("redirect_uri is missing"))?;
        if !client.allows_redirect_to(redirect_uri) {
            return Err(invalid_request("redirect_uri is not registered for this client"));
        }
        let state = self.value("state").filter(|_| !self.is_repeated("state"));
        if state.is_some_and(|state| state.len() > MAX_TEXT) {
            return Err(invalid_request("state is longer than 4096 bytes"));
        }
        Ok(ResponseTarget {
            redirect_uri: redirect_uri.to_owned(),
            mode: self
                .value("response_mode")
                .and_then(ResponseMode::parse)
                .unwrap_or_default(),
            state: state.map(str::to_owned),
        })
    }

    fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|repeated| repeated == name)
    }
}

/// What a request wants to happen on the way (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Show no page.
    pub none: bool,
    /// Sign in again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Let the person choose the account.
    pub select_account: bool,
}

impl Prompt {
    fn parse(text: &str) -> Result<Prompt, OAuthError> {
        let mut prompt = Prompt::default();
        for word in text.split(' ') {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {
                    return Err(invalid_request(
                        "prompt may hold none, login, consent and select_account",
                    ));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(invalid_request("prompt=none cannot be combined"));
        }
        Ok(prompt)
    }
}

/// A checked authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where and how to answer.
    pub target: ResponseTarget,
    /// The scope asked for, within what the client is registered for.
    pub scope: Scope,
    /// The resource servers asked for.
    pub resources: Vec<String>,
    /// Returned in the ID token.
    pub nonce: Option<String>,
    /// The proof the code will need.
    pub code_challenge: Option<CodeChallenge>,
    /// What must happen on the way.
    pub prompt: Prompt,
    /// The greatest age of the sign-in, in seconds.
    pub max_age: Option<i64>,
    /// Authentication context classes asked for, best first.
    pub acr_values: Vec<String>,
    /// A name to fill into the sign-in page.
    pub login_hint: Option<String>,
    /// The subject that an earlier ID token names.
    pub hinted_subject: Option<String>,
    /// Languages for the pages.
    pub ui_locales: Option<String>,
    /// Claims asked for one by one.
    pub claims: ClaimsRequest,
}

impl AuthorizationRequest {
    /// Whether this is an OpenID Connect request.
    pub fn is_openid(&self) -> bool {
        self.scope.contains("openid")
    }
}

/// Checks all of a request whose client and redirect URI are trusted. `hinted_subject` is the subject of the
/// verified `id_token_hint`. A fault is told to the redirect URI.
pub fn check(
    params: &AuthorizationParams,
    client: &Client,
    target: ResponseTarget,
    hinted_subject: Option<String>,
) -> Result<AuthorizationRequest, OAuthError> {
    if !params.repeated.is_empty() {
        return Err(invalid_request("a parameter is repeated"));
    }
    refuse_unsupported(params)?;
    check_response_type(params, client)?;
    if params
        .value("response_mode")
        .is_some_and(|mode| ResponseMode::parse(mode).is_none())
    {
        return Err(invalid_request("response_mode may be query or form_post"));
    }
    let request = AuthorizationRequest {
        client_id: client.client_id.clone(),
        scope: scope(params, client)?,
        resources: params.resources.clone(),
        nonce: text(
            params,
            "nonce",
            invalid_request("nonce is longer than 4096 bytes"),
        )?,
        code_challenge: code_challenge(params, client)?,
        prompt: params
            .value("prompt")
            .map(Prompt::parse)
            .transpose()?
            .unwrap_or_default(),
        max_age: max_age(params, client)?,
        acr_values: acr_values(params, client),
        login_hint: params
            .value("login_hint")
            .filter(|hint| hint.len() <= 255)
            .map(str::to_owned),
        hinted_subject,
        ui_locales: params
            .value("ui_locales")
            .filter(|locales| locales.len() <= 255)
            .map(str::to_owned),
        claims: claims(params)?.within(&client.scope),
        target,
    };
    resource::check(&request.resources, client)?;
    Ok(request)
}

fn refuse_unsupported(params: &AuthorizationParams) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if params.value(name).is_some() {
            return Err(OAuthError::new(code, "send the parameters themselves"));
        }
    }
    Ok(())
}

fn check_response_type(params: &AuthorizationParams, client: &Client) -> Result<(), OAuthError> {
    if params.value("response_type") != Some("code")
        || !client.response_types.iter().any(|kind| kind == "code")
    {
        return Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "response_type must be code",
        ));
    }
    client.ensure_may_use(GrantType::AuthorizationCode)
}

fn scope(params: &AuthorizationParams, client: &Client) -> Result<Scope, OAuthError> {
    let invalid = || {
        OAuthError::new(
            ErrorCode::InvalidScope,
            "scope names nothing the client is registered for",
        )
    };
    let asked: Scope = params
        .value("scope")
        .unwrap_or_default()
        .parse()
        .map_err(|_| invalid())?;
    let within = asked.retain(|token| client.scope.contains(token));
    if within.is_empty() {
        return Err(invalid());
    }
    Ok(within)
}

fn text(
    params: &AuthorizationParams,
    name: &str,
    too_long: OAuthError,
) -> Result<Option<String>, OAuthError> {
    match params.value(name) {
        Some(value) if value.len() > MAX_TEXT => Err(too_long),
        value => Ok(value.map(str::to_owned)),
    }
}

fn code_challenge(
    params: &AuthorizationParams,
    client: &Client,
) -> Result<Option<CodeChallenge>, OAuthError> {
    match (
        params.value("code_challenge"),
        params.value("code_challenge_method"),
    ) {
        (Some(challenge), Some("S256")) => CodeChallenge::parse(challenge).map(Some).ok_or(invalid_request(
            "code_challenge must be an unpadded base64url SHA-256",
        )),
        (Some(_), _) => Err(invalid_request("code_challenge_method must be S256")),
        (None, Some(_)) => Err(invalid_request("code_challenge is missing")),
        (None, None) if client.require_pkce || client.is_public() => Err(invalid_request(
            "code_challenge is missing: this client must use PKCE with S256",
        )),
        (None, None) => Ok(None),
    }
}

fn max_age(params: &AuthorizationParams, client: &Client) -> Result<Option<i64>, OAuthError> {
    let Some(text) = params.value("max_age") else {
        return Ok(client.default_max_age.map(i64::from));
    };
    let digits = text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits => Ok(Some(seconds)),
        _ => Err(invalid_request("max_age must be a whole number of seconds")),
    }
}

fn acr_values(params: &AuthorizationParams, client: &Client) -> Vec<String> {
    match params.value("acr_values") {
        Some(text) => text
            .split(' ')
            .filter(|acr| !acr.is_empty())
            .take(16)
            .map(str::to_owned)
            .collect(),
        None => client.default_acr_values.clone(),
    }
}

fn claims(params: &AuthorizationParams) -> Result<ClaimsRequest, OAuthError> {
    match params.value("claims") {
        Some(text) if text.len() <= 2 * MAX_TEXT => ClaimsRequest::parse(text)
            .map_err(|_| invalid_request("claims must be a JSON object with userinfo and id_token objects")),
        Some(_) => Err(invalid_request("claims is longer than 8192 bytes")),
        None => Ok(ClaimsRequest::default()),
    }
}

#[cfg(test)]
#[path = "authorization/tests.rs"]
mod tests;
