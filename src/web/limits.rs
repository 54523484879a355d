//! How large and how slow a request may be, checked before any handler sees it.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, StatusCode, Version};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::form;
use crate::error::Problem;

/// Bytes of a form.
pub const FORM_BYTES: usize = 64 * 1024;
/// Bytes of any other body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Parameters of a form or query.
pub const PARAMETERS: usize = 100;
/// Bytes of a request's URI.
pub const URI_BYTES: usize = 16 * 1024;
/// Bytes of all header names and values.
pub const HEADER_BYTES: usize = 32 * 1024;
/// Headers of a request.
pub const HEADERS: usize = 100;
/// Time to send the headers, and to agree on TLS.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time to send the body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a handler to answer.
pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for a client to take in what was written.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for requests under way when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections at one time.
pub const CONNECTIONS: usize = 4096;

/// Refuses a request whose head is too large or ambiguous.
pub fn check_head(request: &Request) -> Result<(), Problem> {
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length + uri.authority().map_or(0, |authority| authority.as_str().len()) > URI_BYTES {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    // PostgreSQL keeps no NUL in text, so nothing has a name with one.
    if uri.path().contains("%00") {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "the path contains a NUL character",
        ));
    }
    let headers = request.headers();
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > HEADER_BYTES || headers.len() > HEADERS {
        return Err(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers are too large",
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    // HTTP/2 names the host in the URI, and HTTP/1.0 may name none (RFC 9112 §3.2).
    let needed = request.version() == Version::HTTP_11 && uri.authority().is_none();
    let named = hosts.next();
    if hosts.next().is_some() || (needed && named.is_none()) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "there must be one Host header",
        ));
    }
    if !named.is_none_or(is_host) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "the Host header names no host",
        ));
    }
    Ok(())
}

/// Whether a `Host` header names a host, with a port or without.
fn is_host(value: &HeaderValue) -> bool {
    Authority::try_from(value.as_bytes()).is_ok_and(|named| !named.as_str().contains('@'))
}

/// Reads the body, so that a slow or endless one costs no handler any time. Gives it beside the request too.
pub async fn read_body(request: Request) -> Result<(Request, Bytes), Problem> {
    if request.body().is_end_stream() {
        return Ok((request, Bytes::new()));
    }
    let limit = if form::is_form(request.headers()) {
        FORM_BYTES
    } else {
        BODY_BYTES
    };
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let body = collect(body, limit).await?;
    Ok((Request::from_parts(head, Body::from(body.clone())), body))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body was cut off")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long",
        )),
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
}
