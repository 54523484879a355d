//! The mail that answers a registration: to an unknown address the link that makes the account, to a known one a
//! notice for its owner. All of it happens after the answer, so that the time of the answer says nothing.

use std::sync::Arc;

use store::{Conn, StoreError};

use super::application::Application;
use crate::app::App;
use crate::error::BoxError;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::Locale;
use crate::rate_limit::{Limit, recipient};

/// Writes the mail in the background.
pub(super) fn send_later(app: &Arc<App>, application: Application, locale: Locale) {
    let app = Arc::clone(app);
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        if let Err(error) = send(&app, application, locale).await {
            tracing::error!("a registration could not be answered by mail: {error}");
        }
    });
}

async fn send(app: &App, application: Application, locale: Locale) -> Result<(), BoxError> {
    let address = application.email.to_lowercase();
    if !app
        .limits
        .take(Limit::MailPerRecipient, &recipient(&address))
        .await
        .allowed
    {
        tracing::info!("an address got enough mails lately; a registration is left without one");
        return Ok(());
    }
    let login = address.clone();
    let owner = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find_by_login(db, &login).await)
        .await?;
    match owner.and_then(|owner| owner.email) {
        Some(email) => {
            let (sign_in, reset) = (
                format!("{}/login", app.issuer()),
                format!("{}/forgot", app.issuer()),
            );
            let mail = Mail::AlreadyRegistered {
                sign_in: &sign_in,
                reset: &reset,
            };
            queue(app, Letter::write(app, &email, locale, &mail), None).await?;
        }
        None => {
            let link = NewLink::new(app, Purpose::Register, &address, None, &application);
            let mail = Mail::ConfirmRegistration {
                name: &application.username,
                link: &link.url,
            };
            queue(
                app,
                Letter::write(app, &application.email, locale, &mail),
                Some(link),
            )
            .await?;
        }
    }
    Ok(())
}

async fn queue(app: &App, letter: Letter, link: Option<NewLink>) -> Result<(), StoreError> {
    app.store
        .write(async move |db: &mut Conn| {
            if let Some(link) = &link {
                link.insert(db).await?;
            }
            letter.queue(db).await
        })
        .await
}
