//! Shutting an account and opening it again.

use protocol::id::AccountId;
use protocol::permission;
use protocol::time::Timestamp;
use serde_json::json;
use store::{Account, Conn, StoreError, action_tokens};

use super::{Managed, end_all, managed, not_oneself};
use crate::administration::{
    Actor, Outcome, Refused, Tenure, ensure_administrator_remains, holds_everything, settle,
};
use crate::app::App;
use crate::audit::Event;
use crate::links::Purpose;

/// Shuts an account: nobody signs in to it, and all it opened ends.
pub(crate) async fn disable(app: &App, actor: &Actor, id: AccountId) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_DISABLE)?;
    not_oneself(actor, id)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                shut(db, &actor, &managed, now).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// Whether somebody could still get in: by signing in, or by the link that takes the deletion of the account back.
pub(crate) async fn stands_open(
    db: &mut Conn,
    account: &Account,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !account.disabled {
        return Ok(true);
    }
    let back = action_tokens::list_for_account(db, account.id, Purpose::KeepAccount.as_str(), now).await?;
    Ok(!back.is_empty())
}

/// Closes an account and all that it opened; gives how many sessions ended. One that is to be erased is erased all the
/// same, and its holder has no way back any more.
pub(crate) async fn close(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<u64, StoreError> {
    store::accounts::set_disabled(db, id, true, now).await?;
    action_tokens::delete_for_account(db, id, Purpose::KeepAccount.as_str()).await?;
    end_all(db, id, now).await
}

/// The same as [`disable`] in a transaction at hand.
pub(super) async fn shut(
    db: &mut Conn,
    actor: &Actor,
    managed: &Managed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = managed.account.id;
    let ended = close(db, id, now).await?;
    if holds_everything(&managed.authority) {
        ensure_administrator_remains(db).await?;
    }
    let event = Event::at(now, "account.disabled").account(id).by(actor);
    event.detail(json!({ "sessions_ended": ended })).record(db).await
}

/// Opens an account again, one that waits to be erased too.
pub(crate) async fn enable(app: &App, actor: &Actor, id: AccountId) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_DISABLE)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                open(db, &actor, &managed, now).await
            })
            .await,
    )
}

/// The same in a transaction at hand.
pub(super) async fn open(
    db: &mut Conn,
    actor: &Actor,
    managed: &Managed,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    let id = managed.account.id;
    if managed.account.disabled {
        // It may be the actor's own second one.
        let tenure = Tenure::read(db, id, now).await?;
        allowed!(actor.may_become(&managed.authority, &tenure));
    }
    store::accounts::set_disabled(db, id, false, now).await?;
    let event = Event::at(now, "account.enabled").account(id).by(actor);
    event.record(db).await?;
    Ok(Ok(()))
}
