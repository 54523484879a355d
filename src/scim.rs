//! `/scim/v2`: accounts and groups for another directory to provision (RFC 7643, RFC 7644). Served only when the
//! configuration says so, to bearers of tokens with the scope `scim:provision`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use protocol::id::AccountId;
use protocol::permission::SCIM_PROVISION;
use protocol::scim::ScimError;
use uuid::Uuid;

use crate::administration::{self, Actor, Refused, Target};
use crate::app::App;
use crate::error::Error;
use crate::web::client_ip::ClientAddress;
use refusal::ScimRefusal;

mod answer;
mod discovery;
mod refusal;
mod request;
mod resources;

type Answer = Result<Response, Error<ScimRefusal>>;

/// Whoever provisions, let in.
#[derive(Clone)]
struct Caller(Actor);

/// Routes of the protocol.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let routes = Router::new()
        .merge(resources::routes())
        .merge(discovery::routes())
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is nothing here"))
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "this is not done that way")
        })
        .layer(from_fn_with_state(app.clone(), guard));
    Router::new().nest("/scim/v2", routes)
}

fn refuse(status: StatusCode, detail: &'static str) -> ScimRefusal {
    ScimError::status(status.as_u16(), detail).into()
}

/// Lets in whoever may provision, and puts on record what they were refused.
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let address = ClientAddress::of(request.extensions());
    let caller = administration::authenticate(&app, request.headers(), request.uri(), address).await;
    let actor = match caller {
        Ok(actor) => actor,
        Err(error) => return error.map_refusal(ScimRefusal::from).into_response(),
    };
    let changes = request.method() != Method::GET && !request.uri().path().ends_with("/.search");
    let target = target(request.method(), request.uri().path());
    let response = match actor.require(SCIM_PROVISION) {
        Ok(()) => {
            request.extensions_mut().insert(Caller(actor.clone()));
            next.run(request).await
        }
        Err(refused) => ScimRefusal::from(refused).into_response(),
    };
    let refused = response.extensions().get::<Refused>();
    if let Some(refused) = refused.filter(|_| changes) {
        let noted =
            administration::denied_about(&app, &actor, administration::REFUSED, refused, target).await;
        if let Err(error) = noted {
            return Error::<ScimRefusal>::from(error).into_response();
        }
    }
    response
}

fn target(method: &Method, path: &str) -> Target {
    let account = path
        .split_once("/Users/")
        .and_then(|(_, id)| Uuid::parse_str(id).ok());
    Target {
        account: account.map(AccountId),
        operation: Some(format!("{method} {path}")),
    }
}
