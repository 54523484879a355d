//! The way into the Authorization API and out again (AuthZEN §10): a caller that may ask, a body of JSON, and the
//! caller's own identifier of the request in the answer.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use protocol::access::request::Malformed;
use protocol::permission::ACCESS_EVALUATE;
use serde::Serialize;

use crate::administration;
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::web::client_ip::ClientAddress;
use crate::web::media_type;

/// More than a hundred questions need.
const MAX_BYTES: usize = 256 * 1024;
/// The longest identifier that is given back.
const MAX_ID_BYTES: usize = 1024;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) type Answer = Result<Response, Error<ApiRefusal>>;

/// Lets a caller in who may ask, and reads what it asks.
async fn open(app: &App, request: Request) -> Result<Bytes, Error<ApiRefusal>> {
    let address = ClientAddress::of(request.extensions());
    let actor = administration::authenticate(app, request.headers(), request.uri(), address).await?;
    actor.require(ACCESS_EVALUATE).map_err(Problem::from)?;
    if !media_type::is(request.headers(), &[media_type::JSON]) {
        return Err(bad("the body must be application/json").into());
    }
    let body = to_bytes(request.into_body(), MAX_BYTES).await;
    let too_large = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    Ok(body.map_err(too_large)?)
}

/// Answers a request of the API.
pub(super) async fn answer(
    app: &App,
    request: Request,
    decide: impl AsyncFnOnce(Bytes) -> Answer,
) -> Response {
    let id = request.headers().get(X_REQUEST_ID).cloned();
    let answer = match open(app, request).await {
        Ok(body) => decide(body).await,
        Err(error) => Err(error),
    };
    let mut answer = answer.into_response();
    if let Some(id) = id.filter(|id| id.len() <= MAX_ID_BYTES) {
        answer.headers_mut().insert(X_REQUEST_ID, id);
    }
    answer
}

/// JSON that nobody keeps.
pub(super) fn shown(value: &impl Serialize) -> Answer {
    let mut answer = Response::new(Body::from(serde_json::to_vec(value)?));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// What is wrong with the body.
pub(super) fn malformed(wrong: Malformed) -> Error<ApiRefusal> {
    let Malformed { member, problem } = wrong;
    bad(format!("{member}: {problem}")).with("member", member).into()
}

pub(super) fn bad(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}
