//! One id per request, ours alone, by which an answer is found again in the log.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;

use crate::random;

const HEX: &[u8; 16] = b"0123456789abcdef";

tokio::task_local! {
    pub(super) static CURRENT: RequestId;
}

/// The id of a request: 128 random bits in hex, in the answer's `X-Request-Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 32]);

impl RequestId {
    /// A new id.
    pub fn new() -> RequestId {
        let bytes: [u8; 16] = random::bytes();
        let mut text = [b'0'; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = HEX.get(usize::from(value)).copied().unwrap_or(b'0');
            }
        }
        RequestId(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id as a header.
    pub fn to_header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("none"))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        RequestId::new()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of the request that this task answers.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(current().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hex_digits_and_differ() {
        let id = RequestId::new();
        assert_eq!(id.as_str().len(), 32);
        assert!(id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(id, RequestId::new());
        assert_eq!(id.to_header(), id.as_str());
    }
}
