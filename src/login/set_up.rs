//! `/setup`: the first administrator's account, by a link that works once.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::account::{check_username, parse_email};
use protocol::id::AccountId;
use protocol::secret::{Secret, TokenHash};
use serde_json::Map;
use store::{Account, Conn, StoreError};

use crate::app::App;
use crate::audit::Event;
use crate::browser;
use crate::credentials::{self, Prepared};
use crate::html;
use crate::pages::{Message, Page, SetUpError};
use crate::random;
use crate::web::form::{self, Params};

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
    let token = query.get("token").unwrap_or_default();
    let (hash, now) = (TokenHash::of(token), app.now());
    match app
        .store
        .read(async move |db: &mut Conn| store::setup_links::is_usable(db, &hash, now).await)
        .await
    {
        Ok(true) => form_page(&app, &headers, token, &Params::default(), None),
        Ok(false) => form_page(
            &app,
            &headers,
            "",
            &Params::default(),
            Some(SetUpError::LinkInvalid),
        ),
        Err(error) => html::fail(&app, &headers, error),
    }
}

fn form_page(
    app: &App,
    headers: &HeaderMap,
    token: &str,
    typed: &Params,
    error: Option<SetUpError>,
) -> Response {
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let page = Page::SetUp {
        action: "/setup",
        csrf: &html::csrf_token(app, &mark),
        token,
        username: typed.get("username").unwrap_or_default(),
        email: typed.get("email").unwrap_or_default(),
        password_min_length: credentials::min_length(&app.config, app.config.accounts.mfa),
        error,
    };
    let status = if error.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let mut answer = html::page(app, html::locale(app, headers, None), status, &page);
    answer.headers_mut().extend(cookies);
    answer
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let mut typed = match form::read(request, &[]).await {
        Ok(typed) => typed,
        Err(error) => {
            let code = error.code.as_str();
            return html::refuse(
                &app,
                &headers,
                StatusCode::BAD_REQUEST,
                code,
                Message::InvalidRequest,
            );
        }
    };
    if !html::is_ours(&app, &headers, typed.get("csrf")) {
        return html::refuse(
            &app,
            &headers,
            StatusCode::FORBIDDEN,
            "access_denied",
            Message::Forgery,
        );
    }
    let token = Secret::new(typed.take("token").unwrap_or_default());
    let password = Secret::new(typed.take("password").unwrap_or_default());
    let again = |error| form_page(&app, &headers, token.expose(), &typed, Some(error));
    let username = typed.get("username").unwrap_or_default().trim().to_owned();
    if check_username(&username).is_err() {
        return again(SetUpError::Username);
    }
    let Ok(email) = parse_email(typed.get("email").unwrap_or_default()) else {
        return again(SetUpError::Email);
    };
    // The link first, cheaply: strangers must not make us hash.
    let (hash, now) = (token.hash(), app.now());
    match app
        .store
        .read(async move |db: &mut Conn| store::setup_links::is_usable(db, &hash, now).await)
        .await
    {
        Ok(true) => {}
        Ok(false) => return again(SetUpError::LinkInvalid),
        Err(error) => return html::fail(&app, &headers, error),
    }
    let account = administrator(&app, username, email);
    let password_hash = match credentials::prepare(&app, &account, &password).await {
        Ok(Prepared::Fit(hash)) => hash,
        Ok(Prepared::Weak(weakness)) => return again(SetUpError::Weak(weakness)),
        Ok(Prepared::Busy) => return again(SetUpError::Busy),
        Err(error) => return html::fail(&app, &headers, error),
    };
    match make(&app, account, password_hash, hash).await {
        Ok(true) => html::see_other("/"),
        Ok(false) => again(SetUpError::LinkInvalid),
        Err(StoreError::Conflict { .. }) => again(SetUpError::Taken),
        Err(error) => html::fail(&app, &headers, error),
    }
}

fn administrator(app: &App, username: String, email: String) -> Account {
    let now = app.now();
    Account {
        id: AccountId(random::uuid()),
        username,
        email: Some(email),
        email_verified: false,
        claims: Map::new(),
        disabled: false,
        mfa: None,
        must_change_password: false,
        last_login_at: None,
        created_at: now,
        updated_at: now,
        managed_by: None,
    }
}

/// Makes the account and uses the link up, both or neither.
async fn make(app: &App, account: Account, password: String, link: TokenHash) -> Result<bool, StoreError> {
    let now = app.now();
    let event = Event::now(app, "account.created").account(account.id);
    app.store
        .write(async move |db: &mut Conn| {
            if !store::setup_links::consume(db, &link, now).await? {
                return Ok(false);
            }
            store::accounts::insert(db, &account, now).await?;
            store::credentials::set_password(db, account.id, &password, now).await?;
            let name = "super_admin".to_owned();
            // Somebody may have removed the role that every database begins with, and with it all who could make it.
            if !store::roles::list_roles(db)
                .await?
                .iter()
                .any(|known| known.name == name)
            {
                let role = protocol::role::Role {
                    name: name.clone(),
                    permissions: [protocol::permission::ALL.to_owned()].into(),
                    ..Default::default()
                };
                store::roles::upsert_role(db, &role, None).await?;
            }
            store::roles::set_account_roles(db, account.id, &[name].into(), now).await?;
            event.record(db).await?;
            Ok(true)
        })
        .await
}
