//! What account holders agreed to and took back over time, and under which version of the terms.

use protocol::id::{AccountId, ClientId};
use protocol::time::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::consent_records as t;
use crate::types::Uid;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentKind {
    /// A client may do something.
    Given,
    /// A client may do nothing any more.
    Withdrawn,
    /// The terms were agreed to.
    Terms,
}

impl ConsentKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentKind::Given => "given",
            ConsentKind::Withdrawn => "withdrawn",
            ConsentKind::Terms => "terms",
        }
    }

    fn parse(text: &str) -> Result<ConsentKind, StoreError> {
        [ConsentKind::Given, ConsentKind::Withdrawn, ConsentKind::Terms]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(StoreError::Corrupt("consent record"))
    }
}

/// One thing that was agreed to or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The identifier.
    pub id: Uuid,
    /// Who it was.
    pub account_id: AccountId,
    /// The client it was about.
    pub client_id: Option<ClientId>,
    /// What happened.
    pub kind: ConsentKind,
    /// The scope it was about.
    pub scope: String,
    /// The version of the terms at that time.
    pub version: Option<String>,
    /// When it was.
    pub at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = t)]
struct Row {
    id: Uid,
    account_id: Uid,
    client_id: Option<String>,
    kind: String,
    scope: String,
    version: Option<String>,
    at: i64,
}

impl TryFrom<Row> for ConsentRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(ConsentRecord {
            id: row.id.0,
            account_id: AccountId(row.account_id.0),
            client_id: row.client_id.map(ClientId),
            kind: ConsentKind::parse(&row.kind)?,
            scope: row.scope,
            version: row.version,
            at: Timestamp(row.at),
        })
    }
}

/// Adds a record.
pub async fn insert(db: &mut Conn, record: &ConsentRecord) -> Result<(), StoreError> {
    let row = Row {
        id: Uid(record.id),
        account_id: Uid(record.account_id.0),
        client_id: record.client_id.as_ref().map(|id| id.0.clone()),
        kind: record.kind.as_str().to_owned(),
        scope: record.scope.clone(),
        version: record.version.clone(),
        at: record.at.0,
    };
    db!(db, |c| diesel::insert_into(t::table).values(row).execute(c).await)?;
    Ok(())
}

/// At most `limit` records of an account, the newest first.
pub async fn list(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<ConsentRecord>, StoreError> {
    let query = t::table
        .filter(t::account_id.eq(Uid(id.0)))
        .order((t::at.desc(), t::id.desc()))
        .limit(limit);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(ConsentRecord::try_from).collect()
}

/// Removes records from before a moment that say nothing about what is in force: those on a client that may do nothing
/// any more, and those on terms that a later record is about. At most `limit` of them; counts them.
pub async fn purge(db: &mut Conn, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM consent_records WHERE id IN (SELECT r.id FROM consent_records r WHERE r.at < {} AND ( \
         (r.client_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM consents c \
          WHERE c.account_id = r.account_id AND c.client_id = r.client_id)) \
         OR (r.client_id IS NULL AND EXISTS (SELECT 1 FROM consent_records n \
          WHERE n.account_id = r.account_id AND n.client_id IS NULL AND n.kind = r.kind AND n.at > r.at)) \
         ) LIMIT {limit})",
        before.0
    );
    Ok(db!(db, |c| diesel::sql_query(&sql).execute(c).await)? as u64)
}
