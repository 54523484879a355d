//! Parameters of a query or a form: each once, none empty, nothing ambiguous (RFC 6749 §3.1, §3.2).

use std::collections::HashSet;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use protocol::error::{OAuthError, invalid_request};

use super::{limits, media_type};
use crate::error::TokenRefusal;

/// Parameters that may be sent more than once (RFC 8707 §2, RFC 8693 §2.1).
pub const REPEATABLE: &[&str] = &["resource", "audience"];

/// Parameters in the order in which they were sent; the empty ones are left out.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text; only what `repeatable` names may come twice.
    pub fn parse(text: &[u8], repeatable: &[&str]) -> Result<Params, OAuthError> {
        let mut pairs = pairs(text)?;
        let mut named = HashSet::new();
        let once = |name: &str| !repeatable.contains(&name);
        if pairs
            .iter()
            .any(|(name, _)| !named.insert(name.as_str()) && once(name))
        {
            return Err(invalid_request("a parameter is repeated"));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Params(pairs))
    }

    /// Reads the query of a URL.
    pub fn from_query(query: Option<&str>, repeatable: &[&str]) -> Result<Params, OAuthError> {
        Params::parse(query.unwrap_or_default().as_bytes(), repeatable)
    }

    /// The value of a parameter, or the first of several.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Every value of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Takes a parameter out, such as a password that nothing else should see.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(at).1)
    }

    /// Names and values as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The pairs themselves.
    pub fn as_pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The pairs themselves.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Values may be secrets: only the names are printed.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Names and values of `application/x-www-form-urlencoded` text, in order and as often as they were sent.
pub fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, OAuthError> {
    let mut pairs = Vec::new();
    for pair in text.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == limits::PARAMETERS {
            return Err(invalid_request("too many parameters"));
        }
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        pairs.push((name, value));
    }
    Ok(pairs)
}

fn decode(text: &[u8]) -> Result<String, OAuthError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(invalid_request("a parameter is not percent-encoded correctly")),
            },
            other => *other,
        });
    }
    if decoded.contains(&0) {
        return Err(invalid_request("a parameter contains a NUL character"));
    }
    String::from_utf8(decoded).map_err(|_| invalid_request("a parameter is not UTF-8"))
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Whether the body is declared as a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    media_type::is(headers, &[media_type::FORM])
}

/// Reads a form out of a request, whatever its refusal then looks like.
pub async fn read(request: Request, repeatable: &[&str]) -> Result<Params, OAuthError> {
    let (head, body) = request.into_parts();
    read_body(&head.headers, body, repeatable).await
}

/// The same of a request that was taken apart.
pub async fn read_body(headers: &HeaderMap, body: Body, repeatable: &[&str]) -> Result<Params, OAuthError> {
    let body = to_bytes(body, limits::FORM_BYTES)
        .await
        .map_err(|_| invalid_request("the form is too large or was cut off"))?;
    if !is_form(headers) && !body.is_empty() {
        return Err(invalid_request(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    Params::parse(&body, repeatable)
}

/// The form of a request to an endpoint that clients call directly.
#[derive(Clone, Debug)]
pub struct FormParams(pub Params);

impl<S: Send + Sync> FromRequest<S> for FormParams {
    type Rejection = TokenRefusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(FormParams(read(request, REPEATABLE).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, OAuthError> {
        Params::parse(text.as_bytes(), REPEATABLE).map(Params::into_pairs)
    }

    #[test]
    fn parameters_are_decoded_in_order_and_empty_ones_are_absent() {
        let pairs = parse("a=1&b=x%20y+z&c=&d&&e=%C3%A9&f=a=b").unwrap();
        let expected = [("a", "1"), ("b", "x y z"), ("e", "é"), ("f", "a=b")];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn ambiguous_and_malformed_parameters_are_refused() {
        let many = "a=1&".to_owned() + &(0..100).map(|n| format!("p{n}=1&")).collect::<String>();
        for text in [
            "a=1&a=1",
            "a=1&a=",
            "a=&a=",
            "a=1&%61=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "a=%00",
            "%00=1",
            &many,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_resource_may_come_twice() {
        let params = Params::parse(b"resource=a&resource=b", REPEATABLE).unwrap();
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(Params::parse(b"resource=a&resource=b", &[]).is_err());
    }

    #[test]
    fn values_are_not_printed() {
        let params = Params::parse(b"password=swordfish", &[]).unwrap();
        assert!(!format!("{params:?}").contains("swordfish"));
    }

    #[tokio::test]
    async fn only_a_form_of_the_right_size_is_read() {
        let read = async |kind: Option<&str>, body: String| {
            let mut request = Request::builder().method("POST");
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            super::read(request.body(Body::from(body)).unwrap(), &[]).await
        };
        let form = "application/x-www-form-urlencoded";
        assert!(read(Some(form), "a=1".into()).await.is_ok());
        assert!(
            read(
                Some("Application/X-WWW-Form-Urlencoded; charset=utf-8"),
                "a=1".into()
            )
            .await
            .is_ok()
        );
        assert!(read(None, String::new()).await.is_ok());
        assert!(read(None, "a=1".into()).await.is_err());
        assert!(read(Some("application/json"), "{}".into()).await.is_err());
        assert!(
            read(Some(form), "a".repeat(limits::FORM_BYTES + 1))
                .await
                .is_err()
        );
    }
}
