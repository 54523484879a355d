//! Locks for work that only one node may do at a time.

use crate::conn::{self, Conn};
use crate::error::StoreError;

/// Makes declarative applies wait for one another, until the transaction ends. SQLite has one writer anyway.
pub async fn lock_apply(db: &mut Conn) -> Result<(), StoreError> {
    match db {
        Conn::Sqlite(_) => Ok(()),
        Conn::Pg(_) => {
            conn::batch(
                db,
                "SET LOCAL statement_timeout = 60000; SELECT pg_advisory_xact_lock(4735093850137)",
            )
            .await
        }
    }
}
