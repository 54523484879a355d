//! Statements that are run so often that preparing them each time would show.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

/// Uses up a row that can be used once, before it expires and while its grant is in force. Diesel takes it that updates
/// differ from one another, and would have the database prepare each of them anew; this one is always the same.
pub(crate) struct Consume {
    /// The table.
    pub(crate) table: &'static str,
    /// The column by which a row is found.
    pub(crate) key: &'static str,
    /// What it holds.
    pub(crate) hash: TokenHash,
    /// The moment of use.
    pub(crate) now: Timestamp,
}

impl<DB> QueryFragment<DB> for Consume
where
    DB: Backend,
    [u8]: ToSql<Binary, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Consume {
            table,
            key,
            hash,
            now,
        } = self;
        pass.push_sql("UPDATE ");
        pass.push_sql(table);
        pass.push_sql(" SET consumed_at = ");
        pass.push_bind_param::<BigInt, _>(&now.0)?;
        pass.push_sql(" WHERE consumed_at IS NULL AND expires_at > ");
        pass.push_bind_param::<BigInt, _>(&now.0)?;
        pass.push_sql(" AND ");
        pass.push_sql(key);
        pass.push_sql(" = ");
        pass.push_bind_param::<Binary, _>(hash.as_bytes())?;
        pass.push_sql(" AND EXISTS (SELECT 1 FROM grants INNER JOIN accounts ON accounts.id = grants.account_id WHERE grants.id = ");
        pass.push_sql(table);
        pass.push_sql(".grant_id AND grants.revoked_at IS NULL AND NOT accounts.disabled)");
        Ok(())
    }
}

// What is kept is found by its text.
impl QueryId for Consume {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for Consume {}

/// The frame of a transaction on SQLite.
macro_rules! statements {
    ($($name:ident: $sql:literal),* $(,)?) => {$(
        #[doc = $sql]
        #[derive(QueryId)]
        pub(crate) struct $name;

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                pass.push_sql($sql);
                Ok(())
            }
        }

        impl RunQueryDsl<SqliteConnection> for $name {}
    )*};
}

statements!(Begin: "BEGIN IMMEDIATE", Commit: "COMMIT", Savepoint: "SAVEPOINT job", Release: "RELEASE job");
