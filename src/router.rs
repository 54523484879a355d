//! All routes: nests the surfaces behind one layer, nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::document::Document;
use crate::pages::Page;
use crate::web::{self, Settings};
use crate::{access, account, admin, browser, console, html, login, oauth, scim};

/// The server as one service.
pub fn router(app: Arc<App>) -> Router {
    let settings = Settings {
        https: app.is_https(),
        issuer_origin: app.origin.clone(),
        trusted_proxies: app.config.server.trusted_proxies.clone(),
        limits: Some(app.limits.clone()),
        refusals: Some(app.refusals.clone()),
    };
    let mut routes = Router::new()
        .merge(oauth::routes())
        .merge(login::routes())
        .merge(account::routes(&app))
        .merge(access::routes())
        .merge(console::routes(&app))
        .merge(admin::routes(&app))
        .route("/", get(home))
        .route("/health/live", get(async || "ok"))
        .route("/health/ready", get(ready))
        .fallback(html::not_found);
    if app.config.scim.enabled {
        routes = routes.merge(scim::routes(&app));
    }
    for asset in app.pages.assets() {
        let document = Document::new(
            asset.bytes.clone().into_owned(),
            asset.content_type,
            "public, max-age=31536000, immutable",
        );
        routes = routes.route(
            &asset.path,
            get(async move |headers: HeaderMap| document.answer(&headers)),
        );
    }
    web::layers(routes, settings).with_state(app)
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match browser::session(&app, &headers).await {
        Ok(current) => {
            let page = Page::Home {
                signed_in: current.is_some(),
            };
            html::page(&app, html::locale(&app, &headers, None), StatusCode::OK, &page)
        }
        Err(error) => html::fail(&app, &headers, error),
    }
}

/// Whether the server takes requests and the database answers.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let why = if app.tasks.is_closed() {
        "the server is stopping"
    } else {
        match app.store.ping().await {
            Ok(()) => return "ok".into_response(),
            Err(error) => {
                tracing::warn!(%error, "not ready: the database does not answer");
                "the database does not answer"
            }
        }
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], why).into_response()
}
