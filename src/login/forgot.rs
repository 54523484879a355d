//! `/forgot`: a link to a new password, mailed to the address that the account has. The answer is the same for all
//! names, and given before anything is looked up.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use store::{Account, Conn, StoreError};

use super::password::too_many;
use super::visitor::Visitor;
use crate::admission::Reset;
use crate::app::App;
use crate::audit::Event;
use crate::error::BoxError;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::{ForgotPage, Locale, Notice, Page};
use crate::rate_limit::{Limit, network, recipient};
use crate::web::client_ip::ClientAddress;

/// Longer than any name or address.
const MAX_LOGIN: usize = 320;

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    match Visitor::open(&app, request).await {
        Ok(visitor) => form(&app, &visitor, false),
        Err(refusal) => refusal,
    }
}

fn form(app: &App, visitor: &Visitor, too_many: bool) -> Response {
    let page = Page::Forgot(ForgotPage {
        client: visitor.card(),
        action: &visitor.action("/forgot"),
        csrf: &visitor.csrf(app),
        username: visitor.form.get("username").unwrap_or_default(),
        too_many,
        sign_in: &visitor.action("/login"),
    });
    visitor.page(app, StatusCode::OK, &page)
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let visitor = match Visitor::open(&app, request).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refusal,
    };
    let admitted = app.limits.admit(Limit::MailPerAddress, &network(address.0)).await;
    if let Err(exceeded) = admitted {
        return too_many(form(&app, &visitor, true), &exceeded);
    }
    let login = visitor.form.get("username").unwrap_or_default().trim().to_owned();
    let (locale, interaction) = (visitor.locale(&app), visitor.sealed().map(str::to_owned));
    let event = Event::now(&app, "password.reset_asked").from(address);
    let server = Arc::clone(&app);
    app.tasks.spawn(async move {
        if let Err(error) = send(&server, login, locale, interaction, event).await {
            tracing::error!("a link to a new password could not be mailed: {error}");
        }
    });
    visitor.notice(&app, StatusCode::OK, Notice::ForgotMail, "/login")
}

/// Mails the link, when there is an account to mail it to.
async fn send(
    app: &App,
    login: String,
    locale: Locale,
    interaction: Option<String>,
    event: Event,
) -> Result<(), BoxError> {
    if login.is_empty() || login.len() > MAX_LOGIN {
        return Ok(());
    }
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(account) = store::accounts::find_by_login(db, &login).await? else {
                return Ok(None);
            };
            Ok(may_reset(db, &account).await?.then_some(account))
        })
        .await?;
    let Some(Account {
        id,
        email: Some(email),
        ..
    }) = found
    else {
        return Ok(());
    };
    let allowed = app
        .limits
        .take(Limit::MailPerRecipient, &recipient(&email))
        .await
        .allowed;
    if !allowed {
        tracing::info!(account.id = %id, "the account got enough mails lately; no link is sent");
        return Ok(());
    }
    let content = Reset {
        email: Some(email.clone()),
        interaction,
    };
    let link = NewLink::new(app, Purpose::ResetPassword, &id.to_string(), Some(id), &content);
    let mail = Mail::ResetPassword { link: &link.url };
    let letter = Letter::write(app, &email, locale, &mail);
    let event = event.account(id);
    app.store
        .write(async move |db: &mut Conn| {
            link.insert(db).await?;
            letter.queue(db).await?;
            event.record(db).await
        })
        .await?;
    Ok(())
}

/// Whether an account may sign in, and not only by way of another provider, which then decides how.
async fn may_reset(db: &mut Conn, account: &Account) -> Result<bool, StoreError> {
    if account.disabled {
        return Ok(false);
    }
    let id = account.id;
    let has_password = store::credentials::find_password(db, id).await?.is_some();
    Ok(has_password || store::upstream_identities::list(db, id).await?.is_empty())
}
