//! Who holds a permission everywhere: by itself, through a role, or through a group.

use std::collections::BTreeMap;

use protocol::id::AccountId;
use protocol::permission::{self, ALL};
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::roles;
use crate::schema::{account_permissions, account_roles, accounts, group_members, group_roles};
use crate::types::Uid;

/// Accounts of a table that may come in, with their user names, by identifier from the one that follows `after`.
macro_rules! load {
    ($db:expr, $source:expr, $id:expr, $after:expr, $limit:expr) => {{
        let query = $source
            .inner_join(accounts::table.on(accounts::id.eq($id)))
            .filter(accounts::disabled.eq(false))
            .filter($id.gt(Uid($after.0)))
            .select(($id, accounts::username))
            .distinct()
            .order($id)
            .limit($limit);
        let rows: Vec<(Uid, String)> = db!($db, |c| query.load(c).await)?;
        rows.into_iter().map(|(id, name)| (AccountId(id.0), name))
    }};
}

/// At most `limit` accounts that may come in and hold a permission at a moment, from the one that follows `after`. What
/// each source gives begins where the page begins, so the first of all of them are the page.
pub async fn list(
    db: &mut Conn,
    permission: &str,
    now: Timestamp,
    after: AccountId,
    limit: i64,
) -> Result<BTreeMap<AccountId, String>, StoreError> {
    let mut found = BTreeMap::new();
    for name in [permission, ALL] {
        let own = account_permissions::table.filter(account_permissions::permission.eq(name));
        found.extend(load!(db, own, account_permissions::account_id, after, limit));
    }
    for role in roles::list_roles(db).await? {
        if !permission::covers(&role.permissions, permission) {
            continue;
        }
        let members = account_roles::table
            .filter(account_roles::role.eq(role.name.clone()))
            .filter(
                account_roles::expires_at
                    .is_null()
                    .or(account_roles::expires_at.gt(now.0)),
            );
        found.extend(load!(db, members, account_roles::account_id, after, limit));
        let groups = group_roles::table
            .filter(group_roles::role.eq(role.name))
            .select(group_roles::group_id);
        let members = group_members::table.filter(group_members::group_id.eq_any(groups));
        found.extend(load!(db, members, group_members::account_id, after, limit));
    }
    let surplus = found.keys().nth(usize::try_from(limit).unwrap_or(0)).copied();
    if let Some(surplus) = surplus {
        found.split_off(&surplus);
    }
    Ok(found)
}
