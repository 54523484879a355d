//! What is known of passwords beside their hashes: wrong tries in a row, and former ones.

use protocol::id::AccountId;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{password_history, passwords};
use crate::types::Uid;

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    /// Its hash.
    pub hash: String,
    /// Wrong tries since the last right one.
    pub failures: i64,
    /// When it was chosen.
    pub changed_at: Timestamp,
}

/// The password of an account.
pub async fn find(db: &mut Conn, id: AccountId) -> Result<Option<StoredPassword>, StoreError> {
    let query = passwords::table.find(Uid(id.0)).select((
        passwords::hash,
        passwords::failures,
        passwords::changed_at,
    ));
    let row: Option<(String, i64, i64)> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(row.map(|(hash, failures, changed_at)| StoredPassword {
        hash,
        failures,
        changed_at: Timestamp(changed_at),
    }))
}

/// Counts a wrong try and tells how many there have been in a row. Without an account the same work is done at
/// another one, to no effect, so that the time it takes says nothing.
pub async fn count_failure(db: &mut Conn, id: Option<AccountId>) -> Result<i64, StoreError> {
    let first = passwords::table
        .order(passwords::account_id)
        .select(passwords::account_id)
        .limit(1);
    let first: Option<Uid> = db!(db, |c| first.get_result(c).await.optional())?;
    let (Some(target), more) = (id.map(|id| Uid(id.0)).or(first), i64::from(id.is_some())) else {
        return Ok(0);
    };
    let counted = passwords::failures.eq(passwords::failures + more);
    let row = passwords::table.filter(passwords::account_id.eq(target));
    db!(db, |c| diesel::update(row).set(counted).execute(c).await)?;
    let query = passwords::table.find(target).select(passwords::failures);
    let failures: Option<i64> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(failures.filter(|_| id.is_some()).unwrap_or_default())
}

/// Forgets wrong tries, unless there have been `limit` of them; false then. Without a limit they are forgotten however
/// many they are.
pub async fn forget_failures(db: &mut Conn, id: AccountId, limit: Option<i64>) -> Result<bool, StoreError> {
    let target = passwords::table
        .filter(passwords::account_id.eq(Uid(id.0)))
        .filter(passwords::failures.lt(limit.unwrap_or(i64::MAX)));
    Ok(db!(db, |c| diesel::update(target)
        .set(passwords::failures.eq(0))
        .execute(c)
        .await)?
        == 1)
}

/// The hashes that an account had before the one it has, newest first.
pub async fn list_former(db: &mut Conn, id: AccountId, most: i64) -> Result<Vec<String>, StoreError> {
    let query = password_history::table
        .filter(password_history::account_id.eq(Uid(id.0)))
        .order((password_history::changed_at.desc(), password_history::id.desc()))
        .select(password_history::hash)
        .limit(most);
    Ok(db!(db, |c| query.load(c).await)?)
}

/// Puts the password of an account, which is about to change, among the former ones, of which the newest `kept` stay.
pub async fn retire(db: &mut Conn, account: AccountId, entry: Uuid, kept: u32) -> Result<(), StoreError> {
    let current = passwords::table
        .find(Uid(account.0))
        .select((passwords::hash, passwords::changed_at));
    let current: Option<(String, i64)> = db!(db, |c| current.get_result(c).await.optional())?;
    if let Some((hash, changed_at)) = current {
        let values = (
            password_history::id.eq(Uid(entry)),
            password_history::account_id.eq(Uid(account.0)),
            password_history::hash.eq(hash),
            password_history::changed_at.eq(changed_at),
        );
        db!(db, |c| diesel::insert_into(password_history::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    let query = password_history::table
        .filter(password_history::account_id.eq(Uid(account.0)))
        .order((password_history::changed_at.desc(), password_history::id.desc()))
        .select(password_history::id);
    let all: Vec<Uid> = db!(db, |c| query.load(c).await)?;
    for old in all.into_iter().skip(kept as usize) {
        let target = password_history::table.filter(password_history::id.eq(old));
        db!(db, |c| diesel::delete(target).execute(c).await)?;
    }
    Ok(())
}
