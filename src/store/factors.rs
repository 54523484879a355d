//! The second factors of an account taken together: how many there are, and how many tries went wrong in a row.

use protocol::id::AccountId;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, passkeys, recovery_codes, totp_factors};
use crate::types::Uid;

/// Charges one try of a second factor, unless `max` went wrong in a row. Exact under many tries at once, for each
/// waits for the one before; a try that goes well is forgiven by [`forgive`] in the same transaction.
pub async fn charge(db: &mut Conn, id: AccountId, max: u32) -> Result<bool, StoreError> {
    let target = accounts::table
        .filter(accounts::id.eq(Uid(id.0)))
        .filter(accounts::second_factor_failures.lt(i64::from(max)));
    let more = accounts::second_factor_failures.eq(accounts::second_factor_failures + 1);
    Ok(db!(db, |c| diesel::update(target).set(more).execute(c).await)? == 1)
}

/// Forgets the tries that went wrong. Whoever also changes the factors of the account waits until the transaction
/// ends; false when there is no such account.
pub async fn forgive(db: &mut Conn, id: AccountId) -> Result<bool, StoreError> {
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let none = accounts::second_factor_failures.eq(0);
    Ok(db!(db, |c| diesel::update(target).set(none).execute(c).await)? == 1)
}

/// Makes others that change the factors of the account wait until the transaction ends.
pub async fn lock(db: &mut Conn, id: AccountId) -> Result<(), StoreError> {
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let same = accounts::second_factor_failures.eq(accounts::second_factor_failures);
    db!(db, |c| diesel::update(target).set(same).execute(c).await)?;
    Ok(())
}

/// How many tries went wrong in a row.
pub async fn failures(db: &mut Conn, id: AccountId) -> Result<i64, StoreError> {
    let query = accounts::table
        .find(Uid(id.0))
        .select(accounts::second_factor_failures);
    let found: Option<i64> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(found.unwrap_or_default())
}

/// How many generators and passkeys an account has; recovery codes are no factor of their own.
pub async fn count(db: &mut Conn, id: AccountId) -> Result<i64, StoreError> {
    let generators = totp_factors::table
        .filter(totp_factors::account_id.eq(Uid(id.0)))
        .count();
    let keys = passkeys::table.filter(passkeys::account_id.eq(Uid(id.0))).count();
    let generators: i64 = db!(db, |c| generators.get_result(c).await)?;
    let keys: i64 = db!(db, |c| keys.get_result(c).await)?;
    Ok(generators + keys)
}

/// Gives a generator of this account another name; false when it has no such one.
pub async fn rename_totp(
    db: &mut Conn,
    account: AccountId,
    id: Uuid,
    name: &str,
) -> Result<bool, StoreError> {
    let target = totp_factors::table
        .filter(totp_factors::id.eq(Uid(id)))
        .filter(totp_factors::account_id.eq(Uid(account.0)));
    let set = totp_factors::name.eq(name);
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// When the recovery codes of an account were made.
pub async fn recovery_codes_made(db: &mut Conn, id: AccountId) -> Result<Option<Timestamp>, StoreError> {
    let query = recovery_codes::table
        .filter(recovery_codes::account_id.eq(Uid(id.0)))
        .select(diesel::dsl::max(recovery_codes::created_at));
    let made: Option<i64> = db!(db, |c| query.get_result(c).await)?;
    Ok(made.map(Timestamp))
}

/// Takes recovery codes from an account that has nothing left to recover.
pub async fn delete_recovery_codes(db: &mut Conn, id: AccountId) -> Result<u64, StoreError> {
    let codes = recovery_codes::table.filter(recovery_codes::account_id.eq(Uid(id.0)));
    Ok(db!(db, |c| diesel::delete(codes).execute(c).await)? as u64)
}

/// Takes all second factors from an account, recovery codes among them, and forgets failures. Gives how many
/// generators and passkeys there were.
pub async fn delete_all(db: &mut Conn, id: AccountId) -> Result<u64, StoreError> {
    forgive(db, id).await?;
    let generators = totp_factors::table.filter(totp_factors::account_id.eq(Uid(id.0)));
    let keys = passkeys::table.filter(passkeys::account_id.eq(Uid(id.0)));
    let generators = db!(db, |c| diesel::delete(generators).execute(c).await)?;
    let keys = db!(db, |c| diesel::delete(keys).execute(c).await)?;
    delete_recovery_codes(db, id).await?;
    Ok((generators + keys) as u64)
}
