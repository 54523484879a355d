//! Surfaces that are put together at their first request: it takes milliseconds and memory, which a server need not spend
//! while nobody asks for them.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{MatchedPath, OriginalUri, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower::{ServiceExt as _, service_fn};

/// The routes that `make` gives, once somebody asks for anything under `roots`. Their paths are whole, and their answers
/// carry the [`MatchedPath`] of the route, which what is around them cannot see.
pub(crate) fn deferred<S>(
    roots: &[&str],
    make: impl Fn() -> Router + Clone + Send + Sync + 'static,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let made = Arc::new(OnceLock::new());
    let surface = service_fn(move |mut request: Request| {
        if let Some(OriginalUri(whole)) = request.extensions().get().cloned() {
            *request.uri_mut() = whole;
        }
        let router: &Router = made.get_or_init(|| make().route_layer(from_fn(tell_path)));
        router.clone().oneshot(request)
    });
    roots.iter().fold(Router::new(), |router, root| {
        router.nest(root, Router::new().fallback_service(surface.clone()))
    })
}

async fn tell_path(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    answer.extensions_mut().insert(path);
    answer
}
