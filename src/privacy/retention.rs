//! What is let go by itself: accounts whose time has come, accounts that nobody uses, records that nobody needs. Many
//! nodes may do it at once; each step is decided by the database.

use protocol::id::AccountId;
use protocol::time::{Lifetime, Timestamp};
use store::{Account, Conn, StoreError, accounts, consent_records, erasure, inactivity, roles};

use super::leave::{date, others_remain};
use super::{Erasure, locale};
use crate::administration;
use crate::app::App;
use crate::audit::Event;
use crate::mail::{Letter, Mail};
use crate::random;

/// How long before it happens a holder is told.
pub(crate) const NOTICE: Lifetime = Lifetime::days(30);
/// How long a warning counts; a holder who was warned earlier is warned anew.
const WARNED: Lifetime = Lifetime::days(60);
/// Accounts or records in one go.
const BATCH: i64 = 100;

/// What was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Accounts erased because their holders asked for it.
    pub erased: u64,
    /// Holders who were told that their account is not used.
    pub warned: u64,
    /// Accounts that have no person any more.
    pub anonymised: u64,
    /// Records of consent removed.
    pub records: u64,
}

/// Lets go of what is due, a bounded part of it.
pub async fn look_after(app: &App) -> Result<Retained, StoreError> {
    let mut done = Retained {
        erased: erase_due(app).await?,
        ..Retained::default()
    };
    if let Some(after) = app.config.privacy.anonymise_after {
        done.warned = warn_unused(app, after).await?;
        done.anonymised = anonymise_unused(app, after).await?;
    }
    let before = app.now() - app.config.privacy.consent_retention;
    done.records = app
        .store
        .write(async move |db: &mut Conn| consent_records::purge(db, before, 1000).await)
        .await?;
    Ok(done)
}

async fn find(app: &App, id: AccountId) -> Result<Option<Account>, StoreError> {
    app.store
        .read(async move |db: &mut Conn| accounts::find(db, id).await)
        .await
}

/// Erases the accounts whose holders asked for it and did not come back.
async fn erase_due(app: &App) -> Result<u64, StoreError> {
    let now = app.now();
    let due = app
        .store
        .scan(async move |db: &mut Conn| erasure::list_due(db, now, BATCH).await)
        .await?;
    app.store
        .write(async |db: &mut Conn| erasure::drop_stale(db).await)
        .await?;
    let mut erased = 0;
    for id in due {
        let Some(account) = find(app, id).await? else {
            continue;
        };
        let erasure = Erasure::of(&app.sealer, &account, now);
        let event = Event::now(app, "account.deleted").account(id);
        let words = locale(app, &account);
        let letter = account
            .email
            .as_deref()
            .map(|to| Letter::write(app, to, words, &Mail::AccountDeleted));
        erased += app
            .store
            .write(async move |db: &mut Conn| {
                let found = accounts::find_locked(db, id).await?;
                let due = erasure::due_at(db, id).await?.is_some_and(|at| at <= now);
                if !due || found.is_none_or(|found| !found.disabled) {
                    return Ok(0);
                }
                event.record(db).await?;
                erasure.write(db).await?;
                if let Some(letter) = &letter {
                    letter.queue(db).await?;
                }
                Ok(1)
            })
            .await?;
    }
    Ok(erased)
}

/// Tells holders that their account will lose its person unless they sign in.
async fn warn_unused(app: &App, after: Lifetime) -> Result<u64, StoreError> {
    let now = app.now();
    let since = Timestamp((now - after).0.saturating_add(NOTICE.as_secs()));
    let stale = now - WARNED;
    let found = app
        .store
        .scan(async move |db: &mut Conn| inactivity::list_to_warn(db, since, stale, BATCH).await)
        .await?;
    let mut warned = 0;
    for id in found {
        let Some(account) = find(app, id).await? else {
            continue;
        };
        let on = date(now + NOTICE);
        let sign_in = format!("{}/account", app.issuer());
        let mail = Mail::AccountUnused {
            sign_in: &sign_in,
            date: &on,
        };
        let words = locale(app, &account);
        // Who cannot sign in is not asked to.
        let letter = account
            .email
            .as_deref()
            .filter(|_| !account.disabled)
            .map(|to| Letter::write(app, to, words, &mail));
        let event = Event::now(app, "account.inactivity_warned").account(id);
        warned += app
            .store
            .write(async move |db: &mut Conn| {
                if !inactivity::note_warning(db, id, stale, now).await? {
                    return Ok(0);
                }
                event.record(db).await?;
                if let Some(letter) = &letter {
                    letter.queue(db).await?;
                }
                Ok(1)
            })
            .await?;
    }
    Ok(warned)
}

/// Takes the person out of accounts whose holders were told and did not come.
async fn anonymise_unused(app: &App, after: Lifetime) -> Result<u64, StoreError> {
    let now = app.now();
    let (since, told) = (now - after, (now - WARNED, now - NOTICE));
    let found = app
        .store
        .scan(async move |db: &mut Conn| inactivity::list_to_anonymise(db, since, told, BATCH).await)
        .await?;
    let mut anonymised = 0;
    for id in found {
        let Some(account) = find(app, id).await? else {
            continue;
        };
        let erasure = Erasure::of(&app.sealer, &account, now);
        let name = format!("anonymous-{}", random::uuid().simple());
        let event = Event::now(app, "account.anonymised");
        let done = app
            .store
            .write(async move |db: &mut Conn| {
                administration::lock_administrators(db).await?;
                accounts::find_locked(db, id).await?;
                if !inactivity::is_unused(db, id, since).await? {
                    return Ok(false);
                }
                let authority = roles::authority(db, id, now).await?;
                erasure.anonymise(db, &name).await?;
                others_remain(db, &authority).await?;
                event.record(db).await?;
                Ok(true)
            })
            .await;
        match done {
            Ok(done) => anonymised += u64::from(done),
            Err(error) => tracing::warn!("an account that is not used was left as it is: {error}"),
        }
    }
    Ok(anonymised)
}
