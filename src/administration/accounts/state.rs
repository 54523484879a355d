//! Shutting an account and opening it again.

use protocol::id::AccountId;
use protocol::permission;
use protocol::time::Timestamp;
use serde_json::json;
use store::{Conn, StoreError};

use super::{Managed, end_all, managed, not_oneself};
use crate::administration::{Actor, Outcome, ensure_administrator_remains, holds_everything, settle};
use crate::app::App;
use crate::audit::Event;

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

/// The same in a transaction at hand.
pub(super) async fn shut(
    db: &mut Conn,
    actor: &Actor,
    managed: &Managed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = managed.account.id;
    store::accounts::set_disabled(db, id, true, now).await?;
    let ended = end_all(db, id, now).await?;
    if holds_everything(&managed.authority) {
        ensure_administrator_remains(db, now).await?;
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
                allowed!(managed(db, &actor, id, now).await?);
                open(db, &actor, id, now).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// The same in a transaction at hand.
pub(super) async fn open(
    db: &mut Conn,
    actor: &Actor,
    id: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    store::accounts::set_disabled(db, id, false, now).await?;
    let event = Event::at(now, "account.enabled").account(id).by(actor);
    event.record(db).await
}
