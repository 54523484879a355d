//! `/admin`: the console, in which administrators do in a browser what the operations of `administration` allow them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;

use crate::administration::{self, Target};
use crate::app::App;
use crate::html;
use crate::web::deferred::deferred;

mod audit;
mod client_form;
mod clients;
mod connect;
mod desk;
mod diagnosis;
mod keys;
mod overview;
mod pager;
mod permissions;
mod requests;
mod roles;
mod scopes;
mod sessions;
mod user_acts;
mod user_form;
mod users;
mod watch;

use desk::{Denied, Desk};

/// An answer, or what keeps a page from being one.
type Answer = Result<Response, Response>;

/// Routes of the console.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let app = app.clone();
    deferred(&["/admin"], move || router(&app).with_state(app.clone()))
}

fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/requests", get(requests::show))
        .merge(audit::routes())
        .merge(clients::routes())
        .merge(diagnosis::routes())
        .merge(keys::routes())
        .merge(roles::routes())
        .merge(scopes::routes())
        .merge(sessions::routes())
        .merge(users::routes())
        .route_layer(from_fn_with_state(app.clone(), record))
        .fallback(html::not_found)
}

/// Keeps refused changes on record.
async fn record(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let headers = request.headers().clone();
    let answer = next.run(request).await;
    let denied = answer.extensions().get::<Denied>().cloned();
    let Some(Denied { actor, refused }) = denied.filter(|_| method == Method::POST) else {
        return answer;
    };
    let of_account = path
        .strip_prefix("/admin/users/")
        .and_then(|rest| rest.split('/').next());
    let target = Target {
        account: of_account
            .and_then(|id| uuid::Uuid::try_parse(id).ok())
            .map(protocol::id::AccountId),
        operation: Some(format!("{method} {path}")),
    };
    match administration::denied_about(&app, &actor, administration::REFUSED, &refused, target).await {
        Ok(()) => answer,
        Err(error) => html::fail(&app, &headers, error),
    }
}
