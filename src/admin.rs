//! `/api/admin/v1`: administration for programs. Every operation is described together with the permission it needs;
//! the description is the door (see `caller`), the rules are in `administration`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{Error, Problem};
use crate::web::deferred::deferred;
use caller::Door;

mod access;
mod accounts;
mod api_keys;
mod audit;
mod audit_chain;
mod body;
mod caller;
mod clients;
mod diagnosis;
mod etag;
mod grants;
mod import;
mod keys;
mod listing;
mod openapi;
mod plain;
mod privacy;
mod refusals;
mod resource_servers;
mod roles;
mod scopes;
mod sessions;
mod statistics;
mod upstreams;

/// Where the API is.
const ROOT: &str = "/api/admin/v1";

/// What an operation answers.
type Answer = Result<Response, Error<ApiRefusal>>;

/// All operations, each with its description.
fn operations() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::blank())
        .merge(access::operations())
        .merge(accounts::operations())
        .merge(grants::operations())
        .merge(sessions::operations())
        .merge(roles::operations())
        .merge(scopes::operations())
        .merge(resource_servers::operations())
        .merge(clients::operations())
        .merge(keys::operations())
        .merge(api_keys::operations())
        .merge(upstreams::operations())
        .merge(audit::operations())
        .merge(privacy::operations())
        .merge(import::operations())
        .merge(statistics::operations())
        .merge(refusals::operations())
        .merge(audit_chain::operations())
        .merge(diagnosis::operations())
}

/// Routes of the API.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let app = app.clone();
    deferred(&[ROOT], move || router(&app).with_state(app.clone()))
}

fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let (router, mut document) = operations().split_for_parts();
    openapi::complete(&mut document);
    let door = Arc::new(Door::new(app.clone(), &document, ROOT));
    let described = Arc::new(openapi::document(app, document, ROOT));
    let show = async move |State(_): State<Arc<App>>| openapi::answer(described.as_ref().as_ref());
    let router = router
        .route_layer(from_fn_with_state(door, caller::guard))
        .route("/openapi.json", get(show))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this is not done that way")
        })
        .layer(map_response(private));
    Router::new().nest(ROOT, router)
}

/// Nobody keeps an answer.
async fn private(mut answer: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
    answer
}
