//! The token request: one variant for each grant, with only its own parameters (RFC 6749 §4, §6).

use crate::client::GrantType;
use crate::error::{ErrorCode, OAuthError, invalid_request};
use crate::scope::Scope;
use crate::secret::Secret;

/// A parsed token request.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3.
    AuthorizationCode(AuthorizationCodeParams),
    /// RFC 6749 §6.
    RefreshToken(RefreshTokenParams),
    /// RFC 6749 §4.4.2.
    ClientCredentials(ClientCredentialsParams),
    /// RFC 6749 §4.3.2.
    Password(PasswordParams),
    /// RFC 8693 §2.1.
    TokenExchange(TokenExchangeParams),
}

/// What redeems a code.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeParams {
    /// The code.
    pub code: Secret,
    /// Must equal that of the authorization request.
    pub redirect_uri: Option<String>,
    /// RFC 7636 §4.5.
    pub code_verifier: Option<String>,
    /// RFC 8707 §2.2.
    pub resources: Vec<String>,
}

/// What asks for new tokens.
#[derive(Clone, Debug)]
pub struct RefreshTokenParams {
    /// The refresh token.
    pub refresh_token: Secret,
    /// A narrower scope, if any.
    pub scope: Option<Scope>,
    /// RFC 8707 §2.2.
    pub resources: Vec<String>,
}

/// What a client asks for itself.
#[derive(Clone, Debug)]
pub struct ClientCredentialsParams {
    /// The scope, or all the client is registered for.
    pub scope: Option<Scope>,
    /// RFC 8707 §2.2.
    pub resources: Vec<String>,
}

/// What an account holder typed into the client itself.
#[derive(Clone, Debug)]
pub struct PasswordParams {
    /// User name or e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// A one-time password, when the account has a second factor.
    pub otp: Option<Secret>,
    /// The scope asked for.
    pub scope: Option<Scope>,
    /// RFC 8707 §2.2.
    pub resources: Vec<String>,
}

/// The type of a subject token that is an API key (RFC 8693 §3).
pub const API_KEY_TYPE: &str = "urn:chancery:token-type:api-key";
/// The type of an access token (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What exchanges an API key for an access token.
#[derive(Clone, Debug)]
pub struct TokenExchangeParams {
    /// The API key.
    pub subject_token: Secret,
    /// The scope asked for; all that can be had when absent.
    pub scope: Option<Scope>,
    /// RFC 8707 §2.2.
    pub resources: Vec<String>,
}

impl TokenExchangeParams {
    /// Reads the parameters of RFC 8693 §2.1. Nobody acts for somebody else here, and targets are named by `resource`.
    fn parse<'a>(
        value: impl Fn(&str) -> Option<&'a str>,
        scope: Option<Scope>,
        resources: Vec<String>,
    ) -> Result<TokenExchangeParams, OAuthError> {
        let subject_token = value("subject_token").ok_or(invalid_request("subject_token is missing"))?;
        let kind = value("subject_token_type").ok_or(invalid_request("subject_token_type is missing"))?;
        if kind != API_KEY_TYPE {
            return Err(invalid_request(
                "subject_token_type is none that can be exchanged here",
            ));
        }
        if value("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN_TYPE) {
            return Err(invalid_request(
                "requested_token_type is none that is issued here",
            ));
        }
        if value("actor_token").is_some() || value("actor_token_type").is_some() {
            return Err(invalid_request("actor_token cannot be used here"));
        }
        if value("audience").is_some() {
            let refusal = "audience names nobody here; use resource";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, refusal));
        }
        Ok(TokenExchangeParams {
            subject_token: Secret::new(subject_token),
            scope,
            resources,
        })
    }
}

/// The refusal of a grant that is not offered (RFC 6749 §5.2).
pub fn unsupported_grant_type() -> OAuthError {
    let refusal = "grant_type is not one of those supported";
    OAuthError::new(ErrorCode::UnsupportedGrantType, refusal)
}

