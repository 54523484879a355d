//! Giving accounts roles and permissions, and taking them away. Nobody gives or takes what they do not hold, gives it
//! for longer than they hold it, nor changes what they themselves hold; who holds everything may do the last.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::permission;
use protocol::time::Timestamp;
use serde_json::json;
use store::accounts::permissions;
use store::roles::{self, Assignment};
use store::{Conn, StoreError};

use super::{Managed, managed};
use crate::administration::catalogue::check_name;
use crate::administration::{
    Actor, Outcome, Refused, ensure_administrator_remains, holds_everything, settle,
};
use crate::app::App;
use crate::audit::Event;

fn may_assign(actor: &Actor, id: AccountId) -> Result<(), Refused> {
    actor.require(permission::ROLES_ASSIGN)?;
    if actor.account() == Some(id) && !holds_everything(&actor.authority) {
        return Err(Refused::Oneself);
    }
    Ok(())
}

/// The account and what a role carries, when the actor may touch both.
async fn managed_with_role(
    db: &mut Conn,
    actor: &Actor,
    id: AccountId,
    role: &str,
    now: Timestamp,
) -> Result<Result<(Managed, BTreeSet<String>), Refused>, StoreError> {
    let managed = allowed!(managed(db, actor, id, now).await?);
    let Some((role, _)) = roles::find_role(db, role).await? else {
        return Ok(Err(Refused::NotFound));
    };
    allowed!(actor.may_take(&role.permissions));
    Ok(Ok((managed, role.permissions)))
}

/// Takes the change back when it left nobody who may do everything.
async fn keep_administrator(db: &mut Conn, managed: &Managed) -> Result<(), StoreError> {
    if holds_everything(&managed.authority) {
        ensure_administrator_remains(db).await?;
    }
    Ok(())
}

/// Gives an account a role, for good or until a moment; one that it holds gets the new end.
pub(crate) async fn give_role(
    app: &App,
    actor: &Actor,
    id: AccountId,
    role: &str,
    expires_at: Option<Timestamp>,
) -> Outcome<()> {
    may_assign(actor, id)?;
    let now = app.now();
    if expires_at.is_some_and(|at| at <= now) {
        return Err(Refused::invalid("expires_at", "must be in the future").into());
    }
    let (actor, role) = (actor.clone(), role.to_owned());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let (managed, carried) = allowed!(managed_with_role(db, &actor, id, &role, now).await?);
                allowed!(actor.may_give(&carried, expires_at));
                let assignment = Assignment {
                    role: role.clone(),
                    expires_at,
                    granted_at: now,
                    granted_by: Some(actor.to_string()),
                };
                roles::assign_role(db, id, &assignment).await?;
                if expires_at.is_some() {
                    keep_administrator(db, &managed).await?;
                }
                let detail = json!({ "role": role, "expires_at": expires_at });
                let event = Event::at(now, "account.role_given").account(id).by(&actor);
                event.detail(detail).record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// Takes a role from an account that holds it by itself.
pub(crate) async fn take_role(app: &App, actor: &Actor, id: AccountId, role: &str) -> Outcome<()> {
    may_assign(actor, id)?;
    let (actor, role, now) = (actor.clone(), role.to_owned(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let (managed, _) = allowed!(managed_with_role(db, &actor, id, &role, now).await?);
                if !roles::unassign_role(db, id, &role).await? {
                    return Ok(Err(Refused::NotFound));
                }
                keep_administrator(db, &managed).await?;
                let event = Event::at(now, "account.role_taken").account(id).by(&actor);
                event.detail(json!({ "role": role })).record(db).await?;
                Ok(Ok(()))
            })
            .await,
    )
}

/// Gives an account a permission of its own.
pub(crate) async fn give_permission(
    app: &App,
    actor: &Actor,
    id: AccountId,
    permission: &str,
) -> Outcome<()> {
    may_assign(actor, id)?;
    check_name("permission", permission)?;
    actor.may_give_for_good([&permission.to_owned()])?;
    let (actor, permission, now) = (actor.clone(), permission.to_owned(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                allowed!(managed(db, &actor, id, now).await?);
                if permissions::insert_permission(db, id, &permission).await? {
                    let event = Event::at(now, "account.permission_given").account(id).by(&actor);
                    event
                        .detail(json!({ "permission": permission }))
                        .record(db)
                        .await?;
                }
                Ok(Ok(()))
            })
            .await,
    )
}

/// Takes a permission from an account that has it of its own.
pub(crate) async fn take_permission(
    app: &App,
    actor: &Actor,
    id: AccountId,
    permission: &str,
) -> Outcome<()> {
    may_assign(actor, id)?;
    actor.may_take([&permission.to_owned()])?;
    let (actor, permission, now) = (actor.clone(), permission.to_owned(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| {
                let managed = allowed!(managed(db, &actor, id, now).await?);
                if !permissions::delete_permission(db, id, &permission).await? {
                    return Ok(Err(Refused::NotFound));
                }
                keep_administrator(db, &managed).await?;
                let event = Event::at(now, "account.permission_taken").account(id).by(&actor);
                event
                    .detail(json!({ "permission": permission }))
                    .record(db)
                    .await?;
                Ok(Ok(()))
            })
            .await,
    )
}
