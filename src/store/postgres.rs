//! PostgreSQL: a pool of connections, and writes in tasks of their own so that a caller who leaves
//! cuts no transaction in half.

use std::sync::Arc;
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::changes::{self, Changes};
use crate::conn::{Conn, SendAsyncFn};
use crate::error::StoreError;

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(5);
const SESSION: &str = "-c statement_timeout=3000 -c idle_in_transaction_session_timeout=10000 \
     -c default_transaction_isolation=read\\ committed";

pub(crate) struct Postgres {
    pool: Pool<AsyncPgConnection>,
    changes: Arc<Changes>,
}

impl Postgres {
    pub(crate) fn open(
        url: &str,
        max_connections: usize,
        changes: Arc<Changes>,
    ) -> Result<Postgres, StoreError> {
        let Target { config, tls } = target(url)?;
        let (config, tls) = (Arc::new(config), tls);
        let mut manager = ManagerConfig::<AsyncPgConnection>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let (config, tls) = (Arc::clone(&config), tls.clone());
            Box::pin(async move {
                let refused =
                    |error: tokio_postgres::Error| ConnectionError::BadConnection(error.to_string());
                match tls {
                    Some(tls) => {
                        let (client, connection) = config.connect(tls).await.map_err(refused)?;
                        AsyncPgConnection::try_from_client_and_connection(client, connection).await
                    }
                    None => {
                        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
                        AsyncPgConnection::try_from_client_and_connection(client, connection).await
                    }
                }
            })
        });
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, manager);
        let pool = Pool::builder(manager)
            .max_size(max_connections.max(1))
            .build()
            .map_err(StoreError::other)?;
        Ok(Postgres { pool, changes })
    }

    pub(crate) async fn read<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>>,
    {
        let mut conn = Conn::Pg(acquire(&self.pool).await?);
        f.run(&mut conn).await
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        // Waiting happens here and not in the task: a caller that leaves gives its place up.
        let conn = acquire(&self.pool).await?;
        let changes = self.changes.clone();
        let task = tokio::spawn(async move {
            let mut conn = Conn::Pg(conn);
            if let Conn::Pg(pg) = &mut conn {
                Transactions::begin_transaction(&mut **pg).await?;
            }
            let (result, changed) = changes::collect_async(f.run(&mut conn)).await;
            if let Conn::Pg(pg) = &mut conn {
                if result.is_ok() {
                    Transactions::commit_transaction(&mut **pg).await?;
                } else {
                    // The closure's error says more than a rollback that fails; the pool drops such a connection.
                    let _ = Transactions::rollback_transaction(&mut **pg).await;
                }
            }
            drop(conn);
            if result.is_ok() {
                changes.announce(changed).await;
            }
            result
        });
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked),
            Err(_) => Err(StoreError::Closed),
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close();
        for _ in 0..100 {
            if self.pool.status().size == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn acquire(pool: &Pool<AsyncPgConnection>) -> Result<Object<AsyncPgConnection>, StoreError> {
    match tokio::time::timeout(ACQUIRE, pool.get()).await {
        Err(_) => Err(StoreError::Busy),
        Ok(Err(_)) if pool.is_closed() => Err(StoreError::Closed),
        Ok(result) => result.map_err(StoreError::other),
    }
}

struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

/// Reads a URL. `sslmode=require` and the stricter modes all check the server's certificate and name,
/// against the public authorities or those of the PEM file in `sslrootcert`.
fn target(url: &str) -> Result<Target, StoreError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut root_file = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter_map(|parameter| match parameter.split_once('=') {
            Some(("sslrootcert", path)) => {
                root_file = Some(path);
                None
            }
            Some(("sslmode", "verify-full" | "verify-ca")) => Some("sslmode=require"),
            _ => (!parameter.is_empty()).then_some(parameter),
        })
        .collect();
    let mut config: tokio_postgres::Config = format!("{base}?{}", kept.join("&"))
        .parse()
        .map_err(|_| StoreError::Url("the database URL is not one of PostgreSQL".into()))?;
    let options = match config.get_options() {
        Some(own) => format!("{SESSION} {own}"),
        None => SESSION.to_owned(),
    };
    config
        .options(options)
        .connect_timeout(CONNECT)
        .application_name("chancery");
    let tls = match config.get_ssl_mode() {
        SslMode::Require => Some(tls(root_file)?),
        _ => None,
    };
    Ok(Target { config, tls })
}

fn tls(root_file: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    match root_file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable =
                |error: &dyn std::fmt::Display| StoreError::Url(format!("sslrootcert {path}: {error}"));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StoreError::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
