//! Who somebody is elsewhere: issuer and subject, each pair connected to one account at most.

use protocol::id::AccountId;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::upstream_identities as identities;
use crate::types::Uid;

/// A connection between an account and a person at an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamIdentity {
    /// The upstream's issuer identifier.
    pub issuer: String,
    /// The person's `sub` there.
    pub subject: String,
    /// The account here.
    pub account_id: AccountId,
    /// When they were connected.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = identities)]
struct Row {
    issuer: String,
    subject: String,
    account_id: Uid,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<Row> for UpstreamIdentity {
    fn from(row: Row) -> Self {
        UpstreamIdentity {
            issuer: row.issuer,
            subject: row.subject,
            account_id: AccountId(row.account_id.0),
            created_at: Timestamp(row.created_at),
            last_used_at: row.last_used_at.map(Timestamp),
        }
    }
}

/// The connection of this person.
pub async fn find(
    db: &mut Conn,
    issuer: &str,
    subject: &str,
) -> Result<Option<UpstreamIdentity>, StoreError> {
    let query = identities::table.find((issuer, subject));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(UpstreamIdentity::from))
}

/// The connections of an account, oldest first.
pub async fn list(db: &mut Conn, id: AccountId) -> Result<Vec<UpstreamIdentity>, StoreError> {
    let query = identities::table
        .filter(identities::account_id.eq(Uid(id.0)))
        .order((identities::created_at, identities::issuer, identities::subject));
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    Ok(rows.into_iter().map(UpstreamIdentity::from).collect())
}

/// Connects a person with an account. Of many callers one is told true; false also when they are connected.
pub async fn insert(
    db: &mut Conn,
    issuer: &str,
    subject: &str,
    id: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = Row {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        account_id: Uid(id.0),
        created_at: now.0,
        last_used_at: None,
    };
    let added = db!(db, |c| diesel::insert_into(identities::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// Notes a sign-in; false when the connection to this account is gone.
pub async fn record_use(
    db: &mut Conn,
    issuer: &str,
    subject: &str,
    id: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let target = identities::table
        .find((issuer, subject))
        .filter(identities::account_id.eq(Uid(id.0)));
    Ok(db!(db, |c| diesel::update(target)
        .set(identities::last_used_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// Takes a connection away from this account; false when it has no such one.
pub async fn delete(db: &mut Conn, id: AccountId, issuer: &str, subject: &str) -> Result<bool, StoreError> {
    let target = identities::table
        .find((issuer, subject))
        .filter(identities::account_id.eq(Uid(id.0)));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}