impl TokenRequest {
    /// Reads a request whose parameters are known to be single and not empty.
    pub fn parse<'a>(
        value: impl Fn(&str) -> Option<&'a str>,
        resources: Vec<String>,
    ) -> Result<TokenRequest, OAuthError> {
        let grant_type = value("grant_type").ok_or(invalid_request("grant_type is missing"))?;
        let grant_type = GrantType::parse(grant_type).ok_or_else(unsupported_grant_type)?;
        let required = |name: &str, missing: &'static str| value(name).ok_or(invalid_request(missing));
        let scope = || {
            let text = value("scope").map(str::parse::<Scope>).transpose();
            text.map_err(|_| OAuthError::new(ErrorCode::InvalidScope, "scope has characters it may not have"))
        };
        Ok(match grant_type {
            GrantType::AuthorizationCode => TokenRequest::AuthorizationCode(AuthorizationCodeParams {
                code: Secret::new(required("code", "code is missing")?),
                redirect_uri: value("redirect_uri").map(str::to_owned),
                code_verifier: value("code_verifier").map(str::to_owned),
                resources,
            }),
            GrantType::RefreshToken => TokenRequest::RefreshToken(RefreshTokenParams {
                refresh_token: Secret::new(required("refresh_token", "refresh_token is missing")?),
                scope: scope()?,
                resources,
            }),
            GrantType::ClientCredentials => TokenRequest::ClientCredentials(ClientCredentialsParams {
                scope: scope()?,
                resources,
            }),
            GrantType::Password => TokenRequest::Password(PasswordParams {
                username: required("username", "username is missing")?.to_owned(),
                password: Secret::new(required("password", "password is missing")?),
                otp: value("otp").map(Secret::new),
                scope: scope()?,
                resources,
            }),
            GrantType::TokenExchange => {
                TokenRequest::TokenExchange(TokenExchangeParams::parse(&value, scope()?, resources)?)
            }
        })
    }

    /// The grant it uses.
    pub fn grant_type(&self) -> GrantType {
        match self {
            TokenRequest::AuthorizationCode(_) => GrantType::AuthorizationCode,
            TokenRequest::RefreshToken(_) => GrantType::RefreshToken,
            TokenRequest::ClientCredentials(_) => GrantType::ClientCredentials,
            TokenRequest::Password(_) => GrantType::Password,
            TokenRequest::TokenExchange(_) => GrantType::TokenExchange,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &'static str)]) -> Result<GrantType, ErrorCode> {
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
        };
        TokenRequest::parse(value, vec![])
            .map(|request| request.grant_type())
            .map_err(|error| error.code)
    }

    #[test]
    fn only_an_api_key_can_be_exchanged_and_only_for_an_access_token() {
        use ErrorCode::{InvalidRequest, InvalidTarget};
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
        let key = ("subject_token", "k");
        let kind = ("subject_token_type", API_KEY_TYPE);
        let jwt = "urn:ietf:params:oauth:token-type:jwt";
        for (pairs, outcome) in [
            (vec![grant, key, kind], Ok(GrantType::TokenExchange)),
            (
                vec![grant, key, kind, ("requested_token_type", ACCESS_TOKEN_TYPE)],
                Ok(GrantType::TokenExchange),
            ),
            (vec![grant, kind], Err(InvalidRequest)),
            (vec![grant, key], Err(InvalidRequest)),
            (
                vec![grant, key, ("subject_token_type", ACCESS_TOKEN_TYPE)],
                Err(InvalidRequest),
            ),
            (
                vec![grant, key, kind, ("requested_token_type", jwt)],
                Err(InvalidRequest),
            ),
            (
                vec![
                    grant,
                    key,
                    kind,
                    ("actor_token", "k"),
                    ("actor_token_type", API_KEY_TYPE),
                ],
                Err(InvalidRequest),
            ),
            (vec![grant, key, kind, ("audience", "books")], Err(InvalidTarget)),
        ] {
            assert_eq!(parse(&pairs), outcome, "{pairs:?}");
        }
    }

    #[test]
    fn each_grant_demands_its_own_parameters() {
        use ErrorCode::{InvalidRequest, InvalidScope, UnsupportedGrantType};
        for (pairs, outcome) in [
            (vec![], Err(InvalidRequest)),
            (vec![("grant_type", "implicit")], Err(UnsupportedGrantType)),
            (vec![("grant_type", "authorization_code")], Err(InvalidRequest)),
            (
                vec![("grant_type", "authorization_code"), ("code", "c")],
                Ok(GrantType::AuthorizationCode),
            ),
            (vec![("grant_type", "refresh_token")], Err(InvalidRequest)),
            (
                vec![("grant_type", "refresh_token"), ("refresh_token", "r")],
                Ok(GrantType::RefreshToken),
            ),
            (
                vec![("grant_type", "client_credentials")],
                Ok(GrantType::ClientCredentials),
            ),
            (
                vec![("grant_type", "client_credentials"), ("scope", "a\"")],
                Err(InvalidScope),
            ),
            (
                vec![("grant_type", "password"), ("username", "u")],
                Err(InvalidRequest),
            ),
            (
                vec![("grant_type", "password"), ("username", "u"), ("password", "p")],
                Ok(GrantType::Password),
            ),
        ] {
            assert_eq!(parse(&pairs), outcome, "{pairs:?}");
        }
    }
}
