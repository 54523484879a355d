//! A handler refuses, in the words of its surface, or fails; here is what either looks like on the wire.

use std::borrow::Cow;
use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::error::{ErrorCode, OAuthError};
use protocol::session::Acr;
use serde_json::{Map, Value, json};
use store::StoreError;

use crate::passwords;
use crate::rate_limit::RetryAfter;
use crate::refusals::Told;
use crate::web::request_id;

/// Any failure of ours.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a handler has no good answer.
#[derive(Debug)]
pub enum Error<R> {
    /// The caller's fault; told why.
    Refused(R),
    /// Ours; logged with its causes, told nothing.
    Failed(BoxError),
}

impl<R> Error<R> {
    /// A failure of ours.
    pub fn failed(error: impl Into<BoxError>) -> Error<R> {
        Error::Failed(error.into())
    }

    /// The same outcome in the words of another surface.
    pub fn map_refusal<S>(self, words: impl FnOnce(R) -> S) -> Error<S> {
        match self {
            Error::Refused(refusal) => Error::Refused(words(refusal)),
            Error::Failed(error) => Error::Failed(error),
        }
    }
}

macro_rules! failures {
    ($($error:ty),* $(,)?) => {$(
        impl<R> From<$error> for Error<R> {
            fn from(error: $error) -> Self {
                Error::Failed(error.into())
            }
        }
    )*};
}

failures!(
    StoreError,
    passwords::Busy,
    BoxError,
    serde_json::Error,
    protocol::jose::JoseError
);

macro_rules! refusals {
    ($($refusal:ty),* $(,)?) => {$(
        impl From<$refusal> for Error<$refusal> {
            fn from(refusal: $refusal) -> Self {
                Error::Refused(refusal)
            }
        }
    )*};
}

refusals!(OAuthError, TokenRefusal, BearerRefusal, Problem);

/// What a failure is to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something broke.
    Broken,
    /// Something is full or away; it is worth trying again in a second.
    Busy,
}

impl Failure {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Failure::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The registered error code.
    pub fn code(self) -> ErrorCode {
        match self {
            Failure::Broken => ErrorCode::ServerError,
            Failure::Busy => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// Tells what an error is to the caller, and logs it: called once, where it becomes a response.
    pub fn report(error: &(dyn StdError + Send + Sync + 'static)) -> Failure {
        let busy = matches!(
            error.downcast_ref::<StoreError>(),
            Some(StoreError::Busy | StoreError::Unavailable(_) | StoreError::Closed)
        ) || error.is::<passwords::Busy>();
        let id = request_id::current();
        let request_id = id.as_ref().map_or("", request_id::RequestId::as_str);
        if busy {
            tracing::warn!(request.id = request_id, "cannot answer now: {}", chain(error));
            Failure::Busy
        } else {
            tracing::error!(request.id = request_id, "request failed: {}", chain(error));
            Failure::Broken
        }
    }
}

/// An error and its causes in one line.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What a surface says when it refuses, and when the server fails it.
pub trait Refusal: IntoResponse {
    /// The answer to a failure; the same for every cause.
    fn failure(failure: Failure) -> Response {
        oauth_json(failure.status(), &json!({ "error": failure.code().as_str() }))
    }
}

impl<R: Refusal> IntoResponse for Error<R> {
    fn into_response(self) -> Response {
        let error = match self {
            Error::Refused(refusal) => return refusal.into_response(),
            Error::Failed(error) => error,
        };
        let failure = Failure::report(error.as_ref());
        let mut response = R::failure(failure);
        if failure == Failure::Busy {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn oauth_json(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, body.to_string()).into_response()
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST)
}

/// A refusal of an endpoint that clients call directly (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The refusal.
    pub error: OAuthError,
    /// Whether a client that is not authenticated is told the scheme: always when it used the Authorization header.
    pub basic: bool,
    /// How long to wait, when the refusal is for asking too often.
    pub retry_after: Option<RetryAfter>,
    /// What the client is not told, and whoever runs the server may want to know.
    pub cause: Option<&'static str>,
}

impl TokenRefusal {
    /// 429 (RFC 6585 §4), in the shape that OAuth clients read.
    pub fn too_many(retry_after: impl Into<RetryAfter>) -> TokenRefusal {
        TokenRefusal {
            error: OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many requests, try again later",
            ),
            basic: false,
            retry_after: Some(retry_after.into()),
            cause: None,
        }
    }
}

impl From<OAuthError> for TokenRefusal {
    fn from(error: OAuthError) -> Self {
        TokenRefusal {
            error,
            basic: false,
            retry_after: None,
            cause: None,
        }
    }
}

impl From<OAuthError> for Error<TokenRefusal> {
    fn from(error: OAuthError) -> Self {
        Error::Refused(error.into())
    }
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        let told = Told::from(&self.error).because(self.cause);
        let OAuthError { code, description } = self.error;
        let status = match self.retry_after {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            // A 401 names a scheme, and what a page sends without one must not have the browser ask for a password.
            None if code == ErrorCode::InvalidClient && !self.basic => StatusCode::BAD_REQUEST,
            None => status_of(code),
        };
        let body = json!({ "error": code.as_str(), "error_description": description });
        let mut response = oauth_json(status, &body);
        if let Some(RetryAfter(seconds)) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if self.basic && status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"chancery\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        told.beside(response)
    }
}

impl Refusal for TokenRefusal {}

impl From<Error<OAuthError>> for Error<TokenRefusal> {
    fn from(error: Error<OAuthError>) -> Self {
        error.map_refusal(TokenRefusal::from)
    }
}

/// A refusal of a resource that takes bearer tokens (RFC 6750 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BearerRefusal {
    /// No token was sent, so nothing is said about one.
    NoToken,
    /// What is wrong with the token or the request.
    Wrong(OAuthError),
    /// The token lacks these scopes.
    InsufficientScope(String),
    /// The account holder must prove more, or prove it anew (RFC 9470 §3).
    InsufficientAuthentication {
        /// How old the proof may be, in seconds.
        max_age: i64,
        /// The class that must be reached.
        acr: Option<Acr>,
    },
}

