//! A database of its own for each test, gone when the test is over.

use std::process::Command;

use store::Store;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A database and the folder that it lies in, where it is a file.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    /// The server that holds it and its name there.
    held: Option<(String, String)>,
}

impl Database {
    /// One without a table.
    pub(crate) fn empty() -> Database {
        Database::made_of("template0")
    }

    /// One with every table and nothing in them. On PostgreSQL it is a copy, which is quicker than the migrations.
    pub(crate) async fn migrated() -> Database {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        if server().is_none() {
            return Database::empty();
        }
        let template = TEMPLATE.get_or_init(async || {
            let mut database = Database::empty();
            let store = Store::open(&database.url, 1).await.unwrap();
            store.migrate().await.unwrap();
            store.close().await;
            let (_, name) = database.held.take().unwrap();
            name
        });
        Database::made_of(template.await)
    }

    fn made_of(template: &str) -> Database {
        let folder = TempDir::new().unwrap();
        let Some(server) = server() else {
            let url = format!("sqlite:{}", folder.path().join("test.db").display());
            return Database {
                url,
                folder,
                held: None,
            };
        };
        let name = format!("test_{}", chancery::random::uuid().simple());
        let made = tell(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        assert!(made, "the database could not be made");
        let (base, query) = server.split_at(server.find('?').unwrap_or(server.len()));
        let (root, _) = base.rsplit_once('/').expect("TEST_DATABASE_URL names a database");
        Database {
            url: format!("{root}/{name}{query}"),
            folder,
            held: Some((server, name)),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.held {
            tell(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

fn tell(server: &str, statement: &str) -> bool {
    Command::new("psql")
        .args([server, "-q", "-c", statement])
        .status()
        .expect("psql makes a database for each test")
        .success()
}
