//! Permissions on single things.

use std::collections::BTreeSet;

use protocol::access::Standing;
use protocol::id::AccountId;
use protocol::permission::ALL;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::owned_resources::note;
use crate::schema::{accounts, owned_resources, resource_permissions as given};
use crate::types::Uid;

/// A permission that an account was given on one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePermission {
    /// To whom.
    pub account: AccountId,
    /// The permission.
    pub permission: String,
    /// The moment from which it is not held any more.
    pub expires_at: Option<Timestamp>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// By whom, when that is known.
    pub granted_by: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = given, treat_none_as_null = true)]
struct Row {
    account_id: Uid,
    permission: String,
    expires_at: Option<i64>,
    granted_at: i64,
    granted_by: Option<String>,
}

impl From<&ResourcePermission> for Row {
    fn from(given: &ResourcePermission) -> Row {
        Row {
            account_id: Uid(given.account.0),
            permission: given.permission.clone(),
            expires_at: given.expires_at.map(|at| at.0),
            granted_at: given.granted_at.0,
            granted_by: given.granted_by.clone(),
        }
    }
}

impl From<Row> for ResourcePermission {
    fn from(row: Row) -> ResourcePermission {
        ResourcePermission {
            account: AccountId(row.account_id.0),
            permission: row.permission,
            expires_at: row.expires_at.map(Timestamp),
            granted_at: Timestamp(row.granted_at),
            granted_by: row.granted_by,
        }
    }
}

/// The permissions on a thing that have not ended.
macro_rules! live_on {
    ($kind:expr, $id:expr, $now:expr) => {
        given::table
            .filter(given::kind.eq($kind))
            .filter(given::resource_id.eq($id))
            .filter(given::expires_at.is_null().or(given::expires_at.gt($now.0)))
    };
}

/// How an account stands to a thing at a moment.
pub async fn standing(
    db: &mut Conn,
    account: AccountId,
    kind: &str,
    id: &str,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    let owned = owned_resources::table
        .find((kind, id))
        .filter(owned_resources::owner_id.eq(Uid(account.0)))
        .count();
    let owned: i64 = db!(db, |c| owned.get_result(c).await)?;
    let query = live_on!(kind, id, now)
        .filter(given::account_id.eq(Uid(account.0)))
        .select((given::permission, given::expires_at));
    let rows: Vec<(String, Option<i64>)> = db!(db, |c| query.load(c).await)?;
    let until = rows.iter().filter_map(|(_, until)| *until).min();
    Ok(Standing {
        is_owner: owned > 0,
        permissions: rows.into_iter().map(|(permission, _)| permission).collect(),
        until: until.map(Timestamp),
    })
}

