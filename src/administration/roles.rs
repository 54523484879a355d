//! Roles: who may make, change and remove them. Nobody gives a role what they do not hold for good, nobody touches one
//! that holds more than they do, and somebody who may do everything always remains.

use std::collections::BTreeSet;

use protocol::permission;
use protocol::role::Role;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{Conn, StoreError, locks, roles};
use utoipa::ToSchema;

use super::catalogue::{changed, check_name, check_names, check_sentence, cut};
use super::listing::{Listed, Slice};
use super::{
    Actor, Expected, Outcome, Refused, ensure_administrator_remains, groups, lock_administrators, settle,
};
use crate::app::App;
use crate::audit::Event;

mod explain;

pub(crate) use explain::{EffectivePermission, explain};

/// A role as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Role)]
pub(crate) struct RoleView {
    /// The name accounts hold it by.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// The permissions it carries; `*` stands for each there is.
    pub(crate) permissions: BTreeSet<String>,
    /// Whether its holders must prove a second factor.
    #[schema(value_type = Option<super::catalogue::MfaPolicyName>)]
    pub(crate) mfa: Option<MfaPolicy>,
    /// What keeps it: `file` for the declarative files.
    pub(crate) managed_by: Option<String>,
}

impl From<(Role, Option<String>)> for RoleView {
    fn from((role, managed_by): (Role, Option<String>)) -> RoleView {
        RoleView {
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            mfa: role.mfa,
            managed_by,
        }
    }
}

/// A role and how many accounts hold it now, by themselves or through groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct RoleDetail {
    /// The role.
    #[serde(flatten)]
    pub(crate) role: RoleView,
    /// How many accounts hold it.
    pub(crate) holders: i64,
}

impl RoleDetail {
    async fn read(
        db: &mut Conn,
        found: (Role, Option<String>),
        now: Timestamp,
    ) -> Result<RoleDetail, StoreError> {
        let holders = roles::count_holders(db, &found.0.name, now).await?;
        Ok(RoleDetail {
            role: found.into(),
            holders,
        })
    }
}

/// Which roles to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Those whose name or description holds this text.
    pub(crate) text: Option<String>,
    /// Those that carry this permission.
    pub(crate) permission: Option<String>,
}

/// What to change about a role; what is absent stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// What it is for.
    pub(crate) description: Option<String>,
    /// The permissions it carries, all of them.
    pub(crate) permissions: Option<BTreeSet<String>>,
    /// Whether its holders must prove a second factor.
    pub(crate) mfa: Option<Option<MfaPolicy>>,
}

/// The roles, by name.
pub(crate) async fn list(
    app: &App,
    actor: &Actor,
    filter: Filter,
    slice: &Slice,
) -> Outcome<Listed<RoleView>> {
    actor.require(permission::ROLES_READ)?;
    let mut all = app
        .store
        .read(async |db: &mut Conn| roles::list_managed_roles(db).await)
        .await?;
    let text = filter.text.map(|text| text.to_lowercase());
    all.retain(|(role, _)| {
        let holds = |text: &String| {
            role.name.to_lowercase().contains(text) || role.description.to_lowercase().contains(text)
        };
        text.as_ref().is_none_or(holds)
            && filter
                .permission
                .as_ref()
                .is_none_or(|permission| role.permissions.contains(permission))
    });
    let all = all.into_iter().map(RoleView::from).collect();
    cut(all, slice, |role: &RoleView| &role.name)
}

/// The role of this name.
pub(crate) async fn read(app: &App, actor: &Actor, name: &str) -> Outcome<RoleDetail> {
    actor.require(permission::ROLES_READ)?;
    let (name, now) = (name.to_owned(), app.now());
    let found = app
        .store
        .scan(
            async move |db: &mut Conn| match roles::find_role(db, &name).await? {
                Some(found) => RoleDetail::read(db, found, now).await.map(Some),
                None => Ok(None),
            },
        )
        .await?;
    Ok(found.ok_or(Refused::NotFound)?)
}

/// Makes a role. One that the configuration gives to groups is made only by who may give it to their members.
pub(crate) async fn create(app: &App, actor: &Actor, role: Role) -> Outcome<RoleDetail> {
    actor.require(permission::ROLES_WRITE)?;
    // Who is in such a group by then gets it when groups are next synchronised.
    if groups::is_mapped(&app.config, &role.name) {
        actor.require(permission::ROLES_ASSIGN)?;
    }
    let (actor, now) = (actor.clone(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| insert(db, &actor, role, now).await)
            .await,
    )
}

