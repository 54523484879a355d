//! What the server remembers, in SQLite or PostgreSQL: one `Store`, closures over a `Conn`, and a
//! module of free functions for each noun.

#[macro_use]
mod conn;
mod error;
mod migrations;
mod postgres;
mod prepared;
mod queue;
#[expect(missing_docs, reason = "the macros of diesel write the items")]
pub mod schema;
mod sqlite;
pub mod types;
mod writer;

pub mod access_tokens;
pub mod accounts;
pub mod action_tokens;
pub mod administrators;
pub mod api_keys;
pub mod audit;
pub mod audit_chain;
pub mod changes;
pub mod clients;
pub mod codes;
pub mod consent_records;
pub mod consents;
pub mod credentials;
pub mod erasure;
pub mod factors;
pub mod grants;
pub mod groups;
pub mod health;
pub mod holders;
pub mod inactivity;
pub mod keys;
pub mod locks;
pub mod outbox;
pub mod owned_resources;
pub mod passkeys;
pub mod passwords;
pub mod personal_data;
pub mod purge;
pub mod rate_buckets;
pub mod refresh_tokens;
pub mod replay;
pub mod resource_permissions;
pub mod roles;
pub mod scim;
pub mod sessions;
pub mod setup_links;
pub mod statistics;
pub mod traces;
pub mod upstream_identities;
pub mod upstreams;

use std::sync::Arc;

pub use accounts::Account;
pub use changes::Changes;
pub use clients::StoredClient;
pub use conn::{Conn, SendAsyncFn};
pub use credentials::TotpFactor;
pub use error::StoreError;
pub use keys::StoredKey;
pub use passkeys::StoredPasskey;
pub use upstream_identities::UpstreamIdentity;
pub use upstreams::StoredUpstream;

/// The database, open. Clones share it. What waits for PostgreSQL is boxed, so that what waits for the store is small on
/// SQLite too.
#[derive(Clone)]
pub struct Store(Arc<Backend>, Arc<Changes>);

enum Backend {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Opens `sqlite:PATH`, whose file and directories are made when missing, or `postgres://…`.
    /// Does not migrate.
    pub async fn open(url: &str, max_connections: usize) -> Result<Store, StoreError> {
        let changes = Arc::new(Changes::default());
        let backend = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let sqlite = sqlite::Sqlite::open(path, max_connections, changes.clone())?;
            Backend::Sqlite(Arc::new(sqlite))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Backend::Postgres(postgres::Postgres::open(url, max_connections, changes.clone())?)
        } else {
            return Err(StoreError::Url(
                "the database URL must start with sqlite: or postgres://".into(),
            ));
        };
        Ok(Store(Arc::new(backend), changes))
    }

    /// Runs a closure that only reads. It may wait for queries and for nothing else.
    pub async fn read<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<R, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>
            + Send
            + 'static,
    {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.read(f),
            Backend::Postgres(postgres) => Box::pin(postgres.read(f)).await,
        }
    }

    /// The same for one that may go through many rows, as lists, searches and exports do. On SQLite it has a thread of
    /// its own, so that those that answer requests go on meanwhile. Four run at once; [`StoreError::Busy`] is for one
    /// that has waited 5 s for its turn. Dropping the future does not end one that has begun.
    pub async fn scan<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<R, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>
            + Send
            + 'static,
    {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.scan(f).await,
            Backend::Postgres(postgres) => Box::pin(postgres.read(f)).await,
        }
    }

    /// Runs a closure in one transaction: kept whole when it returns `Ok`, gone whole when it returns
    /// `Err` or panics. It may wait for queries and for nothing else. Dropping the future leaves the
    /// outcome unknown, never partial.
    pub async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<R, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>
            + Send
            + 'static,
    {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.write(f).await,
            Backend::Postgres(postgres) => Box::pin(postgres.write(f)).await,
        }
    }

    /// Runs a closure of one statement that writes, which PostgreSQL keeps whole without a transaction around it.
    pub async fn statement<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<R, StoreError>
            + for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>
            + Send
            + 'static,
    {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.write(f).await,
            Backend::Postgres(postgres) => Box::pin(postgres.read(f)).await,
        }
    }

    /// Applies the migrations that are missing and names them. Many nodes may call it at once.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.write(async |db: &mut Conn| migrations::apply(db).await)
            .await
    }

    /// The migrations that are not applied.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        self.read(async |db: &mut Conn| migrations::pending(db).await)
            .await
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(*self.0, Backend::Sqlite(_))
    }

    /// What this process changed about sessions lately.
    pub fn changes(&self) -> &Changes {
        &self.1
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(async |db: &mut Conn| conn::ping(db).await).await
    }

    /// Waits, where something was written to SQLite, until other processes on the file have noticed. Nodes on PostgreSQL
    /// see a changed client or scope within two seconds, and all else at once.
    pub async fn noticed(&self) {
        if self.is_sqlite() && self.1.has_committed() {
            tokio::time::sleep(2 * writer::LOOK).await;
        }
    }

    /// Takes no more work and returns when what was taken is done.
    pub async fn close(&self) {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close().await,
        }
    }
}
