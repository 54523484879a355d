//! Roles, permissions, scopes and resource servers, and which account holds what.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::role::{Authority, ResourceServer, Role, ScopeDefinition};
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{
    account_permissions, account_roles, group_members, group_roles, resources, roles, scopes,
};
use crate::types::{Doc, Uid};

mod held;

pub use held::{HeldRole, count_holders, list_held};

/// The names of the roles that an account holds by itself at a moment.
macro_rules! assigned {
    ($id:expr, $now:expr) => {
        account_roles::table
            .filter(account_roles::account_id.eq(Uid($id.0)))
            .filter(
                account_roles::expires_at
                    .is_null()
                    .or(account_roles::expires_at.gt($now.0)),
            )
            .select(account_roles::role)
    };
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = roles, treat_none_as_null = true)]
struct RoleRow {
    name: String,
    description: String,
    permissions: Doc,
    managed_by: Option<String>,
    mfa: Option<String>,
}

impl RoleRow {
    fn new(role: &Role, managed_by: Option<&str>) -> Result<RoleRow, StoreError> {
        Ok(RoleRow {
            name: role.name.clone(),
            description: role.description.clone(),
            permissions: Doc::of(&role.permissions)?,
            managed_by: managed_by.map(str::to_owned),
            mfa: role.mfa.map(|policy| policy.as_str().to_owned()),
        })
    }

    fn read(self) -> Result<(Role, Option<String>), StoreError> {
        let role = Role {
            name: self.name,
            description: self.description,
            permissions: self.permissions.read("role")?,
            mfa: self.mfa.as_deref().and_then(MfaPolicy::parse),
        };
        Ok((role, self.managed_by))
    }
}

/// All roles by name, each with what keeps it.
pub async fn list_managed_roles(db: &mut Conn) -> Result<Vec<(Role, Option<String>)>, StoreError> {
    let query = roles::table.order(roles::name);
    let rows: Vec<RoleRow> = db!(db, |c| query.select(RoleRow::as_select()).load(c).await)?;
    rows.into_iter().map(RoleRow::read).collect()
}

