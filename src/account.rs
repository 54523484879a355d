//! The pages on which people look after their own account, and the same as an API.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use protocol::interaction::OwnPage;
use store::{Account, Conn};

use crate::app::App;
use crate::browser::{self, Current};
use crate::decision;
use crate::html;
use crate::pages::{AccountFrame, AccountNotice, AccountPart, Locale, Message, Page};
use crate::web::client_ip::ClientAddress;
use crate::web::deferred::deferred;
use crate::web::form::Params;

mod api;
mod api_keys;
mod apps;
mod email;
mod email_link;
mod identities;
mod password;
mod privacy;
mod profile;
mod security;
mod sessions;

/// The account API.
const API: &str = "/api/account/v1";

/// Routes of the account pages and of the account API.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let app = app.clone();
    deferred(&["/account", API], move || router(&app).with_state(app.clone()))
}

fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/account", get(profile::show).post(profile::submit))
        .route("/account/email", get(email::show).post(email::submit))
        .route(
            "/account/email/confirm",
            get(email_link::show_confirm).post(email_link::confirm),
        )
        .route(
            "/account/email/undo",
            get(email_link::show_undo).post(email_link::undo),
        )
        .route("/account/password", get(password::show).post(password::submit))
        .route("/account/sessions", get(sessions::show))
        .route("/account/sessions/end", post(sessions::end))
        .route("/account/sessions/end-others", post(sessions::end_others))
        .route("/account/sessions/end-all", post(sessions::end_all))
        .route("/account/apps", get(apps::show))
        .route("/account/apps/end", post(apps::end))
        .merge(security::routes())
        .merge(api_keys::routes())
        .merge(identities::routes())
        .merge(privacy::routes())
        .nest(API, api::routes(app))
        .fallback(html::not_found)
}

/// A signed-in person at a page of their account.
pub(crate) struct Visit {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Params,
    pub(crate) form: Params,
    pub(crate) address: ClientAddress,
    pub(crate) current: Current,
    pub(crate) account: Account,
    csrf: String,
    cookies: HeaderMap,
}

impl Visit {
    /// Lets the person in, or sends them to prove who they are and then to `page`, whose first factor may be
    /// `max_age` seconds old. A POST must come from a page of ours.
    pub(crate) async fn open(
        app: &App,
        request: Request,
        page: &str,
        max_age: Option<i64>,
    ) -> Result<Visit, Response> {
        let headers = request.headers().clone();
        let address = ClientAddress::of(request.extensions());
        let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
        let form = if request.method() == Method::POST {
            html::own_form(app, request, &[]).await?
        } else {
            Params::default()
        };
        let own = OwnPage {
            path: page.to_owned(),
            max_age,
        };
        let current = decision::require(app, &headers, own).await?;
        let id = current.session.account_id;
        let found = app
            .store
            .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
            .await;
        let account = match found {
            Ok(Some(account)) => account,
            Ok(None) => return Err(html::see_other("/login")),
            Err(error) => return Err(html::fail(app, &headers, error)),
        };
        let mut cookies = HeaderMap::new();
        let mark = browser::mark(app, &headers, &mut cookies);
        Ok(Visit {
            csrf: html::csrf_token(app, &mark),
            headers,
            query,
            form,
            address,
            current,
            account,
            cookies,
        })
    }

    /// The frame of a page, with the notice that the way here asked for.
    pub(crate) fn frame(&self, part: AccountPart) -> AccountFrame<'_> {
        AccountFrame {
            username: &self.account.username,
            part,
            csrf: &self.csrf,
            notice: self.query.get("done").and_then(AccountNotice::parse),
        }
    }

    /// The language of the browser, which mails about the account are written in too.
    pub(crate) fn locale(&self, app: &App) -> Locale {
        html::locale(app, &self.headers, None)
    }

    /// A page for this browser.
    pub(crate) fn page(&self, app: &App, status: StatusCode, page: &Page<'_>) -> Response {
        let mut answer = html::page(app, self.locale(app), status, page);
        answer.headers_mut().extend(self.cookies.clone());
        answer
    }

    /// Back to a page, which says what was done.
    pub(crate) fn done(&self, path: &str, notice: AccountNotice) -> Response {
        html::see_other(&format!("{path}?done={}", notice.as_str()))
    }

    /// There is no such thing, or it is somebody else's.
    pub(crate) fn not_found(&self, app: &App) -> Response {
        html::refuse(
            app,
            &self.headers,
            StatusCode::NOT_FOUND,
            "not_found",
            Message::NotFound,
        )
    }
}