/// Gives a permission on a thing, or changes until when it is held. A thing that is not known is a
/// [`StoreError::Reference`].
pub async fn grant(
    db: &mut Conn,
    kind: &str,
    id: &str,
    permission: &ResourcePermission,
) -> Result<(), StoreError> {
    note(kind, id);
    let values = (
        given::kind.eq(kind),
        given::resource_id.eq(id),
        Row::from(permission),
    );
    let set = Row::from(permission);
    db!(db, |c| diesel::insert_into(given::table)
        .values(values)
        .on_conflict((
            given::kind,
            given::resource_id,
            given::account_id,
            given::permission
        ))
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes a permission on a thing; false when it was not held.
pub async fn revoke(
    db: &mut Conn,
    kind: &str,
    id: &str,
    account: AccountId,
    permission: &str,
) -> Result<bool, StoreError> {
    note(kind, id);
    let target = given::table.find((kind, id, Uid(account.0), permission));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// The permission of an account on a thing with this name, whether it has ended or not.
pub async fn find(
    db: &mut Conn,
    kind: &str,
    id: &str,
    account: AccountId,
    permission: &str,
) -> Result<Option<ResourcePermission>, StoreError> {
    let query = given::table.find((kind, id, Uid(account.0), permission));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(ResourcePermission::from))
}

/// The permissions on a thing, ended or not, by account and name from those that follow `after`.
pub async fn list(
    db: &mut Conn,
    kind: &str,
    id: &str,
    (account, permission): (AccountId, &str),
    limit: i64,
) -> Result<Vec<ResourcePermission>, StoreError> {
    let after = given::account_id.gt(Uid(account.0)).or(given::account_id
        .eq(Uid(account.0))
        .and(given::permission.gt(permission)));
    let query = given::table
        .filter(given::kind.eq(kind))
        .filter(given::resource_id.eq(id))
        .filter(after)
        .order((given::account_id, given::permission))
        .limit(limit);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    Ok(rows.into_iter().map(ResourcePermission::from).collect())
}

/// How many permissions there are on a thing.
pub async fn count(db: &mut Conn, kind: &str, id: &str) -> Result<i64, StoreError> {
    let query = given::table
        .filter(given::kind.eq(kind))
        .filter(given::resource_id.eq(id))
        .count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// The names of the permissions on a thing that have not ended, whoever holds them.
pub async fn list_names(
    db: &mut Conn,
    kind: &str,
    id: &str,
    now: Timestamp,
    limit: i64,
) -> Result<BTreeSet<String>, StoreError> {
    let query = live_on!(kind, id, now)
        .select(given::permission)
        .distinct()
        .limit(limit);
    let names: Vec<String> = db!(db, |c| query.load(c).await)?;
    Ok(names.into_iter().collect())
}

/// At most `limit` accounts that may come in and hold a permission on a thing, from the one that follows `after`.
pub async fn list_holders(
    db: &mut Conn,
    (kind, id): (&str, &str),
    permission: &str,
    now: Timestamp,
    after: AccountId,
    limit: i64,
) -> Result<Vec<(AccountId, String)>, StoreError> {
    let query = live_on!(kind, id, now)
        .filter(given::permission.eq(permission).or(given::permission.eq(ALL)))
        .filter(given::account_id.gt(Uid(after.0)))
        .inner_join(accounts::table.on(accounts::id.eq(given::account_id)))
        .filter(accounts::disabled.eq(false))
        .select((given::account_id, accounts::username))
        .distinct()
        .order(given::account_id)
        .limit(limit);
    let rows: Vec<(Uid, String)> = db!(db, |c| query.load(c).await)?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| (AccountId(id.0), name))
        .collect())
}

/// At most `limit` identifiers of things that an account does not own but holds a permission on, from the one that
/// follows `after`.
pub async fn list_permitted(
    db: &mut Conn,
    account: AccountId,
    (kind, permission): (&str, &str),
    now: Timestamp,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let same = owned_resources::kind
        .eq(given::kind)
        .and(owned_resources::id.eq(given::resource_id));
    let query = given::table
        .inner_join(owned_resources::table.on(same))
        .filter(given::account_id.eq(Uid(account.0)))
        .filter(given::kind.eq(kind))
        .filter(given::permission.eq(permission).or(given::permission.eq(ALL)))
        .filter(given::expires_at.is_null().or(given::expires_at.gt(now.0)))
        .filter(given::resource_id.gt(after))
        .filter(
            owned_resources::owner_id
                .is_null()
                .or(owned_resources::owner_id.ne(Uid(account.0))),
        )
        .select(given::resource_id)
        .distinct()
        .order(given::resource_id)
        .limit(limit);
    Ok(db!(db, |c| query.load(c).await)?)
}

/// Removes permissions that have ended, at most `limit`, and counts them.
pub async fn purge(db: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let ended = given::table
        .filter(given::expires_at.le(now.0))
        .select((
            given::kind,
            given::resource_id,
            given::account_id,
            given::permission,
        ))
        .limit(i64::from(limit));
    let ended: Vec<(String, String, Uid, String)> = db!(db, |c| ended.load(c).await)?;
    let mut removed = 0;
    for (kind, id, account, permission) in ended {
        // One that was given anew meanwhile stays.
        let target = given::table
            .find((kind, id, account, permission))
            .filter(given::expires_at.le(now.0));
        removed += db!(db, |c| diesel::delete(target).execute(c).await)? as u64;
    }
    Ok(removed)
}
