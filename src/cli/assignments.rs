//! `chancery account grant-role` and `revoke-role`: which account holds which role, and until when.

use protocol::time::Lifetime;
use serde_json::{Map, Value, json};
use store::roles::Assignment;
use store::{Account, Conn, roles};

use super::act::actor;
use super::output::Format;
use super::{Context, Outcome, output};
use crate::administration::roles::EffectivePermission;
use crate::administration::{Refused, ensure_administrator_remains, holds_everything, lock_administrators};
use crate::audit::Event;
use crate::pages::machine_time;

/// Adds what an account may do, and through what: in words for people.
pub(super) fn show(fields: &mut Map<String, Value>, explained: &[EffectivePermission], format: Format) {
    let permissions: Vec<&str> = explained.iter().map(|held| held.permission.as_str()).collect();
    fields.insert("permissions".to_owned(), json!(permissions));
    let through = if format.json {
        json!(explained)
    } else {
        let ways = |held: &EffectivePermission| {
            let ways: Vec<String> = held.through.iter().map(ToString::to_string).collect();
            format!("{} {}", held.permission, ways.join(" and "))
        };
        json!(explained.iter().map(ways).collect::<Vec<_>>().join("; "))
    };
    fields.insert("effective_permissions".to_owned(), through);
}

/// Gives an account a role, for good or for some time.
pub(super) async fn grant(
    context: &Context,
    account: &Account,
    role: String,
    expires: Option<Lifetime>,
) -> Outcome {
    let (id, now) = (account.id, context.now);
    let expires_at = expires.map(|lifetime| now + lifetime);
    let assignment = Assignment {
        role: role.clone(),
        expires_at,
        granted_at: now,
        granted_by: Some(actor().to_string()),
    };
    let give = async move |db: &mut Conn| {
        if roles::find_role(db, &assignment.role).await?.is_none() {
            return Ok(Err(Refused::NotFound));
        }
        lock_administrators(db).await?;
        let before = roles::authority(db, id, now).await?;
        roles::assign_role(db, id, &assignment).await?;
        if assignment.expires_at.is_some() && holds_everything(&before) {
            ensure_administrator_remains(db).await?;
        }
        let detail = json!({ "role": assignment.role, "expires_at": assignment.expires_at });
        let event = Event::at(now, "account.role_given").by(&actor()).account(id);
        event.detail(detail).record(db).await.map(Ok)
    };
    context.act("role", &role, give).await?;
    let until = expires_at.map(|at| format!(" until {}", machine_time(at.0)));
    output::line(format_args!(
        "account {} holds role {role}{}",
        account.username,
        until.unwrap_or_default()
    ));
    Ok(())
}

/// Takes a role from an account.
pub(super) async fn revoke(context: &Context, account: &Account, role: String) -> Outcome {
    let (id, name, now) = (account.id, role.clone(), context.now);
    let take = async move |db: &mut Conn| {
        lock_administrators(db).await?;
        let before = roles::authority(db, id, now).await?;
        if !roles::unassign_role(db, id, &name).await? {
            return Ok(Ok(false));
        }
        if holds_everything(&before) {
            ensure_administrator_remains(db).await?;
        }
        let event = Event::at(now, "account.role_taken").by(&actor()).account(id);
        let detail = json!({ "role": name });
        event.detail(detail).record(db).await.map(|()| Ok(true))
    };
    let username = &account.username;
    if context.act("role", &role, take).await? {
        output::line(format_args!("account {username} holds role {role} no more"));
    } else {
        output::line(format_args!(
            "account {username} does not hold role {role} by itself"
        ));
    }
    Ok(())
}
