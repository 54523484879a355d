//! `/account/privacy`: a copy of all data, and the end of the account.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use protocol::interaction::FRESH;
use store::{Conn, StoreError};

use super::Visit;
use super::email::mail_locale;
use crate::administration::Refused;
use crate::app::App;
use crate::audit::Event;
use crate::browser;
use crate::error::Error;
use crate::html;
use crate::pages::{AccountPart, DeletionError, EmailLinkState, Notice, NoticePage, Page};
use crate::privacy::{self, Kept, Left};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

const PAGE: &str = "/account/privacy";
const KEEP: &str = "/account/privacy/keep";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PAGE, get(show))
        .route("/account/privacy/export", post(export))
        .route("/account/privacy/delete", post(delete))
        .route(KEEP, get(show_keep).post(keep))
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visit::open(&app, request, PAGE, None).await {
        Ok(visit) => page(&app, &visit, StatusCode::OK, None),
        Err(answer) => answer,
    }
}

fn page(app: &App, visit: &Visit, status: StatusCode, error: Option<DeletionError>) -> Response {
    let grace = app.config.privacy.deletion_grace.as_secs();
    let page = Page::AccountPrivacy {
        frame: visit.frame(AccountPart::Privacy),
        days: (grace > 0).then_some(grace.saturating_add(86_399) / 86_400),
        has_email: visit.account.email.is_some(),
        error,
    };
    visit.page(app, status, &page)
}

/// Gives all data as a file.
async fn export(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PAGE, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let id = visit.account.id;
    let event = Event::now(&app, "account.exported")
        .account(id)
        .from(visit.address);
    match privacy::export(&app, id, event).await {
        Ok(Some(document)) => file(&document),
        Ok(None) => visit.not_found(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

fn file(document: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"account.json\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, format!("{document:#}\n")).into_response()
}

/// Deletes the account, when its user name was typed.
async fn delete(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PAGE, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let typed = visit.form.get("username").unwrap_or_default().trim();
    if typed != visit.account.username {
        return page(
            &app,
            &visit,
            StatusCode::BAD_REQUEST,
            Some(DeletionError::Mismatch),
        );
    }
    let locale = mail_locale(&app, &visit.account, visit.locale(&app));
    let refuse = |error| page(&app, &visit, StatusCode::CONFLICT, Some(error));
    match privacy::leave(&app, &visit.account, visit.address, locale).await {
        Ok(Left::Erased) => gone(&app, &visit, Notice::AccountDeleted),
        Ok(Left::Scheduled(_)) => gone(&app, &visit, Notice::AccountShut),
        Err(Error::Refused(Refused::LastAdministrator)) => refuse(DeletionError::LastAdministrator),
        Err(Error::Refused(_)) => refuse(DeletionError::Unknown),
        Err(Error::Failed(error)) => html::fail(&app, &visit.headers, error),
    }
}

/// The last page of an account, and a browser that knows nobody any more.
fn gone(app: &App, visit: &Visit, notice: Notice) -> Response {
    let page = Page::Notice(NoticePage { notice, link: "/" });
    let mut answer = html::page(app, visit.locale(app), StatusCode::OK, &page);
    let mut cookies = HeaderMap::new();
    browser::forget(app, &mut cookies);
    answer.headers_mut().extend(cookies);
    answer
}

/// A page about the link of the mail; the one with a button sends the token back.
fn link_page(app: &App, headers: &HeaderMap, token: &str, username: &str, state: EmailLinkState) -> Response {
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let page = Page::EmailLink {
        action: KEEP,
        csrf: &html::csrf_token(app, &mark),
        token,
        email: "",
        username,
        state,
    };
    let status = match state {
        EmailLinkState::Invalid => StatusCode::GONE,
        _ => StatusCode::OK,
    };
    let mut answer = html::page(app, html::locale(app, headers, None), status, &page);
    answer.headers_mut().extend(cookies);
    answer
}

/// Shows a button, for programs that look at mails follow their links.
async fn show_keep(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers();
    let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
    let token = query.get("t").unwrap_or_default();
    let found = async {
        let link = privacy::find_kept(&app, token).await?;
        let Some(id) = link.and_then(|link| link.account_id) else {
            return Ok(None);
        };
        let find = async move |db: &mut Conn| store::accounts::find(db, id).await;
        let account = app.store.read(find).await?;
        Ok::<_, StoreError>(account.map(|account| account.username))
    };
    match found.await {
        Ok(Some(username)) => link_page(&app, headers, token, &username, EmailLinkState::Keep),
        Ok(None) => link_page(&app, headers, "", "", EmailLinkState::Invalid),
        Err(error) => html::fail(&app, headers, error),
    }
}

async fn keep(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let address = ClientAddress::of(request.extensions());
    let form = match html::own_form(&app, request, &[]).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let outcome = async {
        let token = form.get("t").unwrap_or_default();
        let link = privacy::find_kept(&app, token).await?;
        let Some((id, hash)) = link.and_then(|link| Some((link.account_id?, link.hash))) else {
            return Ok(Kept::Invalid);
        };
        privacy::keep(&app, id, hash, address).await
    };
    match outcome.await {
        Ok(Kept::Done) => link_page(&app, &headers, "", "", EmailLinkState::Kept),
        Ok(Kept::Invalid) => link_page(&app, &headers, "", "", EmailLinkState::Invalid),
        Err(error) => html::fail(&app, &headers, error),
    }
}
