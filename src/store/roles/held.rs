//! Who holds a role, and through what an account holds its roles.

use diesel::AggregateExpressionMethods as _;
use protocol::id::AccountId;
use protocol::role::Role;
use protocol::time::Timestamp;

use super::RoleRow;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{account_roles, group_members, group_roles, groups, roles};
use crate::types::Uid;

/// A role that an account holds, and through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// The group through which it is held, unless the account holds it by itself.
    pub group: Option<String>,
    /// The moment from which it is not held any more.
    pub expires_at: Option<Timestamp>,
}

/// The roles that an account holds at a moment, once for each way: by itself first, then through its groups.
pub async fn list_held(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<Vec<HeldRole>, StoreError> {
    let by_itself = account_roles::table
        .inner_join(roles::table.on(roles::name.eq(account_roles::role)))
        .filter(account_roles::account_id.eq(Uid(id.0)))
        .filter(
            account_roles::expires_at
                .is_null()
                .or(account_roles::expires_at.gt(now.0)),
        )
        .order(roles::name);
    let through_groups = group_members::table
        .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
        .inner_join(group_roles::table.on(group_roles::group_id.eq(group_members::group_id)))
        .inner_join(roles::table.on(roles::name.eq(group_roles::role)))
        .filter(group_members::account_id.eq(Uid(id.0)))
        .order((roles::name, groups::display_key));
    let own: Vec<(RoleRow, Option<i64>)> = db!(db, |c| by_itself
        .select((RoleRow::as_select(), account_roles::expires_at))
        .load(c)
        .await)?;
    let shared: Vec<(RoleRow, String)> = db!(db, |c| through_groups
        .select((RoleRow::as_select(), groups::display_name))
        .load(c)
        .await)?;
    let mut held = Vec::with_capacity(own.len() + shared.len());
    for (row, expires_at) in own {
        held.push(HeldRole {
            role: row.read()?.0,
            group: None,
            expires_at: expires_at.map(Timestamp),
        });
    }
    for (row, group) in shared {
        held.push(HeldRole {
            role: row.read()?.0,
            group: Some(group),
            expires_at: None,
        });
    }
    Ok(held)
}

/// How many accounts hold a role at a moment, by themselves or through groups.
pub async fn count_holders(db: &mut Conn, role: &str, now: Timestamp) -> Result<i64, StoreError> {
    let by_itself = || {
        account_roles::table.filter(account_roles::role.eq(role)).filter(
            account_roles::expires_at
                .is_null()
                .or(account_roles::expires_at.gt(now.0)),
        )
    };
    let through_groups = group_members::table
        .inner_join(group_roles::table.on(group_roles::group_id.eq(group_members::group_id)))
        .filter(group_roles::role.eq(role))
        .filter(diesel::dsl::not(
            group_members::account_id.eq_any(by_itself().select(account_roles::account_id)),
        ))
        .select(diesel::dsl::count(group_members::account_id).aggregate_distinct());
    let own: i64 = db!(db, |c| by_itself().count().get_result(c).await)?;
    let shared: i64 = db!(db, |c| through_groups.get_result(c).await)?;
    Ok(own + shared)
}
