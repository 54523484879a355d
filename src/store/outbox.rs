//! What is still to be sent, and who is sending it right now.

use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::outbox as t;
use crate::types::Uid;

/// The kind of the parcels that carry audit events.
pub const AUDIT_EVENT: &str = "audit-event";

/// Which way something goes. What waits in one lane does not hold up another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Mails to people.
    Mail,
    /// Audit events to a webhook.
    Audit,
}

/// Something to be sent.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// The identifier.
    pub id: Uuid,
    /// What it is about, for the log.
    pub kind: String,
    /// Recipient and content, sealed.
    pub sealed: Vec<u8>,
    /// When it is to be tried next.
    pub next_attempt_at: Timestamp,
    /// After which moment it is of no use.
    pub expires_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    id: Uid,
    kind: String,
    sealed: Vec<u8>,
    next_attempt_at: i64,
    expires_at: i64,
    attempts: i64,
    last_error: Option<String>,
}

/// Puts something in, to be sent at once.
pub async fn insert(
    db: &mut Conn,
    id: Uuid,
    kind: &str,
    sealed: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let values = (
        t::id.eq(Uid(id)),
        t::kind.eq(kind),
        t::sealed.eq(sealed),
        t::created_at.eq(now.0),
        t::next_attempt_at.eq(now.0),
        t::expires_at.eq(expires_at.0),
        t::attempts.eq(0_i64),
    );
    db!(db, |c| diesel::insert_into(t::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// Notes whom something is for, unreadably, so that it goes when they do.
pub async fn set_recipient(db: &mut Conn, id: Uuid, recipient: &TokenHash) -> Result<(), StoreError> {
    let target = t::table.filter(t::id.eq(Uid(id)));
    let set = t::recipient.eq(recipient.as_bytes());
    db!(db, |c| diesel::update(target).set(set).execute(c).await)?;
    Ok(())
}

/// What is due or too late, the longest waiting first.
pub async fn list_due(
    db: &mut Conn,
    lane: Lane,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Parcel>, StoreError> {
    let rows: Vec<Row> = db!(db, |c| {
        let query = t::table
            .filter(t::next_attempt_at.le(now.0).or(t::expires_at.le(now.0)))
            .order((t::next_attempt_at, t::id))
            .limit(limit)
            .select(Row::as_select())
            .into_boxed();
        let query = match lane {
            Lane::Mail => query.filter(t::kind.ne(AUDIT_EVENT)),
            Lane::Audit => query.filter(t::kind.eq(AUDIT_EVENT)),
        };
        query.load(c).await
    })?;
    let read = |row: Row| Parcel {
        id: row.id.0,
        kind: row.kind,
        sealed: row.sealed,
        next_attempt_at: Timestamp(row.next_attempt_at),
        expires_at: Timestamp(row.expires_at),
        attempts: row.attempts,
        last_error: row.last_error,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Takes something over until a moment, as it was seen. Of many callers one is told true.
pub async fn claim(db: &mut Conn, seen: &Parcel, until: Timestamp) -> Result<bool, StoreError> {
    let target = t::table
        .filter(t::id.eq(Uid(seen.id)))
        .filter(t::next_attempt_at.eq(seen.next_attempt_at.0))
        .filter(t::attempts.eq(seen.attempts));
    let set = (
        t::next_attempt_at.eq(until.0),
        t::attempts.eq(seen.attempts.saturating_add(1)),
    );
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// Says why something was not sent, and when it is to be tried again.
pub async fn postpone(
    db: &mut Conn,
    id: Uuid,
    next_attempt_at: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    let target = t::table.filter(t::id.eq(Uid(id)));
    let set = (t::next_attempt_at.eq(next_attempt_at.0), t::last_error.eq(reason));
    db!(db, |c| diesel::update(target).set(set).execute(c).await)?;
    Ok(())
}

/// Takes something out; false when somebody else did.
pub async fn delete(db: &mut Conn, id: Uuid) -> Result<bool, StoreError> {
    let target = t::table.filter(t::id.eq(Uid(id)));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// How much waits to be sent.
pub async fn count(db: &mut Conn) -> Result<i64, StoreError> {
    let query = t::table.count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// How much could not be sent although it was tried so often, and why the last of it failed.
pub async fn count_failing(db: &mut Conn, attempts: i64) -> Result<(i64, Option<String>), StoreError> {
    let failing = t::table.filter(t::attempts.ge(attempts));
    let count = db!(db, |c| failing.count().get_result(c).await)?;
    let query = failing
        .order(t::next_attempt_at.desc())
        .select(t::last_error)
        .limit(1);
    let last: Option<Option<String>> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok((count, last.flatten()))
}
