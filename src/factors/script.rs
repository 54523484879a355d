//! What the script of the passkey pages sends and gets: JSON, with the CSRF token in a header.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::passkeys::Challenge;
use crate::app::App;
use crate::error::Problem;
use crate::html;
use crate::web::media_type;

/// More than any answer of an authenticator needs.
const MAX_BYTES: usize = 64 * 1024;

const CSRF: &str = "x-csrf-token";

/// Reads a message of the script; what is not from a page of ours is refused. The request is given back as a GET
/// without a body, to be opened as a visit of the page it came from.
pub(crate) async fn read<T: DeserializeOwned>(app: &App, request: Request) -> Result<(T, Request), Response> {
    let (mut parts, body) = request.into_parts();
    if !html::is_ours(app, &parts.headers, text(&parts, CSRF)) {
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "this was not sent from a page of ours").into_response(),
        );
    }
    if !media_type::is(&parts.headers, &[media_type::JSON]) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON is expected").into_response());
    }
    let Ok(bytes) = to_bytes(body, MAX_BYTES).await else {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "that is too much").into_response());
    };
    let Ok(message) = serde_json::from_slice(&bytes) else {
        return Err(refused());
    };
    parts.method = Method::GET;
    Ok((message, Request::from_parts(parts, Body::empty())))
}

fn text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}

/// The one refusal of whatever does not prove what it should.
pub(crate) fn refused() -> Response {
    Problem::new(StatusCode::BAD_REQUEST, "the passkey was not accepted").into_response()
}

/// The options of a ceremony, or the refusal where there is none to begin.
pub(crate) fn challenge(challenge: Option<Challenge>) -> Response {
    match challenge {
        Some(challenge) => answer(&json!(challenge)),
        None => refused(),
    }
}

/// Tells the script where to go on.
pub(crate) fn go(location: &str, cookies: HeaderMap) -> Response {
    let mut answer = answer(&json!({ "location": location }));
    answer.headers_mut().extend(cookies);
    answer
}

/// Tells the script to show new recovery codes.
pub(crate) fn show_codes(sealed: &str, cookies: HeaderMap) -> Response {
    let mut answer = answer(&json!({ "codes": sealed }));
    answer.headers_mut().extend(cookies);
    answer
}

fn answer(body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body.to_string()).into_response()
}

/// A redirect for a page, told to a script.
pub(crate) fn redirect(answer: Response) -> Response {
    let location = answer
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    let Some(location) = location else { return answer };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "sign in again").with("location", location);
    let mut told = problem.into_response();
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        told.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    told
}
