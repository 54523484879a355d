//! The migrations, embedded, and what applies them. Each back end has its own directory.

use diesel::sql_types::{BigInt, Text};

use crate::conn::query::*;
use crate::conn::{self, Conn};
use crate::error::StoreError;

struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($name:literal)+) => {
        &[$(Migration {
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, "/up.sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, "/up.sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] =
    migrations!("0001_foundation" "0002_people" "0003_administration" "0004_clients");

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY NOT NULL)";

/// Any number, but the same on every node.
const LOCK: &str = "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(4735093850136)";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    name: String,
}

/// What is not applied. A database that a newer version migrated is refused.
async fn missing(db: &mut Conn) -> Result<Vec<&'static Migration>, StoreError> {
    let applied: Vec<Applied> = db!(db, |c| diesel::sql_query("SELECT name FROM schema_migrations")
        .load(c)
        .await)?;
    if !applied
        .iter()
        .all(|row| MIGRATIONS.iter().any(|m| m.name == row.name))
    {
        return Err(StoreError::Newer);
    }
    let is_missing = |m: &&Migration| !applied.iter().any(|row| row.name == m.name);
    Ok(MIGRATIONS.iter().filter(is_missing).collect())
}

/// The names of migrations that are not applied. Writes nothing.
pub(crate) async fn pending(db: &mut Conn) -> Result<Vec<String>, StoreError> {
    let look = match db {
        Conn::Sqlite(_) => {
            "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
        }
        Conn::Pg(_) => {
            "SELECT count(*) AS n FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = 'schema_migrations'"
        }
    };
    let found: Counted = db!(db, |c| diesel::sql_query(look).get_result(c).await)?;
    if found.n == 0 {
        return Ok(MIGRATIONS.iter().map(|m| m.name.to_owned()).collect());
    }
    Ok(missing(db).await?.iter().map(|m| m.name.to_owned()).collect())
}

/// Applies what is missing, inside the transaction it is called in, and names it.
pub(crate) async fn apply(db: &mut Conn) -> Result<Vec<String>, StoreError> {
    if let Conn::Pg(_) = db {
        conn::batch(db, LOCK).await?;
    }
    conn::batch(db, TABLE).await?;
    let mut names = Vec::new();
    for migration in missing(db).await? {
        let sql = match db {
            Conn::Sqlite(_) => migration.sqlite,
            Conn::Pg(_) => migration.postgres,
        };
        conn::batch(db, sql).await?;
        conn::batch(
            db,
            &format!(
                "INSERT INTO schema_migrations (name) VALUES ('{}')",
                migration.name
            ),
        )
        .await?;
        names.push(migration.name.to_owned());
    }
    Ok(names)
}
