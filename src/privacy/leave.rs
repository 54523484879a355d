//! A holder leaves: at once, or after a time in which the account is shut and can be had back.

use protocol::id::AccountId;
use protocol::role::Authority;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Account, Conn, StoreError, accounts, action_tokens, erasure, grants, roles, sessions};

use super::Erasure;
use crate::administration::{self, Outcome, Refused, settle};
use crate::app::App;
use crate::audit::Event;
use crate::links::{self, NewLink, Purpose};
use crate::mail::{Letter, Mail};
use crate::pages::{Locale, machine_time};
use crate::web::client_ip::ClientAddress;

/// What became of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is gone.
    Erased,
    /// It is shut, and will be gone from this moment on.
    Scheduled(Timestamp),
}

/// What a link that takes a deletion back carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keep {
    /// The address it was mailed to.
    pub(crate) email: String,
}

/// Deletes an account for its holder, who has proved to be it and has confirmed: at once, or after the configured time.
pub(crate) async fn leave(
    app: &App,
    account: &Account,
    address: ClientAddress,
    locale: Locale,
) -> Outcome<Left> {
    match app.config.privacy.deletion_grace {
        grace if grace.as_secs() == 0 => erase(app, account, address, locale).await,
        grace => schedule(app, account, app.now() + grace, address, locale).await,
    }
}

async fn erase(app: &App, account: &Account, address: ClientAddress, locale: Locale) -> Outcome<Left> {
    let (id, now) = (account.id, app.now());
    let erasure = Erasure::of(&app.sealer, account, now);
    let event = Event::now(app, "account.deleted").account(id).from(address);
    let letter = account
        .email
        .as_deref()
        .map(|to| Letter::write(app, to, locale, &Mail::AccountDeleted));
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            administration::lock_administrators(db).await?;
            let authority = roles::authority(db, id, now).await?;
            // Whom it is about goes with the account.
            event.record(db).await?;
            if !erasure.write(db).await? {
                return Ok(Err(Refused::NotFound));
            }
            others_remain(db, &authority).await?;
            if let Some(letter) = &letter {
                letter.queue(db).await?;
            }
            Ok(Ok(Left::Erased))
        })
        .await;
    settle(done)
}

async fn schedule(
    app: &App,
    account: &Account,
    erase_at: Timestamp,
    address: ClientAddress,
    locale: Locale,
) -> Outcome<Left> {
    let (id, now) = (account.id, app.now());
    let event = Event::now(app, "account.deletion_requested")
        .account(id)
        .from(address);
    let back = account
        .email
        .as_deref()
        .map(|email| way_back(app, id, email, erase_at, locale));
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            administration::lock_administrators(db).await?;
            accounts::find_locked(db, id).await?;
            let authority = roles::authority(db, id, now).await?;
            if !erasure::schedule(db, id, erase_at, now).await? {
                return Ok(Err(Refused::NotFound));
            }
            sessions::end_all(db, id, now).await?;
            grants::revoke_for_account(db, id, now).await?;
            erasure::revoke_keys(db, id, now).await?;
            for purpose in [Purpose::ConfirmEmail, Purpose::ResetPassword] {
                action_tokens::delete_for_account(db, id, purpose.as_str()).await?;
            }
            others_remain(db, &authority).await?;
            event.record(db).await?;
            if let Some((link, letter)) = &back {
                link.insert(db).await?;
                letter.queue(db).await?;
            }
            Ok(Ok(Left::Scheduled(erase_at)))
        })
        .await;
    settle(done)
}

/// Takes the transaction back when the one who held so much was the last to hold everything.
pub(super) async fn others_remain(db: &mut Conn, authority: &Authority) -> Result<(), StoreError> {
    if administration::holds_everything(authority) {
        administration::ensure_administrator_remains(db).await?;
    }
    Ok(())
}

/// The link with which the holder takes it back, and the mail that brings it.
fn way_back(app: &App, id: AccountId, email: &str, until: Timestamp, locale: Locale) -> (NewLink, Letter) {
    let content = Keep {
        email: email.to_owned(),
    };
    let link = NewLink::until(
        app,
        Purpose::KeepAccount,
        &id.to_string(),
        Some(id),
        &content,
        until,
    );
    let mail = Mail::DeletionScheduled {
        link: &link.url,
        date: &date(until),
    };
    let letter = Letter::write(app, email, locale, &mail);
    (link, letter)
}

/// A day, as all languages here write it in mails.
pub(super) fn date(at: Timestamp) -> String {
    machine_time(at.0).chars().take(10).collect()
}

/// What came of taking a deletion back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The account is open again.
    Done,
    /// The link is unknown, used or too old, or the account is not to be deleted.
    Invalid,
}

/// Takes a deletion back with the link of the mail, once.
pub(crate) async fn keep(
    app: &App,
    id: AccountId,
    link: TokenHash,
    address: ClientAddress,
) -> Result<Kept, StoreError> {
    let now = app.now();
    let event = Event::now(app, "account.deletion_cancelled")
        .account(id)
        .from(address);
    app.store
        .write(async move |db: &mut Conn| {
            // The account before its links: every change locks them in this order.
            accounts::find_locked(db, id).await?;
            if !action_tokens::consume(db, &link, now).await? || !erasure::cancel(db, id, now).await? {
                return Ok(Kept::Invalid);
            }
            event.record(db).await?;
            Ok(Kept::Done)
        })
        .await
}

/// The account that a link opens again, by its token.
pub(crate) async fn find_kept(app: &App, token: &str) -> Result<Option<links::Link<Keep>>, StoreError> {
    links::find::<Keep>(app, Purpose::KeepAccount, token).await
}
