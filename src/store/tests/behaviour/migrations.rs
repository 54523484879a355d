//! Migrations, alike on both databases.

use std::collections::{BTreeMap, BTreeSet};

use store::{Conn, StoreError, schema};

use super::database::Database;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_migrate_at_once() {
    let database = Database::empty().await;
    let store = &database.store;
    let all = [
        "0001_foundation",
        "0002_people",
        "0003_administration",
        "0004_clients",
    ];
    assert_eq!(store.pending_migrations().await.unwrap(), all);
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let s = store.clone();
                async move { s.migrate().await }
            })
        })
        .collect();
    let mut applied = Vec::new();
    for node in nodes {
        applied.extend(node.await.unwrap().unwrap());
    }
    assert_eq!(applied, all);
    assert!(store.pending_migrations().await.unwrap().is_empty());
    store.ping().await.unwrap();
    database.end().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let database = Database::migrated().await;
    let store = &database.store;
    store
        .write(async |db: &mut Conn| {
            let newer = diesel::sql_query("INSERT INTO schema_migrations (name) VALUES ('9999_newer')");
            match db {
                Conn::Sqlite(c) => diesel::RunQueryDsl::execute(newer, c)?,
                Conn::Pg(c) => diesel_async::RunQueryDsl::execute(newer, &mut **c).await?,
            };
            Ok(())
        })
        .await
        .unwrap();
    for error in [
        store.migrate().await.unwrap_err(),
        store.pending_migrations().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Newer), "{error:?}");
    }
    database.end().await;
}

/// Tables and their columns, as one of the migration files names them.
fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = None;
    for line in sql.lines().map(str::trim) {
        let word = line.split_whitespace().next().unwrap_or_default();
        let created = line.strip_prefix("CREATE TABLE ");
        if let Some(rest) = created.or_else(|| line.strip_prefix("CREATE UNLOGGED TABLE ")) {
            current = Some(rest.trim_end_matches(" (").to_owned());
        } else if line.starts_with(')') {
            current = None;
        } else if let Some((table, column)) = line
            .strip_prefix("ALTER TABLE ")
            .and_then(|rest| rest.split_once(" ADD COLUMN "))
        {
            let column = column.split_whitespace().next().unwrap_or_default();
            tables
                .entry(table.to_owned())
                .or_default()
                .push(column.to_owned());
        } else if let (Some(table), false) = (
            &current,
            matches!(word, "PRIMARY" | "UNIQUE" | "CHECK" | "FOREIGN" | "--"),
        ) {
            tables.entry(table.clone()).or_default().push(word.to_owned());
        }
    }
    tables
}

/// The columns of a table of the schema, and a load of no row of it.
macro_rules! schema_columns {
    ($db:expr, $tables:ident, $($table:ident)+) => {$({
        use diesel::QueryDsl as _;
        let all = schema::$table::table.select(schema::$table::all_columns).limit(0);
        match &mut *$db {
            Conn::Sqlite(c) => { diesel::RunQueryDsl::execute(all, c)?; }
            Conn::Pg(c) => { diesel_async::RunQueryDsl::execute(all, &mut **c).await?; }
        }
        $tables.insert(stringify!($table).to_owned());
    })+};
}

#[tokio::test]
async fn both_migrations_make_the_tables_of_the_schema() {
    let sqlite = tables(concat!(
        include_str!("../../../../migrations/sqlite/0001_foundation/up.sql"),
        include_str!("../../../../migrations/sqlite/0002_people/up.sql"),
        include_str!("../../../../migrations/sqlite/0003_administration/up.sql"),
        include_str!("../../../../migrations/sqlite/0004_clients/up.sql"),
    ));
    let postgres = tables(concat!(
        include_str!("../../../../migrations/postgres/0001_foundation/up.sql"),
        include_str!("../../../../migrations/postgres/0002_people/up.sql"),
        include_str!("../../../../migrations/postgres/0003_administration/up.sql"),
        include_str!("../../../../migrations/postgres/0004_clients/up.sql"),
    ));
    assert_eq!(sqlite, postgres);
    let schema_source = include_str!("../../schema.rs");
    let mut schema: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in schema_source.lines().map(str::trim) {
        if let Some((column, _)) = line.split_once(" -> ") {
            schema.entry(current.clone()).or_default().push(column.to_owned());
        } else if let Some((table, _)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            current = table.to_owned();
        }
    }
    assert_eq!(schema, sqlite);
    let database = Database::migrated().await;
    let loaded = database
        .store
        .write(async |db: &mut Conn| {
            let mut loaded = BTreeSet::new();
            schema_columns!(db, loaded, clients accounts login_names passwords totp_factors recovery_codes sessions
                consents grants authorization_codes refresh_tokens revoked_tokens replay signing_keys roles scopes
                resources account_roles account_permissions setup_links audit_events password_history passkeys
                action_tokens outbox upstreams upstream_identities rate_buckets groups group_members group_roles
                owned_resources resource_permissions api_keys audit_chain statistics consent_records);
            Ok(loaded)
        })
        .await
        .unwrap();
    assert_eq!(loaded, sqlite.into_keys().collect());
    database.end().await;
}
