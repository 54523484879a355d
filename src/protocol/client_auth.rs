//! Client authentication: the credentials as sent (RFC 6749 §2.3) and the rules for assertions (RFC 7521, 7523).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{OAuthError, invalid_client, invalid_request};
use crate::jose::{self, Algorithm};
use crate::secret::{Secret, TokenHash};
use crate::time::{Lifetime, Timestamp};

/// The only `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the clock of a client may be ahead of ours.
const LEEWAY: Lifetime = Lifetime::seconds(10);
/// How long an assertion may live.
const LIFETIME: Lifetime = Lifetime::minutes(5);
/// How long it may live when the client is of the older habit.
const LEGACY_LIFETIME: Lifetime = Lifetime::hours(1);

/// The credentials of a request, none of them checked.
#[derive(Clone, Debug)]
pub enum Presented {
    /// HTTP Basic.
    Basic {
        /// The client.
        client_id: String,
        /// Its secret.
        secret: Secret,
    },
    /// A secret in the form.
    Post {
        /// The client.
        client_id: String,
        /// Its secret.
        secret: Secret,
    },
    /// A signed JWT.
    Assertion {
        /// The client, when the form names it beside the assertion.
        client_id: Option<String>,
        /// The JWT.
        assertion: String,
    },
    /// Only a name.
    Public {
        /// The client.
        client_id: String,
    },
    /// Nothing at all.
    Missing,
}

/// Finds out which one method a request uses (RFC 6749 §2.3.1, RFC 7521 §4.2). Empty parameters count
/// as left out (RFC 6749 §3.2).
pub fn presented(
    authorization: Option<&str>,
    client_id: Option<&str>,
    client_secret: Option<&str>,
    client_assertion_type: Option<&str>,
    client_assertion: Option<&str>,
) -> Result<Presented, OAuthError> {
    let sent = |parameter: Option<&'_ str>| parameter.filter(|text| !text.is_empty()).map(str::to_owned);
    let (client_id, client_secret) = (sent(client_id), sent(client_secret).map(Secret::new));
    let (kind, assertion) = (sent(client_assertion_type), sent(client_assertion));
    let by_assertion = kind.is_some() || assertion.is_some();
    let methods = [authorization.is_some(), client_secret.is_some(), by_assertion];
    if methods.into_iter().filter(|used| *used).count() > 1 {
        return Err(invalid_request("more than one way of client authentication"));
    }
    if let Some(header) = authorization {
        let (named, secret) = basic(header).ok_or_else(invalid_client)?;
        if client_id.is_some_and(|client_id| client_id != named) {
            return Err(invalid_request(
                "client_id differs from the client that authenticates",
            ));
        }
        return Ok(Presented::Basic {
            client_id: named,
            secret,
        });
    }
    if by_assertion {
        if kind.as_deref() != Some(ASSERTION_TYPE) {
            return Err(invalid_request(
                "client_assertion_type is missing or not supported",
            ));
        }
        let assertion = assertion.ok_or(invalid_request("client_assertion is missing"))?;
        return Ok(Presented::Assertion { client_id, assertion });
    }
    match (client_id, client_secret) {
        (Some(client_id), Some(secret)) => Ok(Presented::Post { client_id, secret }),
        (Some(client_id), None) => Ok(Presented::Public { client_id }),
        (None, Some(_)) => Err(invalid_request("client_id is missing")),
        (None, None) => Ok(Presented::Missing),
    }
}

/// Both halves of HTTP Basic, each form-urlencoded by the client (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(credentials.trim_matches(' ')).ok()?);
    let (client_id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let client_id = form_decode(client_id)?;
    let secret = Secret::new(form_decode(secret)?);
    (!client_id.is_empty()).then_some((client_id, secret))
}

/// Undoes `application/x-www-form-urlencoded`; a stray `%`, bad UTF-8 or a control character undoes nothing.
fn form_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded)
        .ok()
        .filter(|text| !text.chars().any(char::is_control))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// What an assertion is held against.
#[derive(Clone, Copy, Debug)]
pub struct AssertionRules<'a> {
    /// The client that it should speak for.
    pub client_id: &'a str,
    /// Our issuer identifier, the audience.
    pub issuer: &'a str,
    /// Further audiences, for a client that is allowed the older habit of naming the endpoint.
    pub endpoint_audiences: &'a [String],
    /// The algorithm the client registered.
    pub alg: Option<Algorithm>,
    /// The time.
    pub now: Timestamp,
}

