//! Accounts and their claims.

use protocol::id::AccountId;
use protocol::session::MfaPolicy;
use protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, login_names};
use crate::types::{Doc, Uid};

pub mod permissions;
pub mod search;

/// One person's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The identifier, the `sub` of its tokens.
    pub id: AccountId,
    /// The name to sign in with, unique in any case of letters.
    pub username: String,
    /// The e-mail address, unique likewise.
    pub email: Option<String>,
    /// Whether the address is known to be the holder's.
    pub email_verified: bool,
    /// Other standard claims (OpenID Connect Core §5.1).
    pub claims: Map<String, Value>,
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Whether it must prove a second factor; what its roles, the client and the server say when absent.
    pub mfa: Option<MfaPolicy>,
    /// Whether it must choose a new password before anything else.
    pub must_change_password: bool,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What keeps it: `file` for the declarative files, else nothing.
    pub managed_by: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(crate) struct Row {
    id: Uid,
    username: String,
    email: Option<String>,
    email_verified: bool,
    claims: Doc,
    disabled: bool,
    mfa: Option<String>,
    must_change_password: bool,
    last_login_at: Option<i64>,
    managed_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

/// What a change may write.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = accounts, treat_none_as_null = true)]
struct Written {
    username: String,
    username_key: String,
    email: Option<String>,
    email_key: Option<String>,
    email_verified: bool,
    claims: Doc,
    disabled: bool,
    mfa: Option<String>,
    must_change_password: bool,
    managed_by: Option<String>,
    updated_at: i64,
}

impl Written {
    fn new(account: &Account, now: Timestamp) -> Result<Written, StoreError> {
        Ok(Written {
            username: account.username.clone(),
            username_key: key(&account.username),
            email: account.email.clone(),
            email_key: account.email.as_deref().map(key),
            email_verified: account.email_verified,
            claims: Doc::of(&account.claims)?,
            disabled: account.disabled,
            mfa: account.mfa.map(|policy| policy.as_str().to_owned()),
            must_change_password: account.must_change_password,
            managed_by: account.managed_by.clone(),
            updated_at: now.0,
        })
    }
}

impl TryFrom<Row> for Account {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Account {
            id: AccountId(row.id.0),
            username: row.username,
            email: row.email,
            email_verified: row.email_verified,
            claims: row.claims.read("account")?,
            disabled: row.disabled,
            mfa: row.mfa.as_deref().and_then(MfaPolicy::parse),
            must_change_password: row.must_change_password,
            last_login_at: row.last_login_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            managed_by: row.managed_by,
        })
    }
}

/// What makes two names one.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// The account with this identifier.
pub async fn find(db: &mut Conn, id: AccountId) -> Result<Option<Account>, StoreError> {
    let query = accounts::table.find(Uid(id.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(Account::try_from).transpose()
}

/// The account with this user name or e-mail address, in any case of letters.
pub async fn find_by_login(db: &mut Conn, login: &str) -> Result<Option<Account>, StoreError> {
    let query = login_names::table
        .inner_join(accounts::table.on(accounts::id.eq(login_names::account_id)))
        .filter(login_names::name_key.eq(key(login)));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(Account::try_from).transpose()
}

/// At most `limit` accounts by user name, from the one that follows `after`.
pub async fn list(db: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Account>, StoreError> {
    // No key is less than the empty one.
    let after = after.map(key).unwrap_or_default();
    let query = accounts::table
        .filter(accounts::username_key.gt(after))
        .order(accounts::username_key)
        .limit(limit);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(Account::try_from).collect()
}

/// Adds an account. A name that another account signs in with is a conflict.
pub async fn insert(db: &mut Conn, account: &Account, now: Timestamp) -> Result<(), StoreError> {
    let values = (
        accounts::id.eq(Uid(account.id.0)),
        Written::new(account, now)?,
        accounts::created_at.eq(now.0),
    );
    db!(db, |c| diesel::insert_into(accounts::table)
        .values(values)
        .execute(c)
        .await)?;
    claim_names(db, account).await
}

/// Replaces what is known of an account, but for the times it was made and used; false when there is none.
pub async fn update(db: &mut Conn, account: &Account, now: Timestamp) -> Result<bool, StoreError> {
    changes::note(account.id.0);
    let id = Uid(account.id.0);
    let written = Written::new(account, now)?;
    let target = accounts::table.filter(accounts::id.eq(id));
    if db!(db, |c| diesel::update(target).set(written).execute(c).await)? == 0 {
        return Ok(false);
    }
    let held = login_names::table.filter(login_names::account_id.eq(id));
    db!(db, |c| diesel::delete(held).execute(c).await)?;
    claim_names(db, account).await?;
    Ok(true)
}

async fn claim_names(db: &mut Conn, account: &Account) -> Result<(), StoreError> {
    let username = key(&account.username);
    let email = account
        .email
        .as_deref()
        .map(key)
        .filter(|email| *email != username);
    for name in std::iter::once(username).chain(email) {
        let values = (
            login_names::name_key.eq(name),
            login_names::account_id.eq(Uid(account.id.0)),
        );
        db!(db, |c| diesel::insert_into(login_names::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// The account as it is now, locked until the transaction ends, so that of two changes the second sees the first.
pub async fn find_locked(db: &mut Conn, id: AccountId) -> Result<Option<Account>, StoreError> {
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    // An update that changes nothing locks the row on PostgreSQL; SQLite has one writer anyway.
    let same = accounts::updated_at.eq(accounts::updated_at);
    db!(db, |c| diesel::update(target).set(same).execute(c).await)?;
    find(db, id).await
}

/// Notes that the address is the holder's, if the account still has it; false when there is nothing to note.
pub async fn verify_email(
    db: &mut Conn,
    id: AccountId,
    email: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = accounts::table
        .filter(accounts::id.eq(Uid(id.0)))
        .filter(accounts::email_key.eq(key(email)))
        .filter(accounts::email_verified.eq(false));
    let values = (accounts::email_verified.eq(true), accounts::updated_at.eq(now.0));
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Lets an account sign in, or not; false when there is none. Letting it sign in takes back that it is to be erased;
/// shutting it out does not.
pub async fn set_disabled(
    db: &mut Conn,
    id: AccountId,
    disabled: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let values = (
        accounts::disabled.eq(disabled),
        (!disabled).then_some(accounts::erase_at.eq(None::<i64>)),
        accounts::updated_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Makes an account choose a new password at its next sign-in, or not.
pub async fn set_must_change_password(
    db: &mut Conn,
    id: AccountId,
    must_change: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    let values = (
        accounts::must_change_password.eq(must_change),
        accounts::updated_at.eq(now.0),
    );
    db!(db, |c| diesel::update(target).set(values).execute(c).await)?;
    Ok(())
}

/// Notes a sign-in; false when the account may not. What shuts it out waits until the transaction ends.
pub async fn record_login(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let target = accounts::table
        .filter(accounts::id.eq(Uid(id.0)))
        .filter(accounts::disabled.eq(false));
    Ok(db!(db, |c| diesel::update(target)
        .set(accounts::last_login_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// Removes an account with everything that hangs on it but the audit trail; false when there is none.
pub async fn delete(db: &mut Conn, id: AccountId) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = accounts::table.filter(accounts::id.eq(Uid(id.0)));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// How many accounts there are.
pub async fn count(db: &mut Conn) -> Result<i64, StoreError> {
    Ok(db!(db, |c| accounts::table.count().get_result(c).await)?)
}
