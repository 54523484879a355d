//! `/account/email/confirm` and `/account/email/undo`: where the links in mails about a change of address lead. A GET
//! only shows a button, for programs that look at mails follow their links.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::id::AccountId;
use protocol::secret::TokenHash;
use serde::de::DeserializeOwned;
use store::{Account, Conn, StoreError, accounts, action_tokens};

use super::email::{EmailBefore, EmailChange, mail_locale, masked};
use crate::app::App;
use crate::audit::Event;
use crate::browser;
use crate::html;
use crate::links::{self, Link, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::{EmailLinkState, Locale, Page};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

const CONFIRM: &str = "/account/email/confirm";
const UNDO: &str = "/account/email/undo";

/// A page about one link; the one with a button sends the token back to `action`.
fn page(
    app: &App,
    headers: &HeaderMap,
    action: &str,
    token: &str,
    (email, username): (&str, &str),
    state: EmailLinkState,
) -> Response {
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let page = Page::EmailLink {
        action,
        csrf: &html::csrf_token(app, &mark),
        token,
        email,
        username,
        state,
    };
    let status = match state {
        EmailLinkState::Invalid => StatusCode::GONE,
        EmailLinkState::Taken => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    let mut answer = html::page(app, html::locale(app, headers, None), status, &page);
    answer.headers_mut().extend(cookies);
    answer
}

/// Shows what a link is about.
async fn show<T: DeserializeOwned>(
    app: &App,
    request: Request,
    purpose: Purpose,
    email: impl Fn(T) -> String,
) -> Response {
    let headers = request.headers();
    let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
    let token = query.get("t").unwrap_or_default();
    let (action, state) = match purpose {
        Purpose::UndoEmail => (UNDO, EmailLinkState::Undo),
        _ => (CONFIRM, EmailLinkState::Confirm),
    };
    let found = async {
        let link = links::find::<T>(app, purpose, token).await?;
        let Some((link, id)) = link.and_then(|link| link.account_id.map(|id| (link, id))) else {
            return Ok(None);
        };
        let account = app
            .store
            .read(async move |db: &mut Conn| accounts::find(db, id).await)
            .await?;
        Ok::<_, StoreError>(account.map(|account| (email(link.content), account.username)))
    };
    match found.await {
        // Whose account it is: strangers get such mails too, when somebody names their address.
        Ok(Some((email, name))) => page(app, headers, action, token, (&email, &name), state),
        Ok(None) => page(app, headers, action, "", ("", ""), EmailLinkState::Invalid),
        Err(error) => html::fail(app, headers, error),
    }
}

pub(super) async fn show_confirm(State(app): State<Arc<App>>, request: Request) -> Response {
    show(&app, request, Purpose::ConfirmEmail, |change: EmailChange| {
        change.new
    })
    .await
}

pub(super) async fn show_undo(State(app): State<Arc<App>>, request: Request) -> Response {
    show(&app, request, Purpose::UndoEmail, |before: EmailBefore| {
        before.email
    })
    .await
}

/// Uses a link as `then` says, and shows what came of it.
async fn follow<T: DeserializeOwned>(
    app: &App,
    request: Request,
    purpose: Purpose,
    then: impl AsyncFnOnce(
        Link<T>,
        AccountId,
        ClientAddress,
        Locale,
    ) -> Result<(EmailLinkState, String), StoreError>,
) -> Response {
    let headers = request.headers().clone();
    let address = ClientAddress::of(request.extensions());
    let form = match html::own_form(app, request, &[]).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let outcome = async {
        let link = links::find::<T>(app, purpose, form.get("t").unwrap_or_default()).await?;
        let Some((link, id)) = link.and_then(|link| link.account_id.map(|id| (link, id))) else {
            return Ok((EmailLinkState::Invalid, String::new()));
        };
        then(link, id, address, html::locale(app, &headers, None)).await
    };
    match outcome.await {
        Ok((state, email)) => page(app, &headers, "", "", (&email, ""), state),
        Err(error) => html::fail(app, &headers, error),
    }
}

pub(super) async fn confirm(State(app): State<Arc<App>>, request: Request) -> Response {
    let change = async |link: Link<EmailChange>, id, address, locale| {
        let email = link.content.new.clone();
        let state = apply(&app, link, id, address, locale).await;
        Ok((taken(state)?, email))
    };
    follow(&app, request, Purpose::ConfirmEmail, change).await
}

pub(super) async fn undo(State(app): State<Arc<App>>, request: Request) -> Response {
    let restore = async |link: Link<EmailBefore>, id, address, _| {
        let email = link.content.email.clone();
        let state = restore(&app, link, id, address).await;
        Ok((taken(state)?, email))
    };
    follow(&app, request, Purpose::UndoEmail, restore).await
}

/// Two accounts that want one address at the same moment meet in the database.
fn taken(state: Result<EmailLinkState, StoreError>) -> Result<EmailLinkState, StoreError> {
    match state {
        Err(StoreError::Conflict { .. }) => Ok(EmailLinkState::Taken),
        state => state,
    }
}

/// Whether an address belongs to another account.
async fn is_foreign(db: &mut Conn, account: &Account, email: &str) -> Result<bool, StoreError> {
    let holder = accounts::find_by_login(db, email).await?;
    Ok(holder.is_some_and(|holder| holder.id != account.id))
}

/// Notes that a mailbox has agreed, and changes the address when all have that must.
async fn apply(
    app: &App,
    link: Link<EmailChange>,
    id: AccountId,
    address: ClientAddress,
    locale: Locale,
) -> Result<EmailLinkState, StoreError> {
    let EmailChange { old, new, both } = link.content;
    let account = app
        .store
        .read(async move |db: &mut Conn| accounts::find(db, id).await)
        .await?;
    let locale = account.map_or(locale, |account| mail_locale(app, &account, locale));
    let new_masked = &masked(&new);
    let letters: Vec<Letter> = old
        .iter()
        .chain([&new])
        .map(|to| Letter::write(app, to, locale, &Mail::EmailChanged { new_masked }))
        .collect();
    let (hash, now) = (link.hash, app.now());
    let event = Event::now(app, "account.email_changed").account(id).from(address);
    app.store
        .write(async move |db: &mut Conn| {
            // The account before its links: every change locks them in this order.
            let found = accounts::find_locked(db, id).await?;
            if !action_tokens::consume(db, &hash, now).await? {
                return Ok(EmailLinkState::Invalid);
            }
            let Some(mut account) = found.filter(|account| !account.disabled && account.email == old) else {
                return Ok(EmailLinkState::Invalid);
            };
            let confirm = Purpose::ConfirmEmail.as_str();
            if both && action_tokens::count_consumed(db, id, confirm).await? < 2 {
                return Ok(EmailLinkState::Waiting);
            }
            if is_foreign(db, &account, &new).await? {
                return Ok(EmailLinkState::Taken);
            }
            account.email = Some(new);
            account.email_verified = true;
            accounts::update(db, &account, now).await?;
            // A link in the old mailbox is no proof any more.
            for kind in [confirm, Purpose::ResetPassword.as_str()] {
                action_tokens::delete_for_account(db, id, kind).await?;
            }
            for letter in &letters {
                letter.queue(db).await?;
            }
            event.record(db).await?;
            Ok(EmailLinkState::Changed)
        })
        .await
}

/// Gives an account the address back that it had, and ends all that whoever changed it may hold.
async fn restore(
    app: &App,
    link: Link<EmailBefore>,
    id: AccountId,
    address: ClientAddress,
) -> Result<EmailLinkState, StoreError> {
    let EmailBefore {
        email,
        verified,
        earlier,
    } = link.content;
    let (hash, now) = (link.hash, app.now());
    let earlier: Vec<TokenHash> = earlier.into_iter().map(TokenHash).collect();
    let event = Event::now(app, "account.email_change_undone")
        .account(id)
        .from(address);
    app.store
        .write(async move |db: &mut Conn| {
            let found = accounts::find_locked(db, id).await?;
            if !action_tokens::consume(db, &hash, now).await? {
                return Ok(EmailLinkState::Invalid);
            }
            let Some(mut account) = found else {
                return Ok(EmailLinkState::Invalid);
            };
            if is_foreign(db, &account, &email).await? {
                return Ok(EmailLinkState::Taken);
            }
            if account.email.as_deref() != Some(&email) {
                account.email = Some(email);
                account.email_verified = verified;
                accounts::update(db, &account, now).await?;
            }
            for purpose in [Purpose::ConfirmEmail, Purpose::ResetPassword] {
                action_tokens::delete_for_account(db, id, purpose.as_str()).await?;
            }
            // The ways back to later addresses go; those to earlier ones stay, for who holds them was there first.
            action_tokens::delete_all_but(db, id, Purpose::UndoEmail.as_str(), &earlier).await?;
            store::sessions::end_all(db, id, now).await?;
            store::grants::revoke_for_account(db, id, now).await?;
            event.record(db).await?;
            Ok(EmailLinkState::Undone)
        })
        .await
}