impl AssertionRules<'_> {
    /// The algorithms that the signature of a `private_key_jwt` may have.
    pub fn algorithms(&self) -> &[Algorithm] {
        match &self.alg {
            Some(registered) => std::slice::from_ref(registered),
            None => &Algorithm::SIGNING,
        }
    }
}

/// What must be remembered of an assertion so that it works once (RFC 7523 §3, item 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionUse {
    /// Names this assertion among those of all clients.
    pub replay_key: TokenHash,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// The rule that an assertion breaks; for the log, as a client is told `invalid_client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Another kind of token.
    #[error("typ is neither JWT nor client-authentication+jwt")]
    Kind,
    /// `iss`.
    #[error("iss is not the client")]
    Issuer,
    /// `sub`.
    #[error("sub is not the client")]
    Subject,
    /// `aud`.
    #[error("aud is not the issuer identifier, as a single string")]
    Audience,
    /// `exp` is missing or of the wrong type.
    #[error("exp is missing or not a number")]
    NoExpiry,
    /// `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// `exp` lies too far ahead.
    #[error("exp is too far ahead")]
    TooLong,
    /// `iat` or `nbf`.
    #[error("iat or nbf lies ahead, or is not a number")]
    NotYet,
    /// `jti`.
    #[error("jti is missing, or not a string of 1 to 255 characters")]
    Identifier,
}

/// Checks the claims of an assertion whose signature is right (RFC 7523 §3), in the RFC's order.
pub fn check_assertion(
    claims: &Map<String, Value>,
    typ: Option<&str>,
    rules: &AssertionRules<'_>,
) -> Result<AssertionUse, AssertionError> {
    let named = |typ: &str| {
        ["JWT", "client-authentication+jwt"]
            .iter()
            .any(|name| typ.eq_ignore_ascii_case(name))
    };
    if typ.is_some_and(|typ| !named(typ)) {
        return Err(AssertionError::Kind);
    }
    let is_client = |name| claims.get(name).and_then(Value::as_str) == Some(rules.client_id);
    if !is_client("iss") {
        return Err(AssertionError::Issuer);
    }
    if !is_client("sub") {
        return Err(AssertionError::Subject);
    }
    if !claims.get("aud").is_some_and(|aud| is_audience(aud, rules)) {
        return Err(AssertionError::Audience);
    }
    let expires_at = jose::date(claims, "exp")
        .ok()
        .flatten()
        .ok_or(AssertionError::NoExpiry)?;
    if expires_at <= rules.now {
        return Err(AssertionError::Expired);
    }
    let lifetime = if rules.endpoint_audiences.is_empty() {
        LIFETIME
    } else {
        LEGACY_LIFETIME
    };
    if expires_at > rules.now + lifetime + LEEWAY {
        return Err(AssertionError::TooLong);
    }
    for name in ["nbf", "iat"] {
        let from = jose::date(claims, name).map_err(|_| AssertionError::NotYet)?;
        if from.is_some_and(|from| from > rules.now + LEEWAY) {
            return Err(AssertionError::NotYet);
        }
    }
    let jti = claims
        .get("jti")
        .and_then(Value::as_str)
        .ok_or(AssertionError::Identifier)?;
    if !(1..=255).contains(&jti.chars().count()) {
        return Err(AssertionError::Identifier);
    }
    Ok(AssertionUse {
        replay_key: replay_key(rules.client_id, jti),
        expires_at,
    })
}

/// An audience that another server could share would let it use the assertion here (RFC 10070), so an
/// array is taken only from a client of the older habit, and only when each element means us.
fn is_audience(aud: &Value, rules: &AssertionRules<'_>) -> bool {
    let is_us = |aud: &Value| {
        aud.as_str().is_some_and(|aud| {
            aud == rules.issuer || rules.endpoint_audiences.iter().any(|endpoint| endpoint == aud)
        })
    };
    match aud {
        Value::Array(several) if !rules.endpoint_audiences.is_empty() => {
            !several.is_empty() && several.iter().all(is_us)
        }
        one => is_us(one),
    }
}

fn replay_key(client_id: &str, jti: &str) -> TokenHash {
    // The length keeps two pairs with the same joined text apart.
    TokenHash::of(&format!("client_assertion:{}:{client_id}:{jti}", client_id.len()))
}

#[cfg(test)]
mod tests;
