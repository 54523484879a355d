//! Deleting an account for good.

use protocol::id::AccountId;
use protocol::permission;
use store::Conn;

use super::{details, letter, managed, not_oneself, queue};
use crate::administration::{
    Actor, Expected, Outcome, Refused, ensure_administrator_remains, holds_everything, settle,
};
use crate::app::App;
use crate::audit::Event;
use crate::mail::Mail;
use crate::privacy::Erasure;

/// Deletes an account that is as `expected`, with all that is known of it.
pub(crate) async fn delete(app: &App, actor: &Actor, id: AccountId, expected: Expected) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_DELETE)?;
    not_oneself(actor, id)?;
    let account = super::find(app, id).await?.ok_or(Refused::NotFound)?;
    let told = letter(app, &account, &Mail::AccountDeleted);
    let (actor, now) = (actor.clone(), app.now());
    let erasure = Erasure::of(&app.sealer, &account, now);
    // Whom it was about is not to be kept.
    let event = Event::now(app, "account.deleted").by(&actor);
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                if expected != Expected::Any
                    && let Some(shown) = details(db, id, now).await?
                {
                    allowed!(expected.check(&shown));
                }
                if managed.account.email != account.email {
                    return Ok(Err(Refused::Stale));
                }
                erasure.write(db).await?;
                if holds_everything(&managed.authority) {
                    ensure_administrator_remains(db).await?;
                }
                event.record(db).await?;
                queue(db, told.as_ref()).await?;
                Ok(Ok(()))
            })
            .await,
    )
}
