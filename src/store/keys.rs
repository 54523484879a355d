//! Signing keys, sealed.

use protocol::jose::Algorithm;
use protocol::time::Timestamp;
use serde_json::Value;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::signing_keys as keys;
use crate::types::Doc;

/// A signing key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its identifier (RFC 7517 §4.5).
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The private key, sealed.
    pub sealed: Vec<u8>,
    /// The public half.
    pub public_jwk: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub activates_at: Timestamp,
    /// When it stops signing.
    pub retires_at: Option<Timestamp>,
    /// When it leaves the published set.
    pub expires_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
struct Row {
    kid: String,
    algorithm: String,
    sealed: Vec<u8>,
    public_jwk: Doc,
    created_at: i64,
    activates_at: i64,
    retires_at: Option<i64>,
    expires_at: Option<i64>,
}

impl TryFrom<Row> for StoredKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(StoredKey {
            kid: row.kid,
            algorithm: row.algorithm.parse().map_err(|_| StoreError::Corrupt("key"))?,
            sealed: row.sealed,
            public_jwk: row.public_jwk.read("key")?,
            created_at: Timestamp(row.created_at),
            activates_at: Timestamp(row.activates_at),
            retires_at: row.retires_at.map(Timestamp),
            expires_at: row.expires_at.map(Timestamp),
        })
    }
}

/// All keys, the first to sign first.
pub async fn list(db: &mut Conn) -> Result<Vec<StoredKey>, StoreError> {
    let query = keys::table.order((keys::activates_at, keys::kid));
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// Adds a key; false when its `kid` is taken.
pub async fn insert(db: &mut Conn, key: &StoredKey) -> Result<bool, StoreError> {
    let row = Row {
        kid: key.kid.clone(),
        algorithm: key.algorithm.as_str().to_owned(),
        sealed: key.sealed.clone(),
        public_jwk: Doc::of(&key.public_jwk)?,
        created_at: key.created_at.0,
        activates_at: key.activates_at.0,
        retires_at: key.retires_at.map(|at| at.0),
        expires_at: key.expires_at.map(|at| at.0),
    };
    let added = db!(db, |c| diesel::insert_into(keys::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// Sets when a key begins to sign; false when there is none.
pub async fn activate(db: &mut Conn, kid: &str, activates_at: Timestamp) -> Result<bool, StoreError> {
    let target = keys::table.filter(keys::kid.eq(kid));
    Ok(db!(db, |c| diesel::update(target)
        .set(keys::activates_at.eq(activates_at.0))
        .execute(c)
        .await)?
        == 1)
}

/// Sets when a key stops signing and when it is forgotten; false when there is none.
pub async fn retire(
    db: &mut Conn,
    kid: &str,
    retires_at: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let target = keys::table.filter(keys::kid.eq(kid));
    let values = (
        keys::retires_at.eq(retires_at.0),
        keys::expires_at.eq(expires_at.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Removes a key; false when there is none.
pub async fn delete(db: &mut Conn, kid: &str) -> Result<bool, StoreError> {
    let target = keys::table.filter(keys::kid.eq(kid));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
