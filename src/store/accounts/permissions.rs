//! Permissions that an account has of its own, one at a time.

use protocol::id::AccountId;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::account_permissions;
use crate::types::Uid;

/// Gives an account a permission; false when it has it already.
pub async fn insert_permission(db: &mut Conn, id: AccountId, permission: &str) -> Result<bool, StoreError> {
    changes::note(id.0);
    let values = (
        account_permissions::account_id.eq(Uid(id.0)),
        account_permissions::permission.eq(permission),
    );
    Ok(db!(db, |c| diesel::insert_into(account_permissions::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?
        == 1)
}

/// Takes a permission from an account; false when it does not have it.
pub async fn delete_permission(db: &mut Conn, id: AccountId, permission: &str) -> Result<bool, StoreError> {
    changes::note(id.0);
    let held = account_permissions::table
        .filter(account_permissions::account_id.eq(Uid(id.0)))
        .filter(account_permissions::permission.eq(permission));
    Ok(db!(db, |c| diesel::delete(held).execute(c).await)? == 1)
}
