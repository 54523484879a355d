//! The door: which permission an operation needs is in its description, who calls is in the token. What has no
//! description is not done, and a refused change is on record.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::id::AccountId;
use protocol::permission;
use utoipa::IntoParams;
use utoipa::openapi::OpenApi;
use uuid::Uuid;

use crate::administration::{self, Actor, Refused, Target};
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::web::client_ip::ClientAddress;

/// Whoever calls, once they passed the door.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error<ApiRefusal>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Error::failed("an operation is not behind the door"))
    }
}

/// What an operation says of itself.
#[derive(Clone, Copy, Debug)]
struct Described {
    /// The permission it needs, where one is known.
    permission: Option<&'static str>,
    /// Whether it evaluates `If-Match`.
    takes_if_match: bool,
}

/// The operations by path and method.
type Operations = BTreeMap<String, BTreeMap<Method, Described>>;

/// What the door needs.
pub(super) struct Door {
    app: Arc<App>,
    operations: Operations,
}

impl Door {
    /// The door of the operations of a document whose paths begin at `root`.
    pub(super) fn new(app: Arc<App>, document: &OpenApi, root: &str) -> Door {
        let mut operations = Operations::new();
        for (path, item) in &document.paths.paths {
            let described = super::openapi::operations(item).into_iter();
            let known = described.map(|(method, operation)| {
                let described = Described {
                    permission: super::openapi::permission(operation),
                    takes_if_match: super::openapi::takes_header(operation, IF_MATCH),
                };
                (method, described)
            });
            operations.insert(format!("{root}{path}"), known.collect());
        }
        Door { app, operations }
    }
}

/// Lets in whoever holds the permission of the operation.
pub(super) async fn guard(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let Some(methods) = path.as_ref().and_then(|path| door.operations.get(path)) else {
        return Problem::not_found().into_response();
    };
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        method => method.clone(),
    };
    let Some(described) = methods.get(&method) else {
        return not_allowed(methods.keys());
    };
    let address = ClientAddress::of(request.extensions());
    let caller = administration::authenticate(&door.app, request.headers(), request.uri(), address).await;
    let actor = match caller {
        Ok(actor) => actor,
        Err(error) => return error.into_response(),
    };
    let target = target(&method, request.uri().path());
    let allowed = match described.permission {
        Some(needed) => actor.require(needed),
        None => Err(Refused::Forbidden(permission::ALL)),
    };
    let allowed = allowed.and_then(|()| check_preconditions(&method, request.headers(), described));
    let response = match allowed {
        Ok(()) => {
            request.extensions_mut().insert(Caller(actor.clone()));
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    };
    let refused = response.extensions().get::<Refused>();
    if let Some(refused) = refused.filter(|_| method != Method::GET) {
        let noted =
            administration::denied_about(&door.app, &actor, administration::REFUSED, refused, target).await;
        if let Err(error) = noted {
            return Error::<ApiRefusal>::from(error).into_response();
        }
    }
    response
}

/// Refuses a condition that nothing evaluates: the change would be made whether it holds or not.
fn check_preconditions(method: &Method, headers: &HeaderMap, described: &Described) -> Result<(), Refused> {
    let ignored = if method == Method::GET {
        None
    } else if headers.contains_key(header::IF_NONE_MATCH) {
        Some("If-None-Match")
    } else if headers.contains_key(header::IF_MATCH) && !described.takes_if_match {
        Some(IF_MATCH)
    } else {
        None
    };
    match ignored {
        Some(name) => Err(Refused::invalid(name, format!("this operation takes no {name}"))),
        None => Ok(()),
    }
}

fn target(method: &Method, path: &str) -> Target {
    let account = path
        .split_once("/accounts/")
        .and_then(|(_, rest)| Uuid::parse_str(rest.split('/').next()?).ok());
    Target {
        account: account.map(AccountId),
        operation: Some(format!("{method} {path}")),
    }
}

/// 405 with what would be allowed.
fn not_allowed<'a>(methods: impl Iterator<Item = &'a Method>) -> Response {
    let allowed: Vec<&str> = methods.map(Method::as_str).collect();
    let mut answer =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is not done that way").into_response();
    if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

/// A part of the path; one that cannot be is of nothing that exists.
#[derive(Clone, Debug)]
pub(super) struct At<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for At<T>
where
    T: serde::de::DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(found)) => Ok(At(found)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

pub(super) const IF_MATCH: &str = "If-Match";

/// Describes the header of operations that evaluate it. Those that take [`Conditions`] and change something name it
/// among their parameters, for the door refuses it elsewhere.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes what is read by hand")]
pub(super) struct IfMatch {
    /// The entity tags of the versions that may be changed.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// The headers that make a request conditional.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    /// `If-Match`.
    pub(super) expected: administration::Expected,
    /// `If-None-Match`: the versions the caller has.
    pub(super) known: Vec<String>,
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Error<ApiRefusal>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error<ApiRefusal>> {
        Ok(super::etag::conditions(&parts.headers)?)
    }
}
