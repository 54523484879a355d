//! Grants. Revoking one ends everything that hangs on it, because whatever is redeemed looks here.

use diesel::dsl::{exists, max, sql};
use diesel::sql_types::Text;
use diesel::{EscapeExpressionMethods as _, TextExpressionMethods as _};
use protocol::grant::Grant;
use protocol::id::{AccountId, ClientId, GrantId, SessionId};
use protocol::scope::Scope;
use protocol::time::Timestamp;

use crate::accounts::{Account, Row as AccountRow};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, grants, refresh_tokens};
use crate::types::{Doc, Uid};

mod list;

pub use list::{Filter, list_page};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
pub(crate) struct Row {
    id: Uid,
    account_id: Uid,
    client_id: String,
    session_id: Option<Uid>,
    scope: String,
    resources: Doc,
    nonce: Option<String>,
    claims: Doc,
    auth_time: i64,
    factors: Doc,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for Grant {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Grant {
            id: GrantId(row.id.0),
            account_id: AccountId(row.account_id.0),
            client_id: ClientId(row.client_id),
            session_id: row.session_id.map(|id| SessionId(id.0)),
            scope: row.scope.parse().map_err(|_| StoreError::Corrupt("grant"))?,
            resources: row.resources.read("grant")?,
            nonce: row.nonce,
            claims: row.claims.read("grant")?,
            auth_time: Timestamp(row.auth_time),
            factors: row.factors.read("grant")?,
            created_at: Timestamp(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp),
        })
    }
}

/// Adds a grant.
pub async fn insert(db: &mut Conn, grant: &Grant) -> Result<(), StoreError> {
    let row = Row {
        id: Uid(grant.id.0),
        account_id: Uid(grant.account_id.0),
        client_id: grant.client_id.0.clone(),
        session_id: grant.session_id.map(|id| Uid(id.0)),
        scope: grant.scope.to_string(),
        resources: Doc::of(&grant.resources)?,
        nonce: grant.nonce.clone(),
        claims: Doc::of(&grant.claims)?,
        auth_time: grant.auth_time.0,
        factors: Doc::of(&grant.factors)?,
        created_at: grant.created_at.0,
        revoked_at: grant.revoked_at.map(|at| at.0),
    };
    db!(db, |c| diesel::insert_into(grants::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// The grant with this identifier, revoked or not.
pub async fn find(db: &mut Conn, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let query = grants::table.find(Uid(id.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(Grant::try_from).transpose()
}

/// The grants in force that match: not revoked, and of an account that may sign in.
macro_rules! live {
    ($condition:expr) => {
        grants::table
            .inner_join(accounts::table.on(accounts::id.eq(grants::account_id)))
            .filter($condition)
            .filter(grants::revoked_at.is_null())
            .filter(accounts::disabled.eq(false))
    };
}
pub(crate) use live;

/// The grant with this identifier and the account that gave it, if it is in force.
pub async fn find_live(db: &mut Conn, id: GrantId) -> Result<Option<(Grant, Account)>, StoreError> {
    let query = live!(grants::id.eq(Uid(id.0)));
    let rows: Option<(Row, AccountRow)> = db!(db, |c| query
        .select((Row::as_select(), AccountRow::as_select()))
        .get_result(c)
        .await
        .optional())?;
    rows.map(|(grant, account)| Ok((Grant::try_from(grant)?, Account::try_from(account)?)))
        .transpose()
}

/// Whether the grant is in force.
pub async fn is_live(db: &mut Conn, id: GrantId) -> Result<bool, StoreError> {
    let query = diesel::select(exists(live!(grants::id.eq(Uid(id.0))).select(grants::id)));
    Ok(db!(db, |c| query.get_result::<bool>(c).await)?)
}

/// Revokes the grants that match and are not revoked yet.
macro_rules! revoke {
    ($db:expr, $now:expr, $condition:expr) => {{
        let target = grants::table
            .filter(grants::revoked_at.is_null())
            .filter($condition);
        db!($db, |c| diesel::update(target)
            .set(grants::revoked_at.eq($now.0))
            .execute(c)
            .await)? as u64
    }};
}

/// Whether a grant lasts no longer than its session.
macro_rules! online {
    () => {
        // Padded with spaces, so that only the whole token counts and not one that ends in the same letters.
        sql::<Text>("' ' || scope || ' '")
            .not_like("% offline\\_access %")
            .escape('\\')
    };
}

/// Revokes a grant; false when it is revoked or there is none.
pub async fn revoke(db: &mut Conn, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(revoke!(db, now, grants::id.eq(Uid(id.0))) == 1)
}

/// Revokes all grants of an account.
pub async fn revoke_for_account(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<u64, StoreError> {
    Ok(revoke!(db, now, grants::account_id.eq(Uid(id.0))))
}

/// Revokes the grants made in a browser session, but for those that were to outlast it (`offline_access`).
pub async fn revoke_for_session(db: &mut Conn, id: SessionId, now: Timestamp) -> Result<u64, StoreError> {
    Ok(revoke!(db, now, grants::session_id.eq(Uid(id.0)).and(online!())))
}

/// The same for all sessions of an account but one.
pub async fn revoke_for_sessions(
    db: &mut Conn,
    account: AccountId,
    kept: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let theirs = grants::account_id.eq(Uid(account.0)).and(online!());
    Ok(match kept {
        Some(kept) => revoke!(db, now, theirs.and(grants::session_id.ne(Uid(kept.0)))),
        None => revoke!(db, now, theirs.and(grants::session_id.is_not_null())),
    })
}

/// Revokes all grants to a client.
pub async fn revoke_for_client(db: &mut Conn, id: &ClientId, now: Timestamp) -> Result<u64, StoreError> {
    Ok(revoke!(db, now, grants::client_id.eq(id.as_str())))
}

/// Revokes all that an account granted to a client.
pub async fn revoke_for_account_and_client(
    db: &mut Conn,
    account: AccountId,
    client: &ClientId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    Ok(revoke!(
        db,
        now,
        grants::account_id
            .eq(Uid(account.0))
            .and(grants::client_id.eq(client.as_str()))
    ))
}

/// What a client may do under grants that are not revoked.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantedApp {
    /// The client.
    pub client_id: ClientId,
    /// The scope of one of its grants.
    pub scope: Scope,
    /// When that was made.
    pub created_at: Timestamp,
    /// When its last refresh token was issued.
    pub last_used_at: Option<Timestamp>,
}

/// What an account granted and did not revoke, oldest first.
pub async fn list_granted(db: &mut Conn, account: AccountId) -> Result<Vec<GrantedApp>, StoreError> {
    let query = grants::table
        .left_join(refresh_tokens::table.on(refresh_tokens::grant_id.eq(grants::id)))
        .filter(grants::account_id.eq(Uid(account.0)))
        .filter(grants::revoked_at.is_null())
        .group_by((grants::id, grants::client_id, grants::scope, grants::created_at))
        .select((
            grants::client_id,
            grants::scope,
            grants::created_at,
            max(refresh_tokens::issued_at.nullable()),
        ))
        .order((grants::created_at, grants::id));
    let rows: Vec<(String, String, i64, Option<i64>)> = db!(db, |c| query.load(c).await)?;
    rows.into_iter()
        .map(|(client_id, scope, created_at, last_used_at)| {
            Ok(GrantedApp {
                client_id: ClientId(client_id),
                scope: scope.parse().map_err(|_| StoreError::Corrupt("grant"))?,
                created_at: Timestamp(created_at),
                last_used_at: last_used_at.map(Timestamp),
            })
        })
        .collect()
}
