//! Helping people in again. An administrator starts a new password and never knows it; whatever is done is told to the
//! owner by mail.

use protocol::id::AccountId;
use protocol::permission;
use serde_json::json;
use store::Conn;

use super::{end_all, letter, locale, managed, not_oneself, queue};
use crate::administration::{
    Actor, Outcome, Refused, Tenure, ensure_administrator_remains, holds_everything, is_administered, settle,
};
use crate::admission::Reset;
use crate::app::App;
use crate::audit::Event;
use crate::links::{NewLink, Purpose};
use crate::mail::{Letter, Mail};

/// Mails a link to a new password to the address that the account has.
pub(crate) async fn start_reset(app: &App, actor: &Actor, id: AccountId) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_RECOVER)?;
    let account = super::find(app, id).await?.ok_or(Refused::NotFound)?;
    let content = Reset {
        email: account.email.clone(),
        interaction: None,
    };
    let link = NewLink::new(app, Purpose::ResetPassword, &id.to_string(), Some(id), &content);
    let written = account.email.as_deref().map(|to| {
        let mail = Mail::ResetPassword { link: &link.url };
        Letter::write(app, to, locale(app, &account), &mail)
    });
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                if managed.account.disabled {
                    return Ok(Err(Refused::invalid(
                        "id",
                        "names an account that may not sign in",
                    )));
                }
                let Some(letter) = written else {
                    return Ok(Err(Refused::invalid("id", "names an account without an address")));
                };
                if managed.account.email != account.email {
                    return Ok(Err(Refused::Stale));
                }
                link.insert(db).await?;
                letter.queue(db).await?;
                let event = Event::at(now, "password.reset_asked").account(id).by(&actor);
                event.record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// Takes all second factors from an account that has lost them and ends what it opened; gives how many there were.
pub(crate) async fn reset_factors(app: &App, actor: &Actor, id: AccountId) -> Outcome<u64> {
    actor.require(permission::ACCOUNTS_RECOVER)?;
    not_oneself(actor, id)?;
    let account = super::find(app, id).await?.ok_or(Refused::NotFound)?;
    let told = letter(app, &account, &Mail::FactorsReset);
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                // Who knows the password needs no more then.
                let tenure = Tenure::read(db, id, now).await?;
                allowed!(actor.may_become(&managed.authority, &tenure));
                let administered = holds_everything(&managed.authority) && is_administered(db).await?;
                let removed = store::factors::delete_all(db, id).await?;
                // A passkey may have been the only way in.
                if administered {
                    ensure_administrator_remains(db).await?;
                }
                end_all(db, id, now).await?;
                queue(db, told.as_ref()).await?;
                let event = Event::at(now, "account.factors_reset").account(id).by(&actor);
                event.detail(json!({ "removed": removed })).record(db).await?;
                Ok(Ok(removed))
            })
            .await,
    )
}

/// Lets passwords and second factors be tried again after too many wrong ones.
pub(crate) async fn unlock(app: &App, actor: &Actor, id: AccountId) -> Outcome<()> {
    actor.require(permission::ACCOUNTS_DISABLE)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                allowed!(managed(db, &actor, id, now).await?);
                store::passwords::forget_failures(db, id, None).await?;
                store::factors::forgive(db, id).await?;
                let event = Event::at(now, "account.unlocked").account(id).by(&actor);
                event.record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}
