//! Scopes that clients may ask for. What a scope requires decides who can give it, and a client that acts for itself
//! has what its scopes require: nobody lets a scope require, or require no more, what they do not hold, and no change of a
//! scope gives a client more than it was registered with.

use std::collections::BTreeSet;

use protocol::permission;
use protocol::role::ScopeDefinition;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{Conn, StoreError, locks, roles};
use utoipa::ToSchema;

use super::catalogue::{changed, check_names, check_sentence, cut, write};
use super::listing::{Listed, Slice};
use super::{Actor, Expected, Outcome, Refused, clients};
use crate::app::App;
use crate::audit::Event;
use crate::declarative::check_scope_name;

/// A scope as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Scope)]
pub(crate) struct ScopeView {
    /// The scope token.
    pub(crate) name: String,
    /// What it allows, in words for the consent page.
    pub(crate) description: String,
    /// The permissions that an account must hold to give it, all of them.
    pub(crate) requires: BTreeSet<String>,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl From<(ScopeDefinition, Option<String>)> for ScopeView {
    fn from((scope, managed_by): (ScopeDefinition, Option<String>)) -> ScopeView {
        ScopeView {
            name: scope.name,
            description: scope.description,
            requires: scope.requires,
            managed_by,
        }
    }
}

/// What to change about a scope; what is absent stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// What it allows.
    pub(crate) description: Option<String>,
    /// The permissions that an account must hold, all of them.
    pub(crate) requires: Option<BTreeSet<String>>,
}

/// The scopes beside the standard ones and the server's own, by name.
pub(crate) async fn list(app: &App, actor: &Actor, slice: &Slice) -> Outcome<Listed<ScopeView>> {
    actor.require(permission::ROLES_READ)?;
    let all = app
        .store
        .read(async |db: &mut Conn| roles::list_managed_scopes(db).await)
        .await?;
    let all = all.into_iter().map(ScopeView::from).collect();
    cut(all, slice, |scope: &ScopeView| &scope.name)
}

/// The scope of this name.
pub(crate) async fn read(app: &App, actor: &Actor, name: &str) -> Outcome<ScopeView> {
    actor.require(permission::ROLES_READ)?;
    let name = name.to_owned();
    let found = app
        .store
        .read(async move |db: &mut Conn| roles::find_scope(db, &name).await)
        .await?;
    Ok(found.map(ScopeView::from).ok_or(Refused::NotFound)?)
}

/// Defines a scope.
pub(crate) async fn create(app: &App, actor: &Actor, scope: ScopeDefinition) -> Outcome<ScopeView> {
    let (actor, now) = (actor.clone(), app.now());
    write(app, async move |db: &mut Conn| {
        insert(db, &actor, scope, now).await
    })
    .await
}

/// Changes a scope.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    name: &str,
    changes: Changes,
    expected: Expected,
) -> Outcome<ScopeView> {
    let (actor, name, now) = (actor.clone(), name.to_owned(), app.now());
    write(app, async move |db: &mut Conn| {
        update(db, &actor, &name, changes, &expected, now).await
    })
    .await
}

/// Removes a scope; nobody is given it any more.
pub(crate) async fn delete(app: &App, actor: &Actor, name: &str, expected: Expected) -> Outcome<()> {
    let (actor, name, now) = (actor.clone(), name.to_owned(), app.now());
    write(app, async move |db: &mut Conn| {
        remove(db, &actor, &name, &expected, now).await
    })
    .await
}

fn check(scope: &ScopeDefinition) -> Result<(), Refused> {
    check_scope_name(&scope.name).map_err(|problem| Refused::invalid("name", problem))?;
    check_names("requires", &scope.requires)?;
    check_sentence("description", &scope.description)
}

/// Refuses a scope by which clients would get more than whoever registered them gave.
async fn check_clients(db: &mut Conn, scope: &ScopeDefinition) -> Result<Result<(), Refused>, StoreError> {
    let registered = store::clients::list(db).await?;
    let definitions = roles::list_scopes(db).await?;
    let registered = registered.iter().map(|stored| &stored.client);
    Ok(clients::check_gain(registered, &definitions, scope))
}

/// [`create`] in a transaction at hand.
pub(crate) async fn insert(
    db: &mut Conn,
    actor: &Actor,
    scope: ScopeDefinition,
    now: Timestamp,
) -> Result<Result<ScopeView, Refused>, StoreError> {
    let allowed = || {
        actor.require(permission::ROLES_WRITE)?;
        check(&scope)?;
        actor.may_give_for_good(&scope.requires)
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    if roles::find_scope(db, &scope.name).await?.is_some() {
        return Ok(Err(Refused::Conflict("the name")));
    }
    if let Err(refused) = check_clients(db, &scope).await? {
        return Ok(Err(refused));
    }
    roles::insert_scope(db, &scope, None).await?;
    let event = Event::at(now, "scope.created").by(actor).detail(json!(scope));
    event.record(db).await?;
    Ok(Ok(ScopeView::from((scope, None))))
}

/// [`change`] in a transaction at hand.
pub(crate) async fn update(
    db: &mut Conn,
    actor: &Actor,
    name: &str,
    changes: Changes,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<ScopeView, Refused>, StoreError> {
    if let Err(refused) = actor.require(permission::ROLES_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some((old, mark)) = roles::find_scope(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let new = ScopeDefinition {
        name: old.name.clone(),
        description: changes.description.unwrap_or_else(|| old.description.clone()),
        requires: changes.requires.unwrap_or_else(|| old.requires.clone()),
    };
    let allowed = || {
        expected.check(&ScopeView::from((old.clone(), mark.clone())))?;
        check(&new)?;
        actor.may_take(old.requires.union(&new.requires))?;
        // What it requires no more is given to all who lack it, and what it requires now to clients that act for themselves.
        actor.may_give_for_good(old.requires.symmetric_difference(&new.requires))
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    if let Err(refused) = check_clients(db, &new).await? {
        return Ok(Err(refused));
    }
    let members = changed(&old, &new);
    if !members.is_empty() {
        roles::upsert_scope(db, &new, mark.as_deref()).await?;
        let detail = json!({ "name": new.name, "changed": members, "before": old, "after": new });
        let event = Event::at(now, "scope.updated").by(actor).detail(detail);
        event.record(db).await?;
    }
    Ok(Ok(ScopeView::from((new, mark))))
}

/// [`delete`] in a transaction at hand.
pub(crate) async fn remove(
    db: &mut Conn,
    actor: &Actor,
    name: &str,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    if let Err(refused) = actor.require(permission::ROLES_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    let Some((scope, mark)) = roles::find_scope(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let allowed = || {
        // Defined again, it could require less.
        actor.may_give_for_good(&scope.requires)?;
        expected.check(&ScopeView::from((scope.clone(), mark)))
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    roles::delete_scope(db, name).await?;
    let event = Event::at(now, "scope.deleted").by(actor).detail(json!(scope));
    event.record(db).await?;
    Ok(Ok(()))
}
