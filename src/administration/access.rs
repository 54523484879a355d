//! Who owns things of other systems, and who was given what on them. An owner may do everything to a thing, so making
//! one is for who owns it or holds everything on things of its type; nobody else gives or takes what they do not hold,
//! or gives it for longer than they hold it.

use protocol::access::{Entity, ID_LENGTH, NAME_LENGTH, TYPE_LENGTH, is_text, ownership, permission_for};
use protocol::id::AccountId;
use protocol::permission::{ACCESS_READ, ACCESS_WRITE};
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::owned_resources::{self, OwnedResource};
use store::resource_permissions::{self, ResourcePermission};
use store::{Conn, StoreError};
use utoipa::ToSchema;
use uuid::Uuid;

use super::listing::{Listed, Slice};
use super::{Actor, Expected, Outcome, Refused, settle};
use crate::app::App;
use crate::audit::Event;

/// The most permissions that are given on one thing.
const MAX_PERMISSIONS: i64 = 10_000;

/// A thing of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OwnedResource)]
pub(crate) struct ResourceView {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Its identifier.
    pub(crate) id: String,
    /// The account that owns it.
    pub(crate) owner: Option<Uuid>,
    /// Since when it is known.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
    /// When its owner last changed.
    #[schema(value_type = i64)]
    pub(crate) updated_at: Timestamp,
}

impl From<OwnedResource> for ResourceView {
    fn from(found: OwnedResource) -> ResourceView {
        ResourceView {
            kind: found.entity.kind,
            id: found.entity.id,
            owner: found.owner.map(|owner| owner.0),
            created_at: found.created_at,
            updated_at: found.updated_at,
        }
    }
}

/// A permission on one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ResourcePermission)]
pub(crate) struct PermissionView {
    /// The account that holds it.
    pub(crate) account: Uuid,
    /// The permission; `*` stands for each there is.
    pub(crate) permission: String,
    /// When it is not held any more.
    #[schema(value_type = Option<i64>)]
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was given.
    #[schema(value_type = i64)]
    pub(crate) granted_at: Timestamp,
    /// Who gave it.
    pub(crate) granted_by: Option<String>,
}

impl From<ResourcePermission> for PermissionView {
    fn from(given: ResourcePermission) -> PermissionView {
        PermissionView {
            account: given.account.0,
            permission: given.permission,
            expires_at: given.expires_at,
            granted_at: given.granted_at,
            granted_by: given.granted_by,
        }
    }
}

/// A permission of an account on a thing, to be given or taken.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The thing.
    pub(crate) thing: Entity,
    /// The account.
    pub(crate) account: AccountId,
    /// The permission, or an action on things of this type.
    pub(crate) permission: String,
}

/// Refuses what can be no thing.
fn check(thing: &Entity) -> Result<(), Refused> {
    for (member, text, length) in [("type", &thing.kind, TYPE_LENGTH), ("id", &thing.id, ID_LENGTH)] {
        if !is_text(text, length) {
            let problem = format!("must be 1 to {length} characters without control characters");
            return Err(Refused::invalid(member, problem));
        }
    }
    Ok(())
}

fn check_permission(permission: &str) -> Result<(), Refused> {
    if is_text(permission, NAME_LENGTH) && permission.is_ascii() && !permission.contains([' ', '"', '\\']) {
        return Ok(());
    }
    let problem =
        format!("must be 1 to {NAME_LENGTH} characters of ASCII without spaces, quotes and backslashes");
    Err(Refused::invalid("permission", problem))
}

fn owns(actor: &Actor, owner: Option<AccountId>) -> bool {
    owner.is_some() && actor.account() == owner
}

/// Whether an actor may give this on a thing with this owner, for good or until a moment.
fn may_give(
    actor: &Actor,
    owner: Option<AccountId>,
    permission: &str,
    expires_at: Option<Timestamp>,
) -> Result<(), Refused> {
    if owns(actor, owner) {
        return Ok(());
    }
    actor.may_give([&permission.to_owned()], expires_at)
}

