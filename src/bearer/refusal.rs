//! Refusals of our own APIs: problem details, with a challenge where the token is at fault.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::administration::Refused;
use crate::error::{BearerRefusal, Error, Failure, Problem, Refusal};
use crate::rate_limit::{Exceeded, RetryAfter};

/// Why an API does not do what was asked.
#[derive(Debug)]
pub(crate) enum ApiRefusal {
    /// The token is missing, wrong or not enough.
    Bearer(BearerRefusal),
    /// The request is wrong.
    Problem(Problem),
    /// Too many requests.
    Wait(RetryAfter),
    /// Too much of something that is limited.
    Exceeded(Exceeded),
    /// The rules of administration are against it.
    Refused(Refused),
}

macro_rules! refusals {
    ($($variant:ident($refusal:ty)),*) => {$(
        impl From<$refusal> for ApiRefusal {
            fn from(refusal: $refusal) -> Self {
                ApiRefusal::$variant(refusal)
            }
        }

        impl From<$refusal> for Error<ApiRefusal> {
            fn from(refusal: $refusal) -> Self {
                Error::Refused(refusal.into())
            }
        }
    )*};
}

refusals!(
    Bearer(BearerRefusal),
    Problem(Problem),
    Wait(RetryAfter),
    Exceeded(Exceeded),
    Refused(Refused)
);

impl From<Error<BearerRefusal>> for Error<ApiRefusal> {
    fn from(error: Error<BearerRefusal>) -> Self {
        error.map_refusal(ApiRefusal::from)
    }
}

impl From<Error<Refused>> for Error<ApiRefusal> {
    fn from(error: Error<Refused>) -> Self {
        error.map_refusal(ApiRefusal::from)
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        match self {
            ApiRefusal::Bearer(refusal) => challenge(refusal),
            ApiRefusal::Problem(problem) => problem.into_response(),
            ApiRefusal::Wait(wait) => wait.into_response(),
            ApiRefusal::Exceeded(exceeded) => exceeded.into_response(),
            ApiRefusal::Refused(refused) => refused.into_response(),
        }
    }
}

impl Refusal for ApiRefusal {
    fn failure(failure: Failure) -> Response {
        Problem::failure(failure)
    }
}

/// The challenge as other resources give it (RFC 6750 §3), with a body like the rest of the API.
fn challenge(refusal: BearerRefusal) -> Response {
    let (detail, error) = match &refusal {
        BearerRefusal::NoToken => ("an access token is needed".into(), None),
        BearerRefusal::Wrong(error) => (error.description.clone(), Some(error.code.as_str())),
        BearerRefusal::InsufficientScope(_) => ("the token lacks a scope".into(), Some("insufficient_scope")),
        BearerRefusal::InsufficientAuthentication { .. } => (
            "a fresh or stronger sign-in is needed".into(),
            Some("insufficient_user_authentication"),
        ),
    };
    let plain = refusal.into_response();
    let mut problem = Problem::new(plain.status(), detail);
    if let Some(error) = error {
        problem = problem.with("error", error);
    }
    let mut answer = problem.into_response();
    let value = plain.headers().get(header::WWW_AUTHENTICATE);
    let value = value.cloned().unwrap_or(HeaderValue::from_static("Bearer"));
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    answer
}
