//! Public keys of WebAuthn credentials, each with what must be remembered to check its next signature.

use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::passkeys;
use crate::types::{Doc, Uid};

/// A registered passkey.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPasskey {
    /// The identifier.
    pub id: Uuid,
    /// Whose it is.
    pub account_id: AccountId,
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// What its holder calls it.
    pub name: String,
    /// The public key and its counter, as the WebAuthn library writes them.
    pub document: Value,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = passkeys)]
struct Row {
    id: Uid,
    account_id: Uid,
    credential_id: Vec<u8>,
    name: String,
    document: Doc,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl TryFrom<Row> for StoredPasskey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(StoredPasskey {
            id: row.id.0,
            account_id: AccountId(row.account_id.0),
            credential_id: row.credential_id,
            name: row.name,
            document: row.document.read("passkey")?,
            created_at: Timestamp(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp),
        })
    }
}

/// Registers a passkey. A credential that is registered already is a conflict.
pub async fn insert(db: &mut Conn, passkey: &StoredPasskey) -> Result<(), StoreError> {
    let row = Row {
        id: Uid(passkey.id),
        account_id: Uid(passkey.account_id.0),
        credential_id: passkey.credential_id.clone(),
        name: passkey.name.clone(),
        document: Doc::of(&passkey.document)?,
        created_at: passkey.created_at.0,
        last_used_at: passkey.last_used_at.map(|at| at.0),
    };
    db!(db, |c| diesel::insert_into(passkeys::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// The passkey that an authenticator calls so.
pub async fn find_by_credential(
    db: &mut Conn,
    credential_id: &[u8],
) -> Result<Option<StoredPasskey>, StoreError> {
    let query = passkeys::table.filter(passkeys::credential_id.eq(credential_id));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(StoredPasskey::try_from).transpose()
}

/// The passkeys of an account, oldest first.
pub async fn list(db: &mut Conn, account: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
    let query = passkeys::table
        .filter(passkeys::account_id.eq(Uid(account.0)))
        .order((passkeys::created_at, passkeys::id));
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(StoredPasskey::try_from).collect()
}

/// Notes a use and what it changed; false when the passkey is gone.
pub async fn update_used(
    db: &mut Conn,
    id: Uuid,
    document: &Value,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = passkeys::table.filter(passkeys::id.eq(Uid(id)));
    let values = (
        passkeys::document.eq(Doc::of(document)?),
        passkeys::last_used_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Gives a passkey of this account another name; false when it has no such one.
pub async fn rename(db: &mut Conn, account: AccountId, id: Uuid, name: &str) -> Result<bool, StoreError> {
    let target = passkeys::table
        .filter(passkeys::id.eq(Uid(id)))
        .filter(passkeys::account_id.eq(Uid(account.0)));
    let set = passkeys::name.eq(name);
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// Removes a passkey of this account; false when it has no such one.
pub async fn delete(db: &mut Conn, account: AccountId, id: Uuid) -> Result<bool, StoreError> {
    let target = passkeys::table
        .filter(passkeys::id.eq(Uid(id)))
        .filter(passkeys::account_id.eq(Uid(account.0)));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
