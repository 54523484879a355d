//! Letting people in: invitations to make an account, and links to a new password that an administrator hands over.

use serde::{Deserialize, Serialize};
use store::{Account, Conn, StoreError, accounts};

use crate::app::App;
use crate::audit::Event;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::Locale;

/// Whom an administrator invited; sealed into the link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// The address that is meant.
    pub(crate) email: String,
    /// Whether it went there by mail, so that who holds it has the mailbox.
    pub(crate) mailed: bool,
}

/// What a link to a new password carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reset {
    /// The address it was mailed to; none when an administrator hands it over.
    pub(crate) email: Option<String>,
    /// The request of an app that the person was on the way with.
    pub(crate) interaction: Option<String>,
}

/// Makes an invitation for an address, in place of older ones for it, and mails it where a language is given. Gives the
/// link, or none when the address has an account.
pub async fn invite(app: &App, email: &str, mail: Option<Locale>) -> Result<Option<String>, StoreError> {
    let content = Invitation {
        email: email.to_owned(),
        mailed: mail.is_some(),
    };
    let subject = email.to_lowercase();
    let link = NewLink::new(app, Purpose::Invite, &subject, None, &content);
    let url = link.url.clone();
    let words = Mail::Invitation { link: &url };
    let letter = mail.map(|locale| Letter::write(app, email, locale, &words));
    let event = Event::now(app, "account.invited");
    let invited = app
        .store
        .write(async move |db: &mut Conn| {
            if accounts::find_by_login(db, &subject).await?.is_some() {
                return Ok(false);
            }
            link.insert(db).await?;
            if let Some(letter) = letter {
                letter.queue(db).await?;
            }
            event.record(db).await?;
            Ok(true)
        })
        .await?;
    Ok(invited.then_some(url))
}

/// Makes a link to a new password for an account, in place of older ones. Whoever gets it can choose the password.
pub async fn reset_link(app: &App, account: &Account) -> Result<String, StoreError> {
    let content = Reset {
        email: None,
        interaction: None,
    };
    let (id, subject) = (account.id, account.id.to_string());
    let link = NewLink::new(app, Purpose::ResetPassword, &subject, Some(id), &content);
    let url = link.url.clone();
    let event = Event::now(app, "password.reset_link_made").account(id);
    app.store
        .write(async move |db: &mut Conn| {
            link.insert(db).await?;
            event.record(db).await
        })
        .await?;
    Ok(url)
}
