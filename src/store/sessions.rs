//! Browser sessions. A session is found by the hash of its cookie, and ends once.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool};
use protocol::id::{AccountId, SessionId};
use protocol::secret::TokenHash;
use protocol::session::{Factor, Session};
use protocol::time::Timestamp;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::sessions;
use crate::types::{Doc, Uid};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: Uid,
    account_id: Uid,
    auth_time: i64,
    factors: Doc,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for Session {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Session {
            id: SessionId(row.id.0),
            account_id: AccountId(row.account_id.0),
            auth_time: Timestamp(row.auth_time),
            factors: row.factors.read("session")?,
            created_at: Timestamp(row.created_at),
            last_seen_at: Timestamp(row.last_seen_at),
        })
    }
}

/// Begins a session that lasts until `expires_at` at most.
pub async fn insert(
    db: &mut Conn,
    session: &Session,
    secret: &TokenHash,
    expires_at: Timestamp,
    user_agent: Option<&str>,
    address: Option<&str>,
) -> Result<(), StoreError> {
    let values = (
        sessions::id.eq(Uid(session.id.0)),
        sessions::account_id.eq(Uid(session.account_id.0)),
        sessions::secret_hash.eq(secret.as_bytes()),
        sessions::auth_time.eq(session.auth_time.0),
        sessions::factors.eq(Doc::of(&session.factors)?),
        sessions::created_at.eq(session.created_at.0),
        sessions::last_seen_at.eq(session.last_seen_at.0),
        sessions::expires_at.eq(expires_at.0),
        sessions::user_agent.eq(user_agent),
        sessions::address.eq(address),
    );
    db!(db, |c| diesel::insert_into(sessions::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// The session of a cookie with its last moment, unless it has ended.
pub async fn find_by_secret(
    db: &mut Conn,
    secret: &TokenHash,
    now: Timestamp,
) -> Result<Option<(Session, Timestamp)>, StoreError> {
    let query = sessions::table
        .filter(sessions::secret_hash.eq(secret.as_bytes()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(|row| {
        let expires_at = Timestamp(row.expires_at);
        Session::try_from(row).map(|session| (session, expires_at))
    })
    .transpose()
}

/// The live session of a cookie, locked until the transaction ends, so that it ends before or after but not meanwhile.
pub async fn find_locked(
    db: &mut Conn,
    secret: &TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let target = sessions::table
        .filter(sessions::secret_hash.eq(secret.as_bytes()))
        .filter(sessions::ended_at.is_null());
    // An update that changes nothing locks the row on PostgreSQL; SQLite has one writer anyway.
    let same = sessions::last_seen_at.eq(sessions::last_seen_at);
    db!(db, |c| diesel::update(target).set(same).execute(c).await)?;
    let found = find_by_secret(db, secret, now).await?;
    Ok(found.map(|(session, _)| session))
}

/// Notes factors that were proved, and changes the cookie; false when `old` is not its cookie any more.
pub async fn raise(
    db: &mut Conn,
    id: SessionId,
    old: &TokenHash,
    new: &TokenHash,
    auth_time: Timestamp,
    factors: &[Factor],
    now: Timestamp,
) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = sessions::table
        .filter(sessions::id.eq(Uid(id.0)))
        .filter(sessions::secret_hash.eq(old.as_bytes()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.0));
    let values = (
        sessions::secret_hash.eq(new.as_bytes()),
        sessions::auth_time.eq(auth_time.0),
        sessions::factors.eq(Doc::of(factors)?),
        sessions::last_seen_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Notes that a session was seen.
pub async fn touch(db: &mut Conn, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    let target = sessions::table
        .filter(sessions::id.eq(Uid(id.0)))
        .filter(sessions::last_seen_at.lt(now.0));
    db!(db, |c| diesel::update(target)
        .set(sessions::last_seen_at.eq(now.0))
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends a session; false when it has ended or there is none.
pub async fn end(db: &mut Conn, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = sessions::table
        .filter(sessions::id.eq(Uid(id.0)))
        .filter(sessions::ended_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(sessions::ended_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// The sessions of an account that have not ended, oldest first.
pub async fn list(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    let query = sessions::table
        .filter(sessions::account_id.eq(Uid(id.0)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.0))
        .order((sessions::created_at, sessions::id));
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Ends all sessions of an account.
pub async fn end_all(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<u64, StoreError> {
    changes::note(id.0);
    let target = sessions::table
        .filter(sessions::account_id.eq(Uid(id.0)))
        .filter(sessions::ended_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(sessions::ended_at.eq(now.0))
        .execute(c)
        .await)? as u64)
}

/// A session as its holder and administrators see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// The `User-Agent` header it began with.
    pub user_agent: Option<String>,
    /// The address it began from.
    pub address: Option<String>,
    /// Its last moment.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct ListedRow {
    #[diesel(embed)]
    session: Row,
    user_agent: Option<String>,
    address: Option<String>,
}

impl TryFrom<ListedRow> for ListedSession {
    type Error = StoreError;

    fn try_from(row: ListedRow) -> Result<Self, StoreError> {
        Ok(ListedSession {
            expires_at: Timestamp(row.session.expires_at),
            session: row.session.try_into()?,
            user_agent: row.user_agent,
            address: row.address,
        })
    }
}

/// The sessions of an account, or of all, that are live and were seen after `seen_after`, the last seen first.
pub async fn list_with_devices(
    db: &mut Conn,
    id: Option<AccountId>,
    now: Timestamp,
    seen_after: Timestamp,
) -> Result<Vec<ListedSession>, StoreError> {
    let query = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.0))
        .filter(sessions::last_seen_at.gt(seen_after.0))
        .order((sessions::last_seen_at.desc(), sessions::id));
    let rows: Vec<ListedRow> = match id {
        Some(id) => {
            let query = query.filter(sessions::account_id.eq(Uid(id.0)));
            db!(db, |c| query.select(ListedRow::as_select()).load(c).await)?
        }
        None => db!(db, |c| query.select(ListedRow::as_select()).load(c).await)?,
    };
    rows.into_iter().map(ListedSession::try_from).collect()
}

/// The live session with this identifier.
pub async fn find(db: &mut Conn, id: SessionId, now: Timestamp) -> Result<Option<ListedSession>, StoreError> {
    let query = sessions::table
        .find(Uid(id.0))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.0));
    let row: Option<ListedRow> = db!(db, |c| query
        .select(ListedRow::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(ListedSession::try_from).transpose()
}

/// Ends the sessions of an account but for one, and counts them.
pub async fn end_all_but(
    db: &mut Conn,
    id: AccountId,
    kept: SessionId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    changes::note(id.0);
    let target = sessions::table
        .filter(sessions::account_id.eq(Uid(id.0)))
        .filter(sessions::id.ne(Uid(kept.0)))
        .filter(sessions::ended_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(sessions::ended_at.eq(now.0))
        .execute(c)
        .await)? as u64)
}

/// Which live sessions to list; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this account.
    pub account: Option<AccountId>,
    /// Those seen after this moment.
    pub seen_after: Timestamp,
    /// After the one that began at this moment and has this identifier.
    pub after: Option<(Timestamp, SessionId)>,
    /// Whether the last to begin comes first.
    pub descending: bool,
}

/// At most `limit` live sessions that match, by the moment they began.
pub async fn list_page(
    db: &mut Conn,
    filter: &Filter,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<ListedSession>, StoreError> {
    let rows: Vec<ListedRow> = db!(db, |c| {
        let mut query = sessions::table
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(now.0))
            .filter(sessions::last_seen_at.gt(filter.seen_after.0))
            .select(ListedRow::as_select())
            .limit(limit)
            .into_boxed();
        if let Some(account) = filter.account {
            query = query.filter(sessions::account_id.eq(Uid(account.0)));
        }
        if let Some((at, id)) = filter.after {
            let beyond = if filter.descending { ") < (" } else { ") > (" };
            query = query.filter(
                sql::<Bool>("(sessions.created_at, sessions.id")
                    .sql(beyond)
                    .bind::<BigInt, _>(at.0)
                    .sql(", ")
                    .bind::<crate::types::sql::Uid, _>(Uid(id.0))
                    .sql(")"),
            );
        }
        if filter.descending {
            query
                .order((sessions::created_at.desc(), sessions::id.desc()))
                .load(c)
                .await
        } else {
            query
                .order((sessions::created_at.asc(), sessions::id.asc()))
                .load(c)
                .await
        }
    })?;
    rows.into_iter().map(ListedSession::try_from).collect()
}
