//! A database for each test: a SQLite file, or one of its own on the server that `TEST_DATABASE_URL` names.

use store::Store;
use uuid::Uuid;

/// A database of its own, gone with the test.
pub(super) struct Database {
    pub(super) store: Store,
    pub(super) directory: Option<tempfile::TempDir>,
    server: Option<(String, String)>,
}

impl Database {
    pub(super) async fn empty() -> Database {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("new/test.db");
            let store = Store::open(&format!("sqlite:{}", path.display()), 4)
                .await
                .unwrap();
            return Database {
                store,
                directory: Some(directory),
                server: None,
            };
        };
        let name = format!("test_{}", Uuid::new_v4().simple());
        statement(&server, &format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (root, _) = base.rsplit_once('/').unwrap();
        let store = Store::open(&format!("{root}/{name}?{query}"), 8).await.unwrap();
        Database {
            store,
            directory: None,
            server: Some((server, name)),
        }
    }

    pub(super) async fn migrated() -> Database {
        let database = Database::empty().await;
        database.store.migrate().await.unwrap();
        database
    }

    pub(super) async fn end(self) {
        self.store.close().await;
        if let Some((server, name)) = self.server {
            let _ = statement(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        drop(self.directory);
    }
}

async fn statement(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let result = client.batch_execute(sql).await;
    drop(client);
    let _ = driver.await;
    result
}
