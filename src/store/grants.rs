//! Grants. Revoking one ends everything that hangs on it, because whatever is redeemed looks here.

use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{EscapeExpressionMethods as _, TextExpressionMethods as _};
use protocol::grant::Grant;
use protocol::id::{AccountId, ClientId, GrantId, SessionId};
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::grants;
use crate::types::{Doc, Uid};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
struct Row {
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
    // Padded with spaces, so that only the whole token counts and not one that ends in the same letters.
    let padded = sql::<Text>("' ' || scope || ' '");
    let online = padded.not_like("% offline\\_access %").escape('\\');
    Ok(revoke!(db, now, grants::session_id.eq(Uid(id.0)).and(online)))
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
