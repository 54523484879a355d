//! What administrators do about people's data for them.

use protocol::id::AccountId;
use protocol::permission;
use serde_json::Value;
use store::{Conn, accounts, action_tokens, erasure, roles};

use super::{Actor, Outcome, Refused, settle};
use crate::app::App;
use crate::audit::Event;
use crate::links::Purpose;
use crate::privacy;

/// All data of an account, for its holder who asked for them in another way.
pub(crate) async fn export(app: &App, actor: &Actor, id: AccountId) -> Outcome<Value> {
    actor.require(permission::ACCOUNTS_EXPORT)?;
    let event = Event::now(app, "account.exported").by(actor).account(id);
    let document = privacy::export(app, id, event).await?;
    Ok(document.ok_or(Refused::NotFound)?)
}

/// Opens an account again that its holder wanted to be deleted.
pub(crate) async fn keep(app: &App, actor: &Actor, id: AccountId) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_DISABLE)?;
    let (now, actor) = (app.now(), actor.clone());
    let event = Event::now(app, "account.deletion_cancelled")
        .by(&actor)
        .account(id);
    let done = app
        .store
        .write(async move |db: &mut Conn| {
            if accounts::find_locked(db, id).await?.is_none() {
                return Ok(Err(Refused::NotFound));
            }
            if let Err(refused) = actor.may_manage(&roles::authority(db, id, now).await?) {
                return Ok(Err(refused));
            }
            if !erasure::cancel(db, id, now).await? {
                return Ok(Err(Refused::Conflict("an account that is not to be deleted")));
            }
            action_tokens::delete_for_account(db, id, Purpose::KeepAccount.as_str()).await?;
            event.record(db).await?;
            Ok(Ok(()))
        })
        .await;
    settle(done)
}
