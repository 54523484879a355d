//! What every surface shares: the way into a handler and out again, and the parts that handlers use.

pub mod client_ip;
pub mod cookies;
pub mod cors;
pub mod csrf;
pub(crate) mod deferred;
pub mod form;
pub mod limits;
pub mod media_type;
pub mod request_id;
pub mod security_headers;
pub mod server;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use ipnet::IpNet;

use crate::error::Problem;
use crate::rate_limit::{Limit, RateLimits};
use crate::refusals::{Refusals, Sent, Told};
use client_ip::ClientAddress;
use request_id::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the way in and out depends on.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether the issuer's scheme is https.
    pub https: bool,
    /// Scheme, host and port of the issuer.
    pub issuer_origin: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many requests a network may make.
    pub limits: Option<RateLimits>,
    /// Where refused OAuth requests are remembered.
    pub refusals: Option<Arc<Refusals>>,
}

/// Puts every route behind one layer: an id, limits, a time limit, panics caught, security headers, a log line.
pub fn layers<S: Clone + Send + Sync + 'static>(router: Router<S>, settings: Settings) -> Router<S> {
    router.layer(from_fn_with_state(Arc::new(settings), guard))
}

/// One function rather than a tower of layers: each layer would cost every request an allocation or two.
async fn guard(State(settings): State<Arc<Settings>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new();
    let peer = client_ip::peer(request.extensions());
    let address = client_ip::client_address(peer, request.headers(), &settings.trusted_proxies);
    request.extensions_mut().insert(id);
    request.extensions_mut().insert(address);
    let line = Line::of(&request);

    let answered = async {
        match too_many(&settings, &request, address) {
            Some(refusal) => refusal,
            None => answer(&settings, request, next).await,
        }
    };
    let mut response = request_id::CURRENT.scope(id, answered).await;

    security_headers::add(response.headers_mut(), settings.https);
    // A surface may give the caller its own identifier back.
    let told = response.headers_mut().entry(X_REQUEST_ID);
    told.or_insert_with(|| id.to_header());
    line.write(&id, &response, started);
    response
}

/// The refusal of a network that asks too much. Who asks whether the server is well is always answered.
fn too_many(settings: &Settings, request: &Request, address: ClientAddress) -> Option<Response> {
    let limits = settings.limits.as_ref()?;
    if request.uri().path().starts_with("/health/") {
        return None;
    }
    let verdict = limits.take_request(address.0);
    let retry_after = verdict.allowed().err()?;
    let mut response = retry_after.into_response();
    verdict.describe(Limit::Requests, response.headers_mut());
    Some(response)
}

async fn answer(settings: &Settings, request: Request, next: Next) -> Response {
    if let Err(refusal) = limits::check_head(&request) {
        return refusal.into_response();
    }
    let (request, body) = match limits::read_body(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    let refusals = settings.refusals.as_ref();
    let sent = refusals.and_then(|refusals| Some((refusals, Sent::of(&request, &body)?)));
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(limits::HANDLER_TIMEOUT, handler).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => return panicked(panic.as_ref()),
        Err(_) => return timed_out(),
    };
    if let Some((refusals, sent)) = sent
        && let Some(told) = response.extensions_mut().remove::<Told>()
    {
        refusals.note(request_id::current().unwrap_or_default(), &sent, &told);
    }
    response
}

/// Refuses `HEAD` where a `GET` does something: whoever asks for no answer must change nothing.
pub(crate) async fn no_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(http::header::ALLOW, "GET")]).into_response()
}

/// An answer that says nothing but the id of the request.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("?");
    let id = request_id::current().unwrap_or_default();
    tracing::error!(request.id = id.as_str(), "a handler panicked: {text}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "")
        .with("error", "server_error")
        .into_response()
}

fn timed_out() -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "this took too long, try again")
        .with("error", "temporarily_unavailable");
    let mut response = problem.into_response();
    response
        .headers_mut()
        .insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The log line of a request: never its query, which may hold codes and names.
struct Line {
    method: Method,
    path: Option<MatchedPath>,
}

impl Line {
    fn of(request: &Request) -> Line {
        Line {
            method: request.method().clone(),
            path: request.extensions().get::<MatchedPath>().cloned(),
        }
    }

    /// Quiet for what went well: writing a line costs more than many an answer.
    fn write(&self, id: &RequestId, answer: &Response, started: Instant) {
        let status = answer.status();
        let path = answer.extensions().get().or(self.path.as_ref());
        let path = path.map_or("-", MatchedPath::as_str);
        let method = self.method.as_str();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "chancery::access",
                    method,
                    request.id = id.as_str(),
                    path,
                    status = status.as_u16(),
                    ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "answered"
                )
            };
        }
        if status.is_server_error() {
            line!(warn);
        } else if status.is_client_error() {
            line!(info);
        } else {
            line!(debug);
        }
    }
}

#[cfg(test)]
mod tests;
