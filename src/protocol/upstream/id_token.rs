//! What an upstream says of a person, once it is sure that it does (OpenID Connect Core §3.1.3.7, §5.3.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account::{parse_email, parse_full_name};
use crate::jose::{self, JoseError};
use crate::time::Timestamp;

/// How far the upstream's clock may be ahead of ours, in seconds.
const SKEW: i64 = 60;
/// When somebody signed in of whom the upstream does not say: before anything that could be asked for.
const UNKNOWN: Timestamp = Timestamp(0);

/// What an ID Token must say beyond being meant for this sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who we are to the upstream.
    pub client_id: &'a str,
    /// The earliest moment at which the person may have proved who they are, where that was asked for.
    pub authenticated_since: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

/// A person as an upstream describes them. Only `issuer` and `subject` identify; the rest is hearsay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Who says so.
    pub issuer: String,
    /// Whom, in their own and lasting terms.
    pub subject: String,
    /// When they signed in there, if it says so.
    pub auth_time: Option<Timestamp>,
    /// The mail address, if it is one.
    pub email: Option<String>,
    /// Whether the upstream says the address is theirs.
    pub email_verified: bool,
    /// What they like to be called when signing in.
    pub preferred_username: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
}

/// Reads the person out of an ID Token whose signature, issuer, audience, end and nonce are known to be right.
pub fn read_person(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Person, JoseError> {
    if claims.contains_key("events") {
        return Err(JoseError::WrongKind("a logout token"));
    }
    check_party(claims, expected.client_id)?;
    check_times(claims, expected)?;
    let mut person = Person {
        issuer: jose::required(jose::text(claims, "iss")?, "iss")?.to_owned(),
        subject: subject(claims)?.to_owned(),
        auth_time: auth_time(claims, expected),
        ..Person::default()
    };
    person.describe(claims);
    Ok(person)
}

/// Where others are meant too, it says that it was made for us.
fn check_party(claims: &Map<String, Value>, client_id: &str) -> Result<(), JoseError> {
    let audiences = jose::audiences(claims)?;
    match jose::text(claims, "azp")? {
        Some(party) if party == client_id => Ok(()),
        None if audiences.len() == 1 => Ok(()),
        _ => Err(JoseError::Claim("azp")),
    }
}

fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), JoseError> {
    let soon = soon(expected);
    if jose::required(jose::date(claims, "iat")?, "iat")? > soon {
        return Err(JoseError::Claim("iat"));
    }
    if jose::date(claims, "nbf")?.is_some_and(|start| start > soon) {
        return Err(JoseError::Claim("nbf"));
    }
    if let Some(since) = expected.authenticated_since {
        let at = jose::required(jose::date(claims, "auth_time")?, "auth_time")?;
        if at.0.saturating_add(SKEW) < since.0 || at > soon {
            return Err(JoseError::Claim("auth_time"));
        }
    }
    Ok(())
}

/// The latest that a clock like ours may show.
fn soon(expected: &Expected<'_>) -> Timestamp {
    Timestamp(expected.now.0.saturating_add(SKEW))
}

/// When the person signed in, by our clock: never ahead of it, nor before what was asked for and has been checked.
fn auth_time(claims: &Map<String, Value>, expected: &Expected<'_>) -> Option<Timestamp> {
    let at = jose::date(claims, "auth_time").ok().flatten()?;
    let since = expected.authenticated_since.unwrap_or(at);
    // Where nothing was asked for, a time that cannot be right is as good as none.
    (at <= soon(expected)).then(|| at.max(since).min(expected.now))
}

fn subject(claims: &Map<String, Value>) -> Result<&str, JoseError> {
    let subject = jose::required(jose::text(claims, "sub")?, "sub")?;
    if subject.is_empty() || subject.len() > 255 || subject.chars().any(char::is_control) {
        return Err(JoseError::Claim("sub"));
    }
    Ok(subject)
}

/// Adds what the userinfo endpoint says, if it speaks of the same person (OpenID Connect Core §5.3.2).
pub fn check_userinfo(person: &mut Person, document: &Value) -> Result<(), JoseError> {
    let claims = document.as_object().ok_or(JoseError::Claim("sub"))?;
    if subject(claims)? != person.subject {
        return Err(JoseError::Claim("sub"));
    }
    person.describe(claims);
    Ok(())
}

impl Person {
    /// From when on the sign-in may be counted: one whose time nobody tells is never a fresh one.
    pub fn authenticated_at(&self) -> Timestamp {
        self.auth_time.unwrap_or(UNKNOWN)
    }

    /// Takes over what is new and well formed.
    fn describe(&mut self, claims: &Map<String, Value>) {
        let text = |name| claims.get(name).and_then(Value::as_str);
        let name = |name| text(name).and_then(|text| parse_full_name(text).ok().flatten());
        // An address and what is said of it belong together; they are never mixed from two documents.
        if self.email.is_none()
            && let Some(email) = text("email").and_then(|email| parse_email(email).ok())
        {
            self.email = Some(email);
            // Some write the text "true", which is no yes.
            self.email_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        }
        let username = || text("preferred_username").map(|name| name.chars().take(255).collect());
        self.preferred_username = self.preferred_username.take().or_else(username);
        self.name = self.name.take().or_else(|| name("name"));
        self.given_name = self.given_name.take().or_else(|| name("given_name"));
        self.family_name = self.family_name.take().or_else(|| name("family_name"));
    }
}
