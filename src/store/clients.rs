//! Registered clients, each kept as one document.

use protocol::client::Client;
use protocol::id::ClientId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::clients;
use crate::types::{Doc, hash};

/// A client and what only the server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClient {
    /// The registered metadata.
    pub client: Client,
    /// The hash of its secret, if it has one.
    pub secret_hash: Option<TokenHash>,
    /// Its secret, sealed, for methods that need it in clear (`client_secret_jwt`).
    pub secret_sealed: Option<Vec<u8>>,
    /// Whether it is refused everywhere.
    pub disabled: bool,
    /// What keeps it: `file` for the declarative files, else nothing.
    pub managed_by: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_null = true)]
struct Row {
    client_id: String,
    document: Doc,
    secret_hash: Option<Vec<u8>>,
    secret_sealed: Option<Vec<u8>>,
    disabled: bool,
    managed_by: Option<String>,
    updated_at: i64,
}

impl Row {
    fn new(stored: &StoredClient, now: Timestamp) -> Result<Row, StoreError> {
        Ok(Row {
            client_id: stored.client.client_id.0.clone(),
            document: Doc::of(&stored.client)?,
            secret_hash: stored.secret_hash.map(|hash| hash.as_bytes().to_vec()),
            secret_sealed: stored.secret_sealed.clone(),
            disabled: stored.disabled,
            managed_by: stored.managed_by.clone(),
            updated_at: now.0,
        })
    }
}

impl TryFrom<Row> for StoredClient {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(StoredClient {
            client: row.document.read("client")?,
            secret_hash: row.secret_hash.as_deref().map(hash).transpose()?,
            secret_sealed: row.secret_sealed,
            disabled: row.disabled,
            managed_by: row.managed_by,
        })
    }
}

/// The client with this identifier, also when it is disabled.
pub async fn find(db: &mut Conn, id: &ClientId) -> Result<Option<StoredClient>, StoreError> {
    let query = clients::table.find(id.as_str());
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(StoredClient::try_from).transpose()
}

/// All clients by identifier.
pub async fn list(db: &mut Conn) -> Result<Vec<StoredClient>, StoreError> {
    let query = clients::table.order(clients::client_id);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(StoredClient::try_from).collect()
}

/// Adds a client.
pub async fn insert(db: &mut Conn, stored: &StoredClient, now: Timestamp) -> Result<(), StoreError> {
    let row = (Row::new(stored, now)?, clients::created_at.eq(now.0));
    db!(db, |c| diesel::insert_into(clients::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces everything about a client; false when there is none.
pub async fn update(db: &mut Conn, stored: &StoredClient, now: Timestamp) -> Result<bool, StoreError> {
    let row = Row::new(stored, now)?;
    let target = clients::table.filter(clients::client_id.eq(stored.client.client_id.as_str()));
    Ok(db!(db, |c| diesel::update(target).set(row).execute(c).await)? == 1)
}

/// Removes a client with its consents, grants, codes and refresh tokens; false when there is none.
pub async fn delete(db: &mut Conn, id: &ClientId) -> Result<bool, StoreError> {
    let target = clients::table.filter(clients::client_id.eq(id.as_str()));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
