//! How the database itself is doing.

use diesel::sql_types::{BigInt, Text};
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

/// What time it is for the database server; nothing on SQLite, which has no clock of its own.
pub async fn clock(db: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    if matches!(db, Conn::Sqlite(_)) {
        return Ok(None);
    }
    let sql = "SELECT extract(epoch FROM clock_timestamp())::bigint AS value";
    let now: Number = db!(db, |c| diesel::sql_query(sql).get_result(c).await)?;
    Ok(Some(Timestamp(now.value)))
}

/// The version of the database, in its own words.
pub async fn version(db: &mut Conn) -> Result<String, StoreError> {
    let sql = match db {
        Conn::Sqlite(_) => "SELECT 'SQLite ' || sqlite_version() AS value",
        Conn::Pg(_) => "SELECT 'PostgreSQL ' || current_setting('server_version') AS value",
    };
    let line: Line = db!(db, |c| diesel::sql_query(sql).get_result(c).await)?;
    Ok(line.value)
}

/// What is damaged in a SQLite file, at most one thing; nothing when all is well. PostgreSQL looks after itself.
pub async fn damage(db: &mut Conn) -> Result<Option<String>, StoreError> {
    if matches!(db, Conn::Pg(_)) {
        return Ok(None);
    }
    let sql = "SELECT quick_check AS value FROM pragma_quick_check LIMIT 1";
    let line: Line = db!(db, |c| diesel::sql_query(sql).get_result(c).await)?;
    Ok((line.value != "ok").then_some(line.value))
}
