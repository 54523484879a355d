//! `/recovery-codes`: new recovery codes, shown once, and as a file.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::browser::{self, Current};
use crate::factors::recovery::{self, Codes};
use crate::html;
use crate::pages::{Message, Page};
use crate::web::form;

/// The page that shows new codes and then leads to `next`.
pub(crate) fn page(
    app: &App,
    headers: &HeaderMap,
    current: &Current,
    codes: &Codes,
    next: &str,
    cookies: HeaderMap,
) -> Response {
    let shown: Vec<&str> = codes.iter().collect();
    let binding = browser::csrf_binding(app, headers).unwrap_or_default();
    let page = Page::RecoveryCodes {
        csrf: &crate::web::csrf::token(&app.csrf_key, &binding),
        codes: &shown,
        sealed: &recovery::seal(app, current, codes, next),
        next,
    };
    let locale = html::locale(app, headers, None);
    let mut answer = html::page(app, locale, StatusCode::OK, &page);
    answer.headers_mut().extend(cookies);
    answer
}

/// What a form of this session brought.
async fn open(app: &App, request: Request) -> Result<(HeaderMap, Current, Codes, String), Response> {
    let headers = request.headers().clone();
    let refusal = |status, code, message| html::refuse(app, &headers, status, code, message);
    let Ok(form) = form::read(request, &[]).await else {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Message::InvalidRequest,
        ));
    };
    if !html::is_ours(app, &headers, form.get("csrf")) {
        return Err(refusal(StatusCode::FORBIDDEN, "access_denied", Message::Forgery));
    }
    let current = match browser::session(app, &headers).await {
        Ok(current) => current,
        Err(error) => return Err(html::fail(app, &headers, error)),
    };
    let opened = current.and_then(|current| {
        let (codes, next) = recovery::open(app, &current, form.get("codes")?)?;
        Some((current, codes, next))
    });
    match opened {
        Some((current, codes, next)) => Ok((headers, current, codes, next)),
        None => Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            Message::Expired,
        )),
    }
}

/// `POST /recovery-codes`: shows what the script of a passkey page was given.
pub(crate) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match open(&app, request).await {
        Ok((headers, current, codes, next)) => {
            page(&app, &headers, &current, &codes, &next, HeaderMap::new())
        }
        Err(refusal) => refusal,
    }
}

/// `POST /recovery-codes/file`
pub(crate) async fn file(State(app): State<Arc<App>>, request: Request) -> Response {
    let codes = match open(&app, request).await {
        Ok((_, _, codes, _)) => codes,
        Err(refusal) => return refusal,
    };
    let mut text = format!("{}\n{}\n\n", app.config.branding.name, app.issuer());
    for code in codes.iter() {
        text.push_str(code);
        text.push('\n');
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"recovery-codes.txt\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}
