//! The protocol endpoints.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::{bearer, web};

mod authorize;
mod client_auth;
mod grants;
mod introspect;
mod issue;
mod logout;
mod metadata;
mod revoke;
mod token;
mod userinfo;

/// Routes of the protocol endpoints.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(metadata::document).options(metadata::preflight),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(metadata::document).options(metadata::preflight),
        )
        .route("/jwks.json", get(metadata::jwks).options(metadata::preflight))
        .route(
            "/authorize",
            get(authorize::start_by_get)
                .post(authorize::start_by_post)
                .head(web::no_head),
        )
        .route(
            "/authorize/{interaction}",
            get(authorize::resume).head(web::no_head),
        )
        .route("/token", post(token::token).options(token::preflight))
        .route(
            "/userinfo",
            get(userinfo::by_get)
                .post(userinfo::by_post)
                .options(token::preflight),
        )
        .route("/introspect", post(introspect::introspect))
        .route("/revoke", post(revoke::revoke).options(token::preflight))
        .route(
            "/logout",
            get(logout::by_get).post(logout::by_post).head(web::no_head),
        )
}
