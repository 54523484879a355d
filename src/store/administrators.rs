//! Whether somebody is left who may do everything.

use std::collections::BTreeSet;

use diesel::allow_tables_to_appear_in_same_query;
use diesel::dsl::exists;
use protocol::permission;

use crate::conn::query::*;
use crate::conn::{self, Conn};
use crate::error::StoreError;
use crate::schema::{
    account_permissions, account_roles, accounts, group_members, group_roles, passkeys, passwords, roles,
    upstream_identities,
};
use crate::types::Doc;

allow_tables_to_appear_in_same_query!(accounts, passwords);
allow_tables_to_appear_in_same_query!(accounts, passkeys);
allow_tables_to_appear_in_same_query!(accounts, upstream_identities);

/// Makes whoever takes everything from somebody wait for others that do, until the transaction ends. SQLite has one
/// writer anyway.
pub async fn lock(db: &mut Conn) -> Result<(), StoreError> {
    match db {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(_) => conn::batch(db, "SELECT pg_advisory_xact_lock(4735093850139)").await,
    }
}

/// The roles that carry everything.
async fn roles_of_everything(db: &mut Conn) -> Result<Vec<String>, StoreError> {
    let query = roles::table.select((roles::name, roles::permissions));
    let all: Vec<(String, Doc)> = db!(db, |c| query.load(c).await)?;
    let mut names = Vec::new();
    for (name, permissions) in all {
        if permissions
            .read::<BTreeSet<String>>("role")?
            .contains(permission::ALL)
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether an account that may sign in, and has what it takes, holds everything for good: of its own, by a role without
/// an end, or through a group. An address is a way in, for a link to a new password can be mailed there; a connection to
/// an upstream is one while that is open.
pub async fn any(db: &mut Conn) -> Result<bool, StoreError> {
    let names = roles_of_everything(db).await?;
    let all = crate::upstreams::list(db).await?;
    let open = all.into_iter().filter(|stored| stored.upstream.enabled);
    let issuers: Vec<String> = open.map(|stored| stored.upstream.issuer).collect();
    let of_their_own = account_permissions::table
        .filter(account_permissions::permission.eq(permission::ALL))
        .select(account_permissions::account_id);
    let by_role = account_roles::table
        .filter(account_roles::role.eq_any(names.clone()))
        .filter(account_roles::expires_at.is_null())
        .select(account_roles::account_id);
    let through_groups = group_members::table
        .inner_join(group_roles::table.on(group_roles::group_id.eq(group_members::group_id)))
        .filter(group_roles::role.eq_any(names))
        .select(group_members::account_id);
    macro_rules! among {
        ($ids:expr) => {{
            let held = accounts::table
                .filter(accounts::disabled.eq(false))
                .filter(accounts::erase_at.is_null())
                .filter(accounts::id.eq_any($ids))
                .filter(
                    accounts::email
                        .is_not_null()
                        .or(accounts::id.eq_any(passwords::table.select(passwords::account_id)))
                        .or(accounts::id.eq_any(passkeys::table.select(passkeys::account_id)))
                        .or(accounts::id.eq_any(
                            upstream_identities::table
                                .filter(upstream_identities::issuer.eq_any(issuers.clone()))
                                .select(upstream_identities::account_id),
                        )),
                )
                .select(accounts::id);
            let query = diesel::select(exists(held));
            db!(db, |c| query.get_result::<bool>(c).await)?
        }};
    }
    Ok(among!(of_their_own) || among!(by_role) || among!(through_groups))
}