/// Whether an actor may take this on a thing with this owner.
fn may_take(actor: &Actor, owner: Option<AccountId>, permission: &str) -> Result<(), Refused> {
    if owns(actor, owner) {
        return Ok(());
    }
    actor.may_take([&permission.to_owned()])
}

/// The thing, as it is known here.
pub(crate) async fn read(app: &App, actor: &Actor, thing: Entity) -> Outcome<ResourceView> {
    actor.require(ACCESS_READ)?;
    check(&thing).map_err(|_| Refused::NotFound)?;
    let found = app
        .store
        .read(async move |db: &mut Conn| owned_resources::find(db, &thing.kind, &thing.id).await)
        .await?;
    Ok(found.map(ResourceView::from).ok_or(Refused::NotFound)?)
}

/// Makes a thing known, or gives it another owner; whether it is new comes with it.
pub(crate) async fn set_owner(
    app: &App,
    actor: &Actor,
    thing: Entity,
    owner: Option<AccountId>,
    expected: Expected,
) -> Outcome<(ResourceView, bool)> {
    actor.require(ACCESS_WRITE)?;
    check(&thing)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| put(db, &actor, &thing, owner, &expected, now).await)
            .await,
    )
}

async fn put(
    db: &mut Conn,
    actor: &Actor,
    thing: &Entity,
    owner: Option<AccountId>,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<(ResourceView, bool), Refused>, StoreError> {
    let Entity { kind, id } = thing;
    let found = owned_resources::find_locked(db, kind, id).await?;
    let before = found.as_ref().and_then(|found| found.owner);
    let is_new = found.is_none();
    let allowed = || {
        match found.clone() {
            Some(found) => expected.check(&ResourceView::from(found))?,
            None if *expected != Expected::Any => return Err(Refused::Stale),
            None => {}
        }
        if before == owner {
            return Ok(());
        }
        match owner {
            Some(_) => may_give(actor, before, &ownership(kind), None),
            None => may_take(actor, before, &ownership(kind)),
        }
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    if let Some(owner) = owner
        && store::accounts::find_locked(db, owner).await?.is_none()
    {
        return Ok(Err(Refused::NotFound));
    }
    let event = if is_new {
        if !owned_resources::insert(db, kind, id, owner, now).await? {
            return Ok(Err(Refused::Conflict("the thing")));
        }
        Some("resource.created")
    } else if before != owner {
        owned_resources::update_owner(db, kind, id, owner, now).await?;
        Some("resource.owner_changed")
    } else {
        None
    };
    if let Some(name) = event {
        let detail = json!({ "type": kind, "id": id, "before": before, "owner": owner });
        let mut event = Event::at(now, name).by(actor).detail(detail);
        if let Some(account) = owner.or(before) {
            event = event.account(account);
        }
        event.record(db).await?;
    }
    let now_known = owned_resources::find(db, kind, id).await?;
    Ok(now_known
        .map(|found| (ResourceView::from(found), is_new))
        .ok_or(Refused::NotFound))
}

/// Forgets a thing, with its owner and every permission on it.
pub(crate) async fn delete(app: &App, actor: &Actor, thing: Entity, expected: Expected) -> Outcome<()> {
    actor.require(ACCESS_WRITE)?;
    check(&thing).map_err(|_| Refused::NotFound)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| remove(db, &actor, &thing, &expected, now).await)
            .await,
    )
}

async fn remove(
    db: &mut Conn,
    actor: &Actor,
    thing: &Entity,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    let Entity { kind, id } = thing;
    let Some(found) = owned_resources::find_locked(db, kind, id).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let given = resource_permissions::count(db, kind, id).await?;
    let owner = found.owner;
    let allowed = || {
        expected.check(&ResourceView::from(found))?;
        if owner.is_none() && given == 0 {
            return Ok(());
        }
        may_take(actor, owner, &ownership(kind))
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    owned_resources::delete(db, kind, id).await?;
    let detail = json!({ "type": kind, "id": id, "owner": owner, "permissions": given });
    let event = Event::at(now, "resource.deleted").by(actor).detail(detail);
    event.record(db).await?;
    Ok(Ok(()))
}

/// The permissions on a thing, by account and name.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    thing: Entity,
    slice: &Slice,
) -> Outcome<Listed<PermissionView>> {
    actor.require(ACCESS_READ)?;
    check(&thing).map_err(|_| Refused::NotFound)?;
    let position = slice.position::<(AccountId, String)>()?;
    let (account, name) = position.unwrap_or((AccountId(Uuid::nil()), String::new()));
    let rows = slice.rows();
    let found = app
        .store
        .scan(async move |db: &mut Conn| {
            let Entity { kind, id } = &thing;
            if owned_resources::find(db, kind, id).await?.is_none() {
                return Ok(None);
            }
            let after = (account, name.as_str());
            resource_permissions::list(db, kind, id, after, rows)
                .await
                .map(Some)
        })
        .await?;
    let found = found.ok_or(Refused::NotFound)?;
    let listed = slice.cut(found, |last| (last.account, last.permission.clone()))?;
    Ok(listed.map(PermissionView::from))
}