/// The role of this name, with what keeps it.
pub async fn find_role(db: &mut Conn, name: &str) -> Result<Option<(Role, Option<String>)>, StoreError> {
    let query = roles::table.find(name);
    let row: Option<RoleRow> = db!(db, |c| query
        .select(RoleRow::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(RoleRow::read).transpose()
}

/// Adds a role; false when the name is taken.
pub async fn insert_role(db: &mut Conn, role: &Role, managed_by: Option<&str>) -> Result<bool, StoreError> {
    changes::note(changes::ROLES);
    let row = RoleRow::new(role, managed_by)?;
    let added = db!(db, |c| diesel::insert_into(roles::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// All roles by name.
pub async fn list_roles(db: &mut Conn) -> Result<Vec<Role>, StoreError> {
    Ok(list_managed_roles(db)
        .await?
        .into_iter()
        .map(|(role, _)| role)
        .collect())
}

/// Adds or replaces a role.
pub async fn upsert_role(db: &mut Conn, role: &Role, managed_by: Option<&str>) -> Result<(), StoreError> {
    changes::note(changes::ROLES);
    let (new, set) = (RoleRow::new(role, managed_by)?, RoleRow::new(role, managed_by)?);
    db!(db, |c| diesel::insert_into(roles::table)
        .values(new)
        .on_conflict(roles::name)
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Removes a role and takes it from its accounts; false when there is none.
pub async fn delete_role(db: &mut Conn, name: &str) -> Result<bool, StoreError> {
    changes::note(changes::ROLES);
    let target = roles::table.filter(roles::name.eq(name));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = scopes, treat_none_as_null = true)]
struct ScopeRow {
    name: String,
    description: String,
    requires: Doc,
    managed_by: Option<String>,
}

impl ScopeRow {
    fn new(scope: &ScopeDefinition, managed_by: Option<&str>) -> Result<ScopeRow, StoreError> {
        Ok(ScopeRow {
            name: scope.name.clone(),
            description: scope.description.clone(),
            requires: Doc::of(&scope.requires)?,
            managed_by: managed_by.map(str::to_owned),
        })
    }

    fn read(self) -> Result<(ScopeDefinition, Option<String>), StoreError> {
        let scope = ScopeDefinition {
            name: self.name,
            description: self.description,
            requires: self.requires.read("scope")?,
        };
        Ok((scope, self.managed_by))
    }
}

/// All scopes by name, each with what keeps it.
pub async fn list_managed_scopes(
    db: &mut Conn,
) -> Result<Vec<(ScopeDefinition, Option<String>)>, StoreError> {
    let query = scopes::table.order(scopes::name);
    let rows: Vec<ScopeRow> = db!(db, |c| query.select(ScopeRow::as_select()).load(c).await)?;
    rows.into_iter().map(ScopeRow::read).collect()
}

/// The scope of this name, with what keeps it.
pub async fn find_scope(
    db: &mut Conn,
    name: &str,
) -> Result<Option<(ScopeDefinition, Option<String>)>, StoreError> {
    let query = scopes::table.find(name);
    let row: Option<ScopeRow> = db!(db, |c| query
        .select(ScopeRow::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(ScopeRow::read).transpose()
}

/// Adds a scope; false when the name is taken.
pub async fn insert_scope(
    db: &mut Conn,
    scope: &ScopeDefinition,
    managed_by: Option<&str>,
) -> Result<bool, StoreError> {
    let row = ScopeRow::new(scope, managed_by)?;
    let added = db!(db, |c| diesel::insert_into(scopes::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// All scopes by name.
pub async fn list_scopes(db: &mut Conn) -> Result<Vec<ScopeDefinition>, StoreError> {
    Ok(list_managed_scopes(db)
        .await?
        .into_iter()
        .map(|(scope, _)| scope)
        .collect())
}

/// Adds or replaces a scope.
pub async fn upsert_scope(
    db: &mut Conn,
    scope: &ScopeDefinition,
    managed_by: Option<&str>,
) -> Result<(), StoreError> {
    let (new, set) = (
        ScopeRow::new(scope, managed_by)?,
        ScopeRow::new(scope, managed_by)?,
    );
    db!(db, |c| diesel::insert_into(scopes::table)
        .values(new)
        .on_conflict(scopes::name)
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Removes a scope; false when there is none.
pub async fn delete_scope(db: &mut Conn, name: &str) -> Result<bool, StoreError> {
    let target = scopes::table.filter(scopes::name.eq(name));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = resources, treat_none_as_null = true)]
struct ResourceRow {
    identifier: String,
    scopes: Doc,
    managed_by: Option<String>,
}

impl ResourceRow {
    fn new(resource: &ResourceServer, managed_by: Option<&str>) -> Result<ResourceRow, StoreError> {
        Ok(ResourceRow {
            identifier: resource.identifier.clone(),
            scopes: Doc::of(&resource.scopes)?,
            managed_by: managed_by.map(str::to_owned),
        })
    }

    fn read(self) -> Result<(ResourceServer, Option<String>), StoreError> {
        let resource = ResourceServer {
            identifier: self.identifier,
            scopes: self.scopes.read("resource")?,
        };
        Ok((resource, self.managed_by))
    }
}

/// All resource servers by identifier, each with what keeps it.
pub async fn list_managed_resources(
    db: &mut Conn,
) -> Result<Vec<(ResourceServer, Option<String>)>, StoreError> {
    let query = resources::table.order(resources::identifier);
    let rows: Vec<ResourceRow> = db!(db, |c| query.select(ResourceRow::as_select()).load(c).await)?;
    rows.into_iter().map(ResourceRow::read).collect()
}

/// The resource server with this identifier, with what keeps it.
pub async fn find_resource(
    db: &mut Conn,
    identifier: &str,
) -> Result<Option<(ResourceServer, Option<String>)>, StoreError> {
    let query = resources::table.find(identifier);
    let row: Option<ResourceRow> = db!(db, |c| query
        .select(ResourceRow::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(ResourceRow::read).transpose()
}

/// Adds a resource server; false when the identifier is taken.
pub async fn insert_resource(
    db: &mut Conn,
    resource: &ResourceServer,
    managed_by: Option<&str>,
) -> Result<bool, StoreError> {
    let row = ResourceRow::new(resource, managed_by)?;
    let added = db!(db, |c| diesel::insert_into(resources::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// All resource servers by identifier.
pub async fn list_resources(db: &mut Conn) -> Result<Vec<ResourceServer>, StoreError> {
    Ok(list_managed_resources(db)
        .await?
        .into_iter()
        .map(|(resource, _)| resource)
        .collect())
}

/// Adds or replaces a resource server.
pub async fn upsert_resource(
    db: &mut Conn,
    resource: &ResourceServer,
    managed_by: Option<&str>,
) -> Result<(), StoreError> {
    let (new, set) = (
        ResourceRow::new(resource, managed_by)?,
        ResourceRow::new(resource, managed_by)?,
    );
    db!(db, |c| diesel::insert_into(resources::table)
        .values(new)
        .on_conflict(resources::identifier)
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Removes a resource server; false when there is none.
pub async fn delete_resource(db: &mut Conn, identifier: &str) -> Result<bool, StoreError> {
    let target = resources::table.filter(resources::identifier.eq(identifier));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// A role that an account holds by itself, not through a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name of the role.
    pub role: String,
    /// The moment from which it is not held any more.
    pub expires_at: Option<Timestamp>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// Who gave it, when that is known.
    pub granted_by: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = account_roles, treat_none_as_null = true)]
struct AssignmentRow {
    role: String,
    expires_at: Option<i64>,
    granted_at: i64,
    granted_by: Option<String>,
}

impl From<&Assignment> for AssignmentRow {
    fn from(assignment: &Assignment) -> AssignmentRow {
        AssignmentRow {
            role: assignment.role.clone(),
            expires_at: assignment.expires_at.map(|at| at.0),
            granted_at: assignment.granted_at.0,
            granted_by: assignment.granted_by.clone(),
        }
    }
}

/// The roles an account holds or held by itself, by name.
pub async fn list_assignments(db: &mut Conn, id: AccountId) -> Result<Vec<Assignment>, StoreError> {
    let query = account_roles::table
        .filter(account_roles::account_id.eq(Uid(id.0)))
        .order(account_roles::role);
    let rows: Vec<AssignmentRow> = db!(db, |c| query.select(AssignmentRow::as_select()).load(c).await)?;
    let read = |row: AssignmentRow| Assignment {
        role: row.role,
        expires_at: row.expires_at.map(Timestamp),
        granted_at: Timestamp(row.granted_at),
        granted_by: row.granted_by,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Gives an account a role, or changes until when it holds it. A role that does not exist is a
/// [`StoreError::Reference`].
pub async fn assign_role(db: &mut Conn, id: AccountId, assignment: &Assignment) -> Result<(), StoreError> {
    changes::note(id.0);
    let values = (
        account_roles::account_id.eq(Uid(id.0)),
        AssignmentRow::from(assignment),
    );
    let set = AssignmentRow::from(assignment);
    db!(db, |c| diesel::insert_into(account_roles::table)
        .values(values)
        .on_conflict((account_roles::account_id, account_roles::role))
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes a role from an account; false when it did not hold it.
pub async fn unassign_role(db: &mut Conn, id: AccountId, role: &str) -> Result<bool, StoreError> {
    changes::note(id.0);
    let held = account_roles::table
        .filter(account_roles::account_id.eq(Uid(id.0)))
        .filter(account_roles::role.eq(role));
    Ok(db!(db, |c| diesel::delete(held).execute(c).await)? == 1)
}

/// Gives an account exactly these roles. Those it keeps stay as they were assigned. One that does not exist is a
/// [`StoreError::Reference`].
pub async fn set_account_roles(
    db: &mut Conn,
    id: AccountId,
    names: &BTreeSet<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = list_assignments(db, id).await?;
    for gone in before.iter().filter(|held| !names.contains(&held.role)) {
        unassign_role(db, id, &gone.role).await?;
    }
    let expired = |held: &Assignment| held.expires_at.is_some_and(|at| at <= now);
    for name in names {
        if before.iter().any(|held| held.role == *name && !expired(held)) {
            continue;
        }
        let assignment = Assignment {
            role: name.clone(),
            expires_at: None,
            granted_at: now,
            granted_by: None,
        };
        assign_role(db, id, &assignment).await?;
    }
    Ok(())
}

/// Gives an account exactly these permissions besides those of its roles.
pub async fn set_account_permissions(
    db: &mut Conn,
    id: AccountId,
    names: &BTreeSet<String>,
) -> Result<(), StoreError> {
    changes::note(id.0);
    let held = account_permissions::table.filter(account_permissions::account_id.eq(Uid(id.0)));
    db!(db, |c| diesel::delete(held).execute(c).await)?;
    for name in names {
        let values = (
            account_permissions::account_id.eq(Uid(id.0)),
            account_permissions::permission.eq(name),
        );
        db!(db, |c| diesel::insert_into(account_permissions::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// The roles an account holds by itself at a moment.
pub async fn account_roles(
    db: &mut Conn,
    id: AccountId,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let names: Vec<String> = db!(db, |c| assigned!(id, now).load(c).await)?;
    Ok(names.into_iter().collect())
}

/// The permissions an account has besides those of its roles.
pub async fn account_permissions(db: &mut Conn, id: AccountId) -> Result<BTreeSet<String>, StoreError> {
    let query = account_permissions::table
        .filter(account_permissions::account_id.eq(Uid(id.0)))
        .select(account_permissions::permission);
    let names: Vec<String> = db!(db, |c| query.load(c).await)?;
    Ok(names.into_iter().collect())
}

/// What an account holds at a moment: its roles, by itself or through its groups, and the permissions through them or
/// of its own.
pub async fn authority(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<Authority, StoreError> {
    let through_groups = group_roles::table
        .inner_join(group_members::table.on(group_members::group_id.eq(group_roles::group_id)))
        .filter(group_members::account_id.eq(Uid(id.0)))
        .select(group_roles::role);
    let query = roles::table
        .filter(
            roles::name
                .eq_any(assigned!(id, now))
                .or(roles::name.eq_any(through_groups)),
        )
        .select((roles::name, roles::permissions, roles::mfa));
    let rows: Vec<(String, Doc, Option<String>)> = db!(db, |c| query.load(c).await)?;
    let mut authority = Authority {
        roles: BTreeSet::new(),
        permissions: account_permissions(db, id).await?,
        mfa: None,
    };
    for (name, permissions, mfa) in rows {
        authority.mfa = authority.mfa.max(mfa.as_deref().and_then(MfaPolicy::parse));
        authority.roles.insert(name);
        authority
            .permissions
            .extend(permissions.read::<BTreeSet<String>>("role")?);
    }
    Ok(authority)
}