impl From<OAuthError> for BearerRefusal {
    fn from(error: OAuthError) -> Self {
        BearerRefusal::Wrong(error)
    }
}

impl From<OAuthError> for Error<BearerRefusal> {
    fn from(error: OAuthError) -> Self {
        Error::Refused(error.into())
    }
}

impl IntoResponse for BearerRefusal {
    fn into_response(self) -> Response {
        let told = Told::from(&self);
        let (status, challenge, body) = match self {
            BearerRefusal::NoToken => (
                StatusCode::UNAUTHORIZED,
                "Bearer realm=\"chancery\"".to_owned(),
                None,
            ),
            BearerRefusal::Wrong(error) => bearer(error.code, &error.description, None),
            BearerRefusal::InsufficientScope(scope) => bearer(
                ErrorCode::InsufficientScope,
                "the token lacks a scope",
                Some(&scope),
            ),
            BearerRefusal::InsufficientAuthentication { max_age, acr } => step_up(max_age, acr),
        };
        let mut response = match body {
            Some(body) => oauth_json(status, &body),
            None => (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response(),
        };
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        told.beside(response)
    }
}

impl From<&BearerRefusal> for Told {
    fn from(refusal: &BearerRefusal) -> Told {
        match refusal {
            BearerRefusal::NoToken => Told::new("no_token", "no access token was sent"),
            BearerRefusal::Wrong(error) => Told::from(error),
            BearerRefusal::InsufficientScope(_) => {
                Told::new(ErrorCode::InsufficientScope.as_str(), "the token lacks a scope")
            }
            BearerRefusal::InsufficientAuthentication { .. } => Told::new(
                ErrorCode::InsufficientUserAuthentication.as_str(),
                "a fresh or stronger sign-in is needed",
            ),
        }
    }
}

fn bearer(code: ErrorCode, description: &str, scope: Option<&str>) -> (StatusCode, String, Option<Value>) {
    let mut challenge = format!(
        "Bearer realm=\"chancery\", error=\"{}\", error_description=\"{}\"",
        code.as_str(),
        quotable(description)
    );
    if let Some(scope) = scope {
        challenge.push_str(&format!(", scope=\"{}\"", quotable(scope)));
    }
    let body = json!({ "error": code.as_str(), "error_description": description });
    (status_of(code), challenge, Some(body))
}

fn step_up(max_age: i64, acr: Option<Acr>) -> (StatusCode, String, Option<Value>) {
    let (status, mut challenge, body) = bearer(
        ErrorCode::InsufficientUserAuthentication,
        "a fresh or stronger sign-in is needed",
        None,
    );
    if let Some(acr) = acr {
        challenge.push_str(&format!(", acr_values=\"{}\"", acr.as_str()));
    }
    challenge.push_str(&format!(", max_age=\"{max_age}\""));
    (status, challenge, body)
}

/// The characters that RFC 6750 §3 allows between the quotes.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
        .collect()
}

impl Refusal for BearerRefusal {}

/// A refusal of a JSON API (RFC 9457).
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// What was wrong with the request.
    pub detail: Cow<'static, str>,
    /// Further members.
    pub members: Map<String, Value>,
}

impl Problem {
    /// A problem that its status names.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
            members: Map::new(),
        }
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// 404.
    pub fn not_found() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is no such thing here")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("type".into(), "about:blank".into());
        body.insert(
            "title".into(),
            self.status.canonical_reason().unwrap_or("Error").into(),
        );
        body.insert("status".into(), self.status.as_u16().into());
        if !self.detail.is_empty() {
            body.insert("detail".into(), self.detail.into());
        }
        if let Some(id) = request_id::current() {
            body.insert("request_id".into(), id.as_str().into());
        }
        body.extend(self.members);
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.status, headers, Value::Object(body).to_string()).into_response()
    }
}

impl Refusal for Problem {
    fn failure(failure: Failure) -> Response {
        Problem::new(failure.status(), "")
            .with("error", failure.code().as_str())
            .into_response()
    }
}

#[cfg(test)]
mod tests;
