//! Accounts: whoever looks after them sees and changes them here. Nobody touches somebody who holds more than they do,
//! nobody chooses a password for another, and what weighs is told to the owner by mail.

use protocol::account::check_new_username;
use protocol::id::AccountId;
use protocol::role::Authority;
use protocol::time::Timestamp;
use serde_json::Value;
use store::{Account, Conn, StoreError};
use unicode_normalization::UnicodeNormalization as _;

use super::{Actor, Refused, lock_administrators};
use crate::app::App;
use crate::mail::{Letter, Mail};
use crate::pages::Locale;

/// Goes on, or ends the closure of a transaction with what was refused.
macro_rules! allowed {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(refused) => return Ok(Err(refused)),
        }
    };
}

mod assignments;
mod change;
mod claims;
mod create;
mod email;
mod list;
mod recovery;
mod removal;
mod state;
mod view;

pub(crate) use assignments::{give_permission, give_role, take_permission, take_role};
pub(crate) use change::{Changes, change};
pub(crate) use create::{Delivery, NewAccount, create};
pub(crate) use list::{Filter, SORTS, list};
pub(crate) use recovery::{reset_factors, start_reset, unlock};
pub(crate) use removal::delete;
pub(crate) use state::{close, disable, enable, stands_open};
pub(crate) use view::{AccountDetails, AccountState, AccountView, details, read};

/// An account that the actor may change, locked until the transaction ends.
pub(crate) struct Managed {
    /// The account.
    pub(crate) account: Account,
    /// What it holds.
    pub(crate) authority: Authority,
}

/// Finds and locks an account for a change; refused where it holds more than the actor.
pub(crate) async fn managed(
    db: &mut Conn,
    actor: &Actor,
    id: AccountId,
    now: Timestamp,
) -> Result<Result<Managed, Refused>, StoreError> {
    lock_administrators(db).await?;
    let Some(account) = store::accounts::find_locked(db, id).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let authority = store::roles::authority(db, id, now).await?;
    if let Err(refused) = actor.may_manage(&authority) {
        return Ok(Err(refused));
    }
    Ok(Ok(Managed { account, authority }))
}

/// Checks a user name that somebody is to have who had another, or none. What accounts bring along from elsewhere, by a
/// file or an import, is looked at less closely.
pub(crate) fn check_username(name: &str) -> Result<(), &'static str> {
    check_new_username(name, name.nfkc())
}

/// Refuses what nobody does to themselves.
fn not_oneself(actor: &Actor, id: AccountId) -> Result<(), Refused> {
    if actor.account() == Some(id) {
        Err(Refused::Oneself)
    } else {
        Ok(())
    }
}

/// The language of mails to an account.
fn locale(app: &App, account: &Account) -> Locale {
    let named = account.claims.get("locale").and_then(Value::as_str);
    app.pages.locale(named, None)
}

/// A mail to the owner of an account, where there is an address.
pub(crate) fn letter(app: &App, account: &Account, mail: &Mail<'_>) -> Option<Letter> {
    let address = account.email.as_deref()?;
    Some(Letter::write(app, address, locale(app, account), mail))
}

/// Queues a mail, where there is one.
async fn queue(db: &mut Conn, letter: Option<&Letter>) -> Result<(), StoreError> {
    match letter {
        Some(letter) => letter.queue(db).await,
        None => Ok(()),
    }
}

/// The account as it is now, to write mails with before the transaction that queues them.
async fn find(app: &App, id: AccountId) -> Result<Option<Account>, StoreError> {
    app.store
        .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
        .await
}

/// Ends all that an account opened: sessions, grants, links that are under way.
async fn end_all(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<u64, StoreError> {
    let ended = store::sessions::end_all(db, id, now).await?;
    store::grants::revoke_for_account(db, id, now).await?;
    Ok(ended)
}
