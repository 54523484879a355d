//! Keys as callers present them: `X-API-Key`, or `Authorization: ApiKey …`. Never in a URL.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{LiveKey, Unusable, verify_limited};
use crate::app::App;
use crate::error::{Error, Problem, Refusal};
use crate::rate_limit::RetryAfter;
use crate::web::client_ip::ClientAddress;

const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Why a caller with a key is not let in.
#[derive(Debug)]
pub enum KeyRefusal {
    /// There are several keys, or one that is no text.
    Malformed,
    /// The key opens nothing here; why is for its owner to find in the audit trail.
    Invalid,
    /// It was used too often, or too many wrong ones came from this network.
    TooMany(RetryAfter),
}

impl From<KeyRefusal> for Error<KeyRefusal> {
    fn from(refusal: KeyRefusal) -> Self {
        Error::Refused(refusal)
    }
}

impl IntoResponse for KeyRefusal {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            KeyRefusal::TooMany(wait) => return wait.into_response(),
            KeyRefusal::Malformed => (StatusCode::BAD_REQUEST, "send one API key, in one header"),
            KeyRefusal::Invalid => (
                StatusCode::UNAUTHORIZED,
                "the API key is unknown, has ended or may not be used from here",
            ),
        };
        let mut answer = Problem::new(status, detail).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("ApiKey realm=\"chancery\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

impl Refusal for KeyRefusal {
    fn failure(failure: crate::error::Failure) -> Response {
        Problem::failure(failure)
    }
}

/// The text of the key in the headers, if there is one.
pub fn presented(headers: &HeaderMap) -> Result<Option<&str>, KeyRefusal> {
    let mut own = headers.get_all(HEADER).iter();
    let mut found = None;
    for value in own.by_ref() {
        let text = value.to_str().map_err(|_| KeyRefusal::Malformed)?;
        if found.replace(text.trim()).is_some() {
            return Err(KeyRefusal::Malformed);
        }
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        let Some((scheme, text)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
            continue;
        };
        if scheme.eq_ignore_ascii_case("apikey") && found.replace(text.trim()).is_some() {
            return Err(KeyRefusal::Malformed);
        }
    }
    Ok(found)
}

/// The live key of whoever sends these headers from this address; `None` when there is no key in them. It counts as
/// a use of the key.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    address: ClientAddress,
) -> Result<Option<LiveKey>, Error<KeyRefusal>> {
    let Some(text) = presented(headers)? else {
        return Ok(None);
    };
    match verify_limited(app, text, address).await? {
        Ok(key) => Ok(Some(key)),
        Err(Unusable::TooMany(wait)) => Err(KeyRefusal::TooMany(wait).into()),
        Err(_) => Err(KeyRefusal::Invalid.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_key_is_taken_from_one_header() {
        for (pairs, outcome) in [
            (vec![], Some(None)),
            (vec![("x-api-key", "k")], Some(Some("k"))),
            (vec![("authorization", "ApiKey k")], Some(Some("k"))),
            (vec![("authorization", "apikey  k ")], Some(Some("k"))),
            (vec![("authorization", "Bearer k")], Some(None)),
            (vec![("x-api-key", "k"), ("x-api-key", "k")], None),
            (vec![("x-api-key", "k"), ("authorization", "ApiKey k")], None),
        ] {
            assert_eq!(presented(&headers(&pairs)).ok(), outcome, "{pairs:?}");
        }
    }
}
