//! Password hashes, TOTP secrets and recovery codes.

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use diesel::dsl::exists;

use crate::schema::{passkeys, passwords, recovery_codes, totp_factors};
use crate::types::Uid;

/// The hash of an account's password, in PHC form.
pub async fn find_password(db: &mut Conn, id: AccountId) -> Result<Option<String>, StoreError> {
    let query = passwords::table.find(Uid(id.0)).select(passwords::hash);
    Ok(db!(db, |c| query.get_result(c).await.optional())?)
}

/// Gives an account a password, in place of any it had, with no wrong tries.
pub async fn set_password(
    db: &mut Conn,
    id: AccountId,
    hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let set = (
        passwords::hash.eq(hash),
        passwords::changed_at.eq(now.0),
        passwords::failures.eq(0),
    );
    let values = (passwords::account_id.eq(Uid(id.0)), set);
    db!(db, |c| diesel::insert_into(passwords::table)
        .values(values)
        .on_conflict(passwords::account_id)
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Puts a new hash of the same password in place of `old`, unless the password was changed meanwhile.
pub async fn replace_password_hash(
    db: &mut Conn,
    id: AccountId,
    old: &str,
    new: &str,
) -> Result<bool, StoreError> {
    let target = passwords::table.filter(passwords::account_id.eq(Uid(id.0)).and(passwords::hash.eq(old)));
    Ok(db!(db, |c| diesel::update(target)
        .set(passwords::hash.eq(new))
        .execute(c)
        .await)?
        == 1)
}

/// An enrolled generator of one-time passwords (RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpFactor {
    /// The identifier.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: AccountId,
    /// What its holder calls it.
    pub name: String,
    /// The shared secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// The newest time step that was used.
    pub last_step: Option<i64>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = totp_factors)]
struct TotpRow {
    id: Uid,
    account_id: Uid,
    name: String,
    secret_sealed: Vec<u8>,
    last_step: Option<i64>,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<TotpRow> for TotpFactor {
    fn from(row: TotpRow) -> Self {
        TotpFactor {
            id: row.id.0,
            account_id: AccountId(row.account_id.0),
            name: row.name,
            secret_sealed: row.secret_sealed,
            last_step: row.last_step,
            created_at: Timestamp(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp),
        }
    }
}

/// Whether an account has a second factor other than recovery codes.
pub async fn has_second_factor(db: &mut Conn, id: AccountId) -> Result<bool, StoreError> {
    let generators = totp_factors::table.filter(totp_factors::account_id.eq(Uid(id.0)));
    let keys = passkeys::table.filter(passkeys::account_id.eq(Uid(id.0)));
    let query = diesel::select(exists(generators).or(exists(keys)));
    Ok(db!(db, |c| query.get_result::<bool>(c).await)?)
}

/// The generators of an account, oldest first.
pub async fn list_totp(db: &mut Conn, id: AccountId) -> Result<Vec<TotpFactor>, StoreError> {
    let query = totp_factors::table
        .filter(totp_factors::account_id.eq(Uid(id.0)))
        .order((totp_factors::created_at, totp_factors::id));
    let rows: Vec<TotpRow> = db!(db, |c| query.select(TotpRow::as_select()).load(c).await)?;
    Ok(rows.into_iter().map(TotpFactor::from).collect())
}

/// Enrols a generator.
pub async fn insert_totp(db: &mut Conn, factor: &TotpFactor) -> Result<(), StoreError> {
    let row = TotpRow {
        id: Uid(factor.id),
        account_id: Uid(factor.account_id.0),
        name: factor.name.clone(),
        secret_sealed: factor.secret_sealed.clone(),
        last_step: factor.last_step,
        created_at: factor.created_at.0,
        last_used_at: factor.last_used_at.map(|at| at.0),
    };
    db!(db, |c| diesel::insert_into(totp_factors::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// Removes a generator of this account; false when it has no such one.
pub async fn delete_totp(db: &mut Conn, account: AccountId, factor: Uuid) -> Result<bool, StoreError> {
    let target = totp_factors::table.filter(
        totp_factors::id
            .eq(Uid(factor))
            .and(totp_factors::account_id.eq(Uid(account.0))),
    );
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// Uses a time step up, with all before it. Of many callers one is told true (RFC 6238 §5.2).
pub async fn claim_totp_step(
    db: &mut Conn,
    factor: Uuid,
    step: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = totp_factors::table
        .filter(totp_factors::id.eq(Uid(factor)))
        .filter(
            totp_factors::last_step
                .is_null()
                .or(totp_factors::last_step.lt(step).assume_not_null()),
        );
    let used = (
        totp_factors::last_step.eq(step),
        totp_factors::last_used_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(used).execute(c).await)? == 1)
}

/// Gives an account these recovery codes in place of all it had.
pub async fn replace_recovery_codes(
    db: &mut Conn,
    id: AccountId,
    codes: &[TokenHash],
    now: Timestamp,
) -> Result<(), StoreError> {
    let held = recovery_codes::table.filter(recovery_codes::account_id.eq(Uid(id.0)));
    db!(db, |c| diesel::delete(held).execute(c).await)?;
    for code in codes {
        let values = (
            recovery_codes::account_id.eq(Uid(id.0)),
            recovery_codes::code_hash.eq(code.as_bytes()),
            recovery_codes::created_at.eq(now.0),
        );
        db!(db, |c| diesel::insert_into(recovery_codes::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Uses a recovery code up. Of many callers one is told true.
pub async fn consume_recovery_code(
    db: &mut Conn,
    id: AccountId,
    code: &TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = recovery_codes::table
        .filter(recovery_codes::account_id.eq(Uid(id.0)))
        .filter(recovery_codes::code_hash.eq(code.as_bytes()))
        .filter(recovery_codes::consumed_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(recovery_codes::consumed_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// How many recovery codes an account has left.
pub async fn count_recovery_codes(db: &mut Conn, id: AccountId) -> Result<i64, StoreError> {
    let query = recovery_codes::table
        .filter(recovery_codes::account_id.eq(Uid(id.0)))
        .filter(recovery_codes::consumed_at.is_null())
        .count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}