/// Changes a role.
pub(crate) async fn change(
    app: &App,
    actor: &Actor,
    name: &str,
    changes: Changes,
    expected: Expected,
) -> Outcome<RoleDetail> {
    let (actor, name, now) = (actor.clone(), name.to_owned(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| update(db, &actor, &name, changes, &expected, now).await)
            .await,
    )
}

/// Removes a role and takes it from its accounts.
pub(crate) async fn delete(app: &App, actor: &Actor, name: &str, expected: Expected) -> Outcome<()> {
    let (actor, name, now) = (actor.clone(), name.to_owned(), app.now());
    settle(
        app.store
            .write(async move |db: &mut Conn| remove(db, &actor, &name, &expected, now).await)
            .await,
    )
}

fn check(role: &Role) -> Result<(), Refused> {
    check_name("name", &role.name)?;
    check_names("permissions", &role.permissions)?;
    check_sentence("description", &role.description)
}

/// [`create`] in a transaction at hand.
pub(crate) async fn insert(
    db: &mut Conn,
    actor: &Actor,
    role: Role,
    now: Timestamp,
) -> Result<Result<RoleDetail, Refused>, StoreError> {
    let allowed = || {
        actor.require(permission::ROLES_WRITE)?;
        check(&role)?;
        actor.may_give_for_good(&role.permissions)
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    if !roles::insert_role(db, &role, None).await? {
        return Ok(Err(Refused::Conflict("the name")));
    }
    let event = Event::at(now, "role.created").by(actor).detail(json!(role));
    event.record(db).await?;
    RoleDetail::read(db, (role, None), now).await.map(Ok)
}

/// [`change`] in a transaction at hand.
pub(crate) async fn update(
    db: &mut Conn,
    actor: &Actor,
    name: &str,
    changes: Changes,
    expected: &Expected,
    now: Timestamp,
) -> Result<Result<RoleDetail, Refused>, StoreError> {
    if let Err(refused) = actor.require(permission::ROLES_WRITE) {
        return Ok(Err(refused));
    }
    locks::lock_apply(db).await?;
    lock_administrators(db).await?;
    let Some((old, mark)) = roles::find_role(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let shown = RoleDetail::read(db, (old.clone(), mark.clone()), now).await?;
    let new = Role {
        name: old.name.clone(),
        description: changes.description.unwrap_or_else(|| old.description.clone()),
        permissions: changes.permissions.unwrap_or_else(|| old.permissions.clone()),
        mfa: changes.mfa.unwrap_or(old.mfa),
    };
    let allowed = || {
        expected.check(&shown)?;
        check(&new)?;
        // Its holders lose as well as get.
        actor.may_take(&old.permissions)?;
        let permissions = new.permissions.iter();
        actor.may_give_for_good(permissions.filter(|name| !permission::covers(&old.permissions, name)))
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    let members = changed(&old, &new);
    if !members.is_empty() {
        roles::upsert_role(db, &new, mark.as_deref()).await?;
        if old.permissions.contains(permission::ALL) && !new.permissions.contains(permission::ALL) {
            ensure_administrator_remains(db).await?;
        }
        let detail = json!({ "name": new.name, "changed": members, "before": old, "after": new });
        let event = Event::at(now, "role.updated").by(actor).detail(detail);
        event.record(db).await?;
    }
    Ok(Ok(RoleDetail {
        role: RoleView::from((new, mark)),
        ..shown
    }))
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
    lock_administrators(db).await?;
    let Some((role, mark)) = roles::find_role(db, name).await? else {
        return Ok(Err(Refused::NotFound));
    };
    let shown = RoleDetail::read(db, (role.clone(), mark), now).await?;
    let allowed = || {
        actor.may_take(&role.permissions)?;
        expected.check(&shown)
    };
    if let Err(refused) = allowed() {
        return Ok(Err(refused));
    }
    roles::delete_role(db, name).await?;
    if role.permissions.contains(permission::ALL) {
        ensure_administrator_remains(db).await?;
    }
    let event = Event::at(now, "role.deleted").by(actor).detail(json!(role));
    event.record(db).await?;
    Ok(Ok(()))
}
