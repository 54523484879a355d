//! Locks for work that only one node may do at a time.

use diesel::sql_types::Bool;

use crate::conn::query::*;
use crate::conn::{self, Conn};
use crate::error::StoreError;

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

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

/// Keeps other nodes from the chain of audit events until the transaction ends; false when one of them is at it.
pub async fn try_lock_audit(db: &mut Conn) -> Result<bool, StoreError> {
    match db {
        Conn::Sqlite(_) => Ok(true),
        Conn::Pg(c) => {
            let query = diesel::sql_query("SELECT pg_try_advisory_xact_lock(4735093850138) AS locked");
            let row: Locked = diesel_async::RunQueryDsl::get_result(query, c).await?;
            Ok(row.locked)
        }
    }
}
