//! Access tokens are not kept; what is kept is which of them were revoked (RFC 7009).

use protocol::id::GrantId;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, grants, revoked_tokens};
use crate::types::Uid;

/// Revokes one token by its `jti`, until it would end by itself; false when it is revoked already.
pub async fn revoke(db: &mut Conn, jti: &str, expires_at: Timestamp) -> Result<bool, StoreError> {
    let values = (
        revoked_tokens::jti.eq(jti),
        revoked_tokens::expires_at.eq(expires_at.0),
    );
    let added = db!(db, |c| diesel::insert_into(revoked_tokens::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}

/// Whether this one token was revoked.
pub async fn is_revoked(db: &mut Conn, jti: &str) -> Result<bool, StoreError> {
    let query = revoked_tokens::table.find(jti).count();
    let found: i64 = db!(db, |c| query.get_result(c).await)?;
    Ok(found > 0)
}

/// Whether a token lives: neither it nor the grant it was issued under is revoked or gone, and the account that
/// gave the grant may sign in.
pub async fn status(db: &mut Conn, jti: &str, grant: Option<GrantId>) -> Result<bool, StoreError> {
    if is_revoked(db, jti).await? {
        return Ok(false);
    }
    let Some(grant) = grant else {
        return Ok(true);
    };
    let able = accounts::table.filter(accounts::disabled.eq(false));
    let query = grants::table
        .filter(grants::id.eq(Uid(grant.0)))
        .filter(grants::revoked_at.is_null())
        .filter(grants::account_id.eq_any(able.select(accounts::id)))
        .count();
    let found: i64 = db!(db, |c| query.get_result(c).await)?;
    Ok(found > 0)
}
