//! Roles, permissions, scopes and resource servers, and which account holds what.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::role::{Authority, ResourceServer, Role, ScopeDefinition};
use protocol::session::MfaPolicy;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{account_permissions, account_roles, resources, roles, scopes};
use crate::types::{Doc, Uid};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = roles, treat_none_as_null = true)]
struct RoleRow {
    name: String,
    description: String,
    permissions: Doc,
    managed_by: Option<String>,
    mfa: Option<String>,
}

/// All roles by name, each with what keeps it.
pub async fn list_managed_roles(db: &mut Conn) -> Result<Vec<(Role, Option<String>)>, StoreError> {
    let query = roles::table.order(roles::name);
    let rows: Vec<RoleRow> = db!(db, |c| query.select(RoleRow::as_select()).load(c).await)?;
    let read = |row: RoleRow| {
        let role = Role {
            name: row.name,
            description: row.description,
            permissions: row.permissions.read("role")?,
            mfa: row.mfa.as_deref().and_then(MfaPolicy::parse),
        };
        Ok((role, row.managed_by))
    };
    rows.into_iter().map(read).collect()
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
    let row = || -> Result<RoleRow, StoreError> {
        Ok(RoleRow {
            name: role.name.clone(),
            description: role.description.clone(),
            permissions: Doc::of(&role.permissions)?,
            managed_by: managed_by.map(str::to_owned),
            mfa: role.mfa.map(|policy| policy.as_str().to_owned()),
        })
    };
    let (new, set) = (row()?, row()?);
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

/// All scopes by name, each with what keeps it.
pub async fn list_managed_scopes(
    db: &mut Conn,
) -> Result<Vec<(ScopeDefinition, Option<String>)>, StoreError> {
    let query = scopes::table.order(scopes::name);
    let rows: Vec<ScopeRow> = db!(db, |c| query.select(ScopeRow::as_select()).load(c).await)?;
    let read = |row: ScopeRow| {
        let requires = row.requires.read("scope")?;
        Ok((
            ScopeDefinition {
                name: row.name,
                description: row.description,
                requires,
            },
            row.managed_by,
        ))
    };
    rows.into_iter().map(read).collect()
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
    let row = || -> Result<ScopeRow, StoreError> {
        Ok(ScopeRow {
            name: scope.name.clone(),
            description: scope.description.clone(),
            requires: Doc::of(&scope.requires)?,
            managed_by: managed_by.map(str::to_owned),
        })
    };
    let (new, set) = (row()?, row()?);
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

/// All resource servers by identifier, each with what keeps it.
pub async fn list_managed_resources(
    db: &mut Conn,
) -> Result<Vec<(ResourceServer, Option<String>)>, StoreError> {
    let query = resources::table.order(resources::identifier);
    let rows: Vec<ResourceRow> = db!(db, |c| query.select(ResourceRow::as_select()).load(c).await)?;
    let read = |row: ResourceRow| {
        Ok((
            ResourceServer {
                identifier: row.identifier,
                scopes: row.scopes.read("resource")?,
            },
            row.managed_by,
        ))
    };
    rows.into_iter().map(read).collect()
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
    let row = || -> Result<ResourceRow, StoreError> {
        Ok(ResourceRow {
            identifier: resource.identifier.clone(),
            scopes: Doc::of(&resource.scopes)?,
            managed_by: managed_by.map(str::to_owned),
        })
    };
    let (new, set) = (row()?, row()?);
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

/// Gives an account exactly these roles. One that does not exist is a [`StoreError::Reference`].
pub async fn set_account_roles(
    db: &mut Conn,
    id: AccountId,
    names: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let held = account_roles::table.filter(account_roles::account_id.eq(Uid(id.0)));
    db!(db, |c| diesel::delete(held).execute(c).await)?;
    for name in names {
        let values = (
            account_roles::account_id.eq(Uid(id.0)),
            account_roles::role.eq(name),
        );
        db!(db, |c| diesel::insert_into(account_roles::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Gives an account exactly these permissions besides those of its roles.
pub async fn set_account_permissions(
    db: &mut Conn,
    id: AccountId,
    names: &BTreeSet<String>,
) -> Result<(), StoreError> {
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

/// The roles of an account.
pub async fn account_roles(db: &mut Conn, id: AccountId) -> Result<BTreeSet<String>, StoreError> {
    let query = account_roles::table
        .filter(account_roles::account_id.eq(Uid(id.0)))
        .select(account_roles::role);
    let names: Vec<String> = db!(db, |c| query.load(c).await)?;
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

/// What an account holds: its roles, and the permissions through them or of its own.
pub async fn authority(db: &mut Conn, id: AccountId) -> Result<Authority, StoreError> {
    let query = account_roles::table
        .inner_join(roles::table.on(roles::name.eq(account_roles::role)))
        .filter(account_roles::account_id.eq(Uid(id.0)))
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
