//! Providers that people may sign in at, each kept as one document beside its sealed secret.

use protocol::time::Timestamp;
use protocol::upstream::Upstream;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::upstreams;
use crate::types::Doc;

/// An upstream and what only the server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUpstream {
    /// How it is registered.
    pub upstream: Upstream,
    /// Our client secret at it, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// What keeps it: `file` for the declarative files, else nothing.
    pub managed_by: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = upstreams, treat_none_as_null = true)]
struct Row {
    name: String,
    document: Doc,
    secret_sealed: Option<Vec<u8>>,
    managed_by: Option<String>,
    updated_at: i64,
}

impl Row {
    fn new(stored: &StoredUpstream, now: Timestamp) -> Result<Row, StoreError> {
        Ok(Row {
            name: stored.upstream.name.clone(),
            document: Doc::of(&stored.upstream)?,
            secret_sealed: stored.secret_sealed.clone(),
            managed_by: stored.managed_by.clone(),
            updated_at: now.0,
        })
    }
}

impl TryFrom<Row> for StoredUpstream {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(StoredUpstream {
            upstream: row.document.read("upstream")?,
            secret_sealed: row.secret_sealed,
            managed_by: row.managed_by,
        })
    }
}

/// The upstream of this name, also when it is disabled.
pub async fn find(db: &mut Conn, name: &str) -> Result<Option<StoredUpstream>, StoreError> {
    let query = upstreams::table.find(name);
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(StoredUpstream::try_from).transpose()
}

/// All upstreams by name.
pub async fn list(db: &mut Conn) -> Result<Vec<StoredUpstream>, StoreError> {
    let query = upstreams::table.order(upstreams::name);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(StoredUpstream::try_from).collect()
}

/// Adds an upstream.
pub async fn insert(db: &mut Conn, stored: &StoredUpstream, now: Timestamp) -> Result<(), StoreError> {
    let row = (Row::new(stored, now)?, upstreams::created_at.eq(now.0));
    db!(db, |c| diesel::insert_into(upstreams::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces everything about an upstream; false when there is none.
pub async fn update(db: &mut Conn, stored: &StoredUpstream, now: Timestamp) -> Result<bool, StoreError> {
    let row = Row::new(stored, now)?;
    let target = upstreams::table.filter(upstreams::name.eq(&stored.upstream.name));
    Ok(db!(db, |c| diesel::update(target).set(row).execute(c).await)? == 1)
}

/// Removes an upstream; false when there is none. Whom it was connected to is kept: that hangs on its issuer.
pub async fn delete(db: &mut Conn, name: &str) -> Result<bool, StoreError> {
    let target = upstreams::table.filter(upstreams::name.eq(name));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
