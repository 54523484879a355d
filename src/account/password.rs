//! `/account/password`: another password, by whoever knows the current one or has just shown a passkey.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use protocol::id::{AccountId, SessionId};
use protocol::interaction::FRESH;
use protocol::secret::Secret;
use protocol::session::Factor;
use store::{Account, Conn, StoreError};

use super::Visit;
use super::email::mail_locale;
use crate::app::App;
use crate::browser;
use crate::credentials::{self, Changed, PasswordChange};
use crate::factors;
use crate::html;
use crate::pages::{AccountNotice, AccountPart, Locale, Page, PasswordError};
use crate::passwords::Weakness;
use crate::rate_limit::Exceeded;
use crate::sign_in::{self, Attempt, Origin};

/// What came of asking for another password.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// The current password is another.
    Mismatch,
    /// The new one was not taken.
    Weak(Weakness),
    /// Too many attempts lately.
    TooMany(Exceeded),
    /// Too many passwords are being hashed right now.
    Busy,
}

/// Another password for an account.
pub(super) struct Wish<'a> {
    /// Whose.
    pub(super) account: &'a Account,
    /// The current one, unless something else has proved who asks.
    pub(super) current: Option<&'a Secret>,
    /// The new one.
    pub(super) new: &'a Secret,
    /// The session that stays.
    pub(super) keep: Option<SessionId>,
    /// The language of the browser.
    pub(super) locale: Locale,
    /// Where it comes from.
    pub(super) origin: Origin,
}

/// Checks the current password like a sign-in, and sets the new one.
pub(super) async fn change(app: &App, wish: Wish<'_>) -> Result<Outcome, StoreError> {
    if let Some(current) = wish.current {
        let name = &wish.account.username;
        match sign_in::password(app, name, current, wish.origin).await? {
            Attempt::Proved(_) => {}
            Attempt::Refused => return Ok(Outcome::Mismatch),
            Attempt::TooMany(exceeded) => return Ok(Outcome::TooMany(exceeded)),
            Attempt::Busy => return Ok(Outcome::Busy),
        }
    }
    let change = PasswordChange {
        account: wish.account,
        new: wish.new,
        keep: wish.keep,
        link: None,
        locale: mail_locale(app, wish.account, wish.locale),
    };
    Ok(match credentials::change_password(app, change).await? {
        Changed::Done => Outcome::Done,
        Changed::Weak(weakness) => Outcome::Weak(weakness),
        Changed::LinkUsed => Outcome::Mismatch,
        Changed::Busy => Outcome::Busy,
    })
}

/// Whether an account has a password.
pub(super) async fn exists(app: &App, id: AccountId) -> Result<bool, StoreError> {
    let found = app
        .store
        .read(async move |db: &mut Conn| store::credentials::find_password(db, id).await)
        .await?;
    Ok(found.is_some())
}

/// The fewest characters of a new password.
async fn min_length(app: &App, id: AccountId) -> Result<usize, StoreError> {
    let (default, now) = (app.config.accounts.mfa, app.now());
    let policy = app
        .store
        .read(async move |db: &mut Conn| factors::policy(db, id, default, now).await)
        .await?;
    Ok(credentials::min_length(&app.config, policy))
}

/// Whether the current password must be typed: there is one, and no passkey was shown just now. One that was registered
/// in this session counts as a mere security key.
async fn asks_current(app: &App, visit: &Visit) -> Result<bool, StoreError> {
    let by_passkey = visit.current.session.factors.contains(&Factor::Passkey);
    Ok(!by_passkey && exists(app, visit.account.id).await?)
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visit::open(&app, request, "/account/password", Some(FRESH)).await {
        Ok(visit) => form(&app, &visit, StatusCode::OK, None).await,
        Err(answer) => answer,
    }
}

async fn form(app: &App, visit: &Visit, status: StatusCode, error: Option<PasswordError>) -> Response {
    let known = async {
        Ok::<_, StoreError>((
            asks_current(app, visit).await?,
            min_length(app, visit.account.id).await?,
        ))
    };
    let (ask_current, password_min_length) = match known.await {
        Ok(known) => known,
        Err(error) => return html::fail(app, &visit.headers, error),
    };
    let page = Page::AccountPassword {
        frame: visit.frame(AccountPart::Security),
        ask_current,
        password_min_length,
        error,
    };
    visit.page(app, status, &page)
}

pub(super) async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut visit = match Visit::open(&app, request, "/account/password", Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let current = Secret::new(visit.form.take("current_password").unwrap_or_default());
    let new = Secret::new(visit.form.take("new_password").unwrap_or_default());
    let outcome = async {
        let wish = Wish {
            account: &visit.account,
            current: asks_current(&app, &visit).await?.then_some(&current),
            new: &new,
            keep: Some(visit.current.session.id),
            locale: visit.locale(&app),
            origin: Origin::of(&app, &visit.headers, visit.address),
        };
        change(&app, wish).await
    };
    let mut wait = HeaderMap::new();
    let (status, error) = match outcome.await {
        Ok(Outcome::Done) => return changed(&app, &visit).await,
        Ok(Outcome::Mismatch) => (StatusCode::BAD_REQUEST, PasswordError::Mismatch),
        Ok(Outcome::Weak(weakness)) => (StatusCode::BAD_REQUEST, PasswordError::Weak(weakness)),
        Ok(Outcome::TooMany(exceeded)) => {
            exceeded.describe(&mut wait);
            (StatusCode::TOO_MANY_REQUESTS, PasswordError::TooMany)
        }
        Ok(Outcome::Busy) => {
            wait.insert(header::RETRY_AFTER, 1.into());
            (StatusCode::SERVICE_UNAVAILABLE, PasswordError::Busy)
        }
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let mut answer = form(&app, &visit, status, Some(error)).await;
    answer.headers_mut().extend(wait);
    answer
}

async fn changed(app: &App, visit: &Visit) -> Response {
    let mut cookies = HeaderMap::new();
    if let Err(error) = browser::renew(app, &visit.current, &mut cookies).await {
        return html::fail(app, &visit.headers, error);
    }
    browser::device::keep(app, visit.account.id, &visit.headers, &mut cookies);
    let mut answer = visit.done("/account", AccountNotice::PasswordChanged);
    answer.headers_mut().extend(cookies);
    answer
}
