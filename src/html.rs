//! Pages as answers, refusals among them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::browser;
use crate::error::{BoxError, Failure};
use crate::pages::{Locale, Message, Page};
use crate::web::form::{self, Params};
use crate::web::{csrf, request_id};

/// The language for a browser, or for a request that names its own.
pub fn locale(app: &App, headers: &HeaderMap, ui_locales: Option<&str>) -> Locale {
    app.pages.locale(
        ui_locales,
        headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok()),
    )
}

/// A page with the policy that fits it, kept by no cache.
pub fn page(app: &App, locale: Locale, status: StatusCode, page: &Page<'_>) -> Response {
    let rendered = app.pages.render(locale, page);
    let mut answer = (status, rendered.html).into_response();
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::try_from(rendered.csp) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The page for what does not exist.
pub async fn not_found(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let (status, message) = (StatusCode::NOT_FOUND, Message::NotFound);
    refuse(&app, &headers, status, "not_found", message)
}

/// A refusal for the person in front of the browser; it leads nowhere.
pub fn refuse(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    code: &str,
    message: Message<'_>,
) -> Response {
    refuse_with_link(app, headers, status, code, message, None)
}

/// A refusal that leads back to a sign-in, where there is one.
pub fn refuse_with_link(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    code: &str,
    message: Message<'_>,
    sign_in: Option<&str>,
) -> Response {
    let id = request_id::current().unwrap_or_default();
    let error = Page::Error {
        status: status.as_u16(),
        code,
        message,
        request_id: id.as_str(),
        sign_in,
    };
    page(app, locale(app, headers, None), status, &error)
}

/// A failure of ours: logged, and told as nothing but the id of the request.
pub fn fail(app: &App, headers: &HeaderMap, error: impl Into<BoxError>) -> Response {
    let failure = Failure::report(error.into().as_ref());
    let message = match failure {
        Failure::Broken => Message::Internal,
        Failure::Busy => Message::Busy,
    };
    let mut answer = refuse(app, headers, failure.status(), failure.code().as_str(), message);
    if failure == Failure::Busy {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// Whether a form was sent from a page of ours in this browser.
pub fn is_ours(app: &App, headers: &HeaderMap, sent: Option<&str>) -> bool {
    let Some(binding) = browser::csrf_binding(app, headers) else {
        return false;
    };
    csrf::same_origin(headers, &app.origin) && csrf::matches(&app.csrf_key, &binding, sent)
}

/// The form of a POST that came from a page of ours in this browser; only what `repeatable` names may come twice.
pub async fn own_form(app: &App, request: Request, repeatable: &[&str]) -> Result<Params, Response> {
    let headers = request.headers().clone();
    let refuse = |status, code, message| refuse(app, &headers, status, code, message);
    if !form::is_form(&headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(refuse(status, "invalid_request", Message::Forgery));
    }
    let Ok(form) = form::read(request, repeatable).await else {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Message::Forgery,
        ));
    };
    if !is_ours(app, &headers, form.get("csrf")) {
        return Err(refuse(StatusCode::FORBIDDEN, "access_denied", Message::Forgery));
    }
    Ok(form)
}

/// The token of a form for the browser with this mark.
pub fn csrf_token(app: &App, mark: &str) -> String {
    csrf::token(&app.csrf_key, &browser::fingerprint(mark))
}

/// Sends the browser on with a GET (RFC 9110 §15.4.4).
pub fn see_other(location: &str) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::try_from(location) {
        Ok(location) => {
            answer.headers_mut().insert(header::LOCATION, location);
            answer
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Err(_) => *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    answer
}
