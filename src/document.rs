//! Documents made once per change and served as shared bytes with the tag that names them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::hex;

/// Bytes and their `ETag`.
#[derive(Clone, Debug)]
pub struct Document {
    body: Bytes,
    etag: HeaderValue,
    content_type: &'static str,
    cache: &'static str,
}

impl Document {
    /// Tags the bytes with their SHA-256; `cache` is the `Cache-Control` they are served with.
    pub fn new(body: impl Into<Bytes>, content_type: &'static str, cache: &'static str) -> Document {
        let body = body.into();
        let digest = Sha256::digest(&body);
        let hex = hex::encode(digest.get(..16).unwrap_or_default());
        let etag = HeaderValue::try_from(format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"-\""));
        Document {
            body,
            etag,
            content_type,
            cache,
        }
    }

    /// The answer to a request with these headers: the bytes, or 304 for who has them (RFC 9110 §13.1.2).
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let unchanged = request
            .get(header::IF_NONE_MATCH)
            .is_some_and(|tag| *tag == self.etag);
        let mut answer = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(Body::from(self.body.clone()))
        };
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        answer
    }
}