/// Gives a permission on a thing, or changes until when it is held.
pub(crate) async fn grant(
    app: &App,
    actor: &Actor,
    given: Given,
    expires_at: Option<Timestamp>,
) -> Outcome<PermissionView> {
    actor.require(ACCESS_WRITE)?;
    check(&given.thing).map_err(|_| Refused::NotFound)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| give(db, &actor, &given, expires_at, now).await)
            .await,
    )
}

async fn give(
    db: &mut Conn,
    actor: &Actor,
    given: &Given,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Result<PermissionView, Refused>, StoreError> {
    let Entity { kind, id } = &given.thing;
    let Some(found) = owned_resources::find_locked(db, kind, id).await? else {
        return Ok(Err(Refused::NotFound));
    };
    if let Err(refused) = check_permission(&given.permission) {
        return Ok(Err(refused));
    }
    let permission = permission_for(kind, &given.permission);
    if let Err(refused) = may_give(actor, found.owner, &permission, expires_at) {
        return Ok(Err(refused));
    }
    if expires_at.is_some_and(|at| at <= now) {
        return Ok(Err(Refused::invalid("expires_at", "must be in the future")));
    }
    if store::accounts::find_locked(db, given.account).await?.is_none() {
        return Ok(Err(Refused::NotFound));
    }
    if resource_permissions::count(db, kind, id).await? >= MAX_PERMISSIONS {
        let problem = format!("at most {MAX_PERMISSIONS} can be given on one thing");
        return Ok(Err(Refused::invalid("permission", problem)));
    }
    let new = ResourcePermission {
        account: given.account,
        permission,
        expires_at,
        granted_at: now,
        granted_by: Some(actor.to_string()),
    };
    resource_permissions::grant(db, kind, id, &new).await?;
    let detail = json!({ "type": kind, "id": id, "permission": new.permission, "expires_at": expires_at });
    let event = Event::at(now, "resource.permission_granted").by(actor);
    event.account(given.account).detail(detail).record(db).await?;
    Ok(Ok(PermissionView::from(new)))
}

/// Takes a permission on a thing.
pub(crate) async fn revoke(app: &App, actor: &Actor, given: Given) -> Outcome<()> {
    actor.require(ACCESS_WRITE)?;
    check(&given.thing).map_err(|_| Refused::NotFound)?;
    check_permission(&given.permission).map_err(|_| Refused::NotFound)?;
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| take(db, &actor, &given, now).await)
            .await,
    )
}

async fn take(
    db: &mut Conn,
    actor: &Actor,
    given: &Given,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    let Entity { kind, id } = &given.thing;
    let Some(found) = owned_resources::find_locked(db, kind, id).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let permission = permission_for(kind, &given.permission);
    let held = resource_permissions::find(db, kind, id, given.account, &permission).await?;
    if held.is_none() {
        return Ok(Err(Refused::NotFound));
    }
    if let Err(refused) = may_take(actor, found.owner, &permission) {
        return Ok(Err(refused));
    }
    resource_permissions::revoke(db, kind, id, given.account, &permission).await?;
    let detail = json!({ "type": kind, "id": id, "permission": permission });
    let event = Event::at(now, "resource.permission_revoked").by(actor);
    event.account(given.account).detail(detail).record(db).await?;
    Ok(Ok(()))
}
