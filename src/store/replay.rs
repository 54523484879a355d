//! What may be presented once: the `jti` of assertions and the like.

use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::replay;

/// Notes a key until it could not be presented any more. Of many callers one is told true.
pub async fn record(db: &mut Conn, key: &TokenHash, expires_at: Timestamp) -> Result<bool, StoreError> {
    let values = (
        replay::key_hash.eq(key.as_bytes()),
        replay::expires_at.eq(expires_at.0),
    );
    let added = db!(db, |c| diesel::insert_into(replay::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(added == 1)
}
