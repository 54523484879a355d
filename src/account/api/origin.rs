//! Pages of other origins that call the API: those that the token's client has registered, and no others. Cookies
//! mean nothing here, so a page can do no more than what the token lets it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::bearer;
use crate::web::cors;

/// Answers what browsers ask before a request, and says with each answer who may read it.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let Some(origin) = cors::origin(headers).map(str::to_owned) else {
        return next.run(request).await;
    };
    if request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let mut answer = cors::preflight(headers, true);
        let methods = HeaderValue::from_static("GET, POST, PATCH, DELETE");
        answer
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        return answer;
    }
    let allowed = registered(&app, headers, &origin).await;
    let mut answer = next.run(request).await;
    cors::for_client(answer.headers_mut(), Some(&origin), allowed);
    answer
}

/// Whether the client that the token was issued to has this origin registered.
async fn registered(app: &App, headers: &HeaderMap, origin: &str) -> bool {
    let token = bearer::presented(headers, None)
        .ok()
        .and_then(|token| app.verified(token));
    let Some(token) = token else { return false };
    match app.client(&token.client_id.as_str().into()).await {
        Ok(client) => client.is_some_and(|client| client.client.allows_origin(origin)),
        Err(_) => false,
    }
}
