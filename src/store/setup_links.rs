//! The one-time link to make the first administrator.

use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::setup_links;

/// Adds a link in place of all that were not used.
pub async fn insert(db: &mut Conn, hash: &TokenHash, expires_at: Timestamp) -> Result<(), StoreError> {
    let older = setup_links::table.filter(setup_links::consumed_at.is_null());
    db!(db, |c| diesel::delete(older).execute(c).await)?;
    let values = (
        setup_links::token_hash.eq(hash.as_bytes()),
        setup_links::expires_at.eq(expires_at.0),
    );
    db!(db, |c| diesel::insert_into(setup_links::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// Whether a link could be used now, for showing its page.
pub async fn is_usable(db: &mut Conn, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let query = setup_links::table
        .filter(setup_links::token_hash.eq(hash.as_bytes()))
        .filter(setup_links::consumed_at.is_null())
        .filter(setup_links::expires_at.gt(now.0))
        .count();
    let found: i64 = db!(db, |c| query.get_result(c).await)?;
    Ok(found > 0)
}

/// Uses a link up before it expires. Of many callers one is told true.
pub async fn consume(db: &mut Conn, hash: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let target = setup_links::table
        .filter(setup_links::token_hash.eq(hash.as_bytes()))
        .filter(setup_links::consumed_at.is_null())
        .filter(setup_links::expires_at.gt(now.0));
    Ok(db!(db, |c| diesel::update(target)
        .set(setup_links::consumed_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}
