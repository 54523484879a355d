//! PostgreSQL: a pool of connections, and writes in tasks of their own so that a caller who leaves
//! cuts no transaction in half.

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool::managed::PoolError;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, TransactionManager};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::changes::{self, Changes};
use crate::conn::{Conn, SendAsyncFn};
use crate::error::StoreError;

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(5);
/// How long a statement may go unanswered. The server ends one earlier, unless it can no longer be heard.
const SILENCE: Duration = Duration::from_secs(4);
/// How a peer that vanished is noticed, in seconds. The URL may say otherwise.
const LIVENESS: &str = "tcp_user_timeout=5&keepalives_idle=10&keepalives_interval=3&keepalives_retries=2";
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
        let target = Arc::new(target(url)?);
        let mut manager = ManagerConfig::<AsyncPgConnection>::default();
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            let target = Arc::clone(&target);
            Box::pin(async move { target.connect().await })
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
        let mut lent = Lent::new(acquire(&self.pool).await?);
        let result = heard(f.run(lent.conn()?)).await?;
        if !result.as_ref().is_err_and(StoreError::ends_connection) {
            lent.give_back();
        }
        result
    }

    pub(crate) async fn write<R, F>(&self, f: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> SendAsyncFn<&'c mut Conn, Result<R, StoreError>> + Send + 'static,
    {
        // Waiting happens here and not in the task: a caller that leaves gives its place up.
        let mut lent = Lent::new(acquire(&self.pool).await?);
        let changes = self.changes.clone();
        let task = tokio::spawn(async move {
            let conn = lent.conn()?;
            if let Conn::Pg(pg) = conn {
                heard(Transactions::begin_transaction(&mut **pg)).await??;
            }
            // Long work may wait for a lock longer than a statement may take, so nothing bounds it here.
            let (result, changed) = changes::collect_async(f.run(conn)).await;
            if let Conn::Pg(pg) = conn {
                if result.is_ok() {
                    heard(Transactions::commit_transaction(&mut **pg)).await??;
                } else if !matches!(
                    heard(Transactions::rollback_transaction(&mut **pg)).await,
                    Ok(Ok(()))
                ) {
                    // The closure's error says more than a rollback that fails.
                    return result;
                }
            }
            lent.give_back();
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
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn acquire(pool: &Pool<AsyncPgConnection>) -> Result<Object<AsyncPgConnection>, StoreError> {
    match timeout(ACQUIRE, pool.get()).await {
        Ok(Ok(conn)) => Ok(conn),
        Err(_) | Ok(Err(PoolError::Timeout(_))) => Err(StoreError::Busy),
        Ok(Err(PoolError::Closed)) => Err(StoreError::Closed),
        Ok(Err(_)) if pool.is_closed() => Err(StoreError::Closed),
        Ok(Err(PoolError::Backend(error))) => Err(StoreError::Unavailable(error.to_string())),
        Ok(Err(error)) => Err(StoreError::other(error)),
    }
}

/// A connection on loan. The pool gets it back only when all that was asked was answered: a caller who left, or heard
/// nothing, may have left a statement in it.
struct Lent(Option<Conn>);

impl Lent {
    fn new(conn: Object<AsyncPgConnection>) -> Lent {
        Lent(Some(Conn::Pg(conn)))
    }

    fn conn(&mut self) -> Result<&mut Conn, StoreError> {
        self.0.as_mut().ok_or(StoreError::Closed)
    }

    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(Conn::Pg(conn)) = self.0.take() {
            drop(Object::take(conn));
        }
    }
}

/// Waits as long as the database answers. Only an answer wakes a closure, so each poll is one.
async fn heard<T>(work: impl Future<Output = T>) -> Result<T, StoreError> {
    let mut work = pin!(work);
    let mut silence = pin!(sleep(SILENCE));
    poll_fn(|cx| {
        if let Poll::Ready(result) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(result));
        }
        if silence.is_elapsed() {
            let told = "it did not answer in time".to_owned();
            return Poll::Ready(Err(StoreError::Unavailable(told)));
        }
        silence.as_mut().reset(Instant::now() + SILENCE);
        let _ = silence.as_mut().poll(cx);
        Poll::Pending
    })
    .await
}

struct Target {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    async fn connect(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let refused = |error: tokio_postgres::Error| ConnectionError::BadConnection(self.explain(&error));
        match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(refused)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }

    /// Why there is no connection, and where to. Never names the password.
    fn explain(&self, error: &tokio_postgres::Error) -> String {
        let place = self.place();
        if let Some(told) = error.as_db_error() {
            let (message, code) = (told.message(), told.code().code());
            return format!("cannot connect to {place}: {message} (SQLSTATE {code})");
        }
        let mut text = format!("cannot connect to {place}: {error}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            if is_tls(error) {
                let mode = match self.config.get_ssl_mode() {
                    SslMode::Require => "require",
                    _ => "prefer",
                };
                text.push_str(&format!(
                    "; sslmode={mode} checks the certificate where the server offers TLS: \
                     name its authority in sslrootcert, or set sslmode=disable to go without TLS"
                ));
            }
            cause = error.source();
        }
        text
    }

    /// The hosts and ports.
    fn place(&self) -> String {
        let ports = self.config.get_ports();
        let named: Vec<String> = self.config.get_hosts().iter().map(host_name).collect();
        let names = if named.is_empty() {
            let addresses = self.config.get_hostaddrs().iter();
            addresses.map(ToString::to_string).collect()
        } else {
            named
        };
        let places = names.iter().enumerate().map(|(n, name)| {
            let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
            format!("{name}:{port}")
        });
        places.collect::<Vec<_>>().join(",")
    }
}

fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

/// Whether the handshake failed, which rustls tells inside an I/O error.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .is_some_and(|inner| inner.is::<rustls::Error>())
}

/// Reads a URL. TLS is used where the server offers it, and from `sslmode=require` on nothing else is; on the way to
/// this very machine only where the URL says so. All modes with TLS check the server's certificate and name, against the
/// public authorities or those of the PEM file in `sslrootcert`.
fn target(url: &str) -> Result<Target, StoreError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut root_file = None;
    let mut kept = vec![LIVENESS.to_owned()];
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslrootcert", path)) => root_file = Some(path),
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require".into()),
            Some(("sslmode", mode)) if !matches!(mode, "disable" | "prefer" | "require") => {
                return Err(StoreError::Url(format!(
                    "the database URL has sslmode={mode}; write disable, prefer, require, verify-ca or verify-full"
                )));
            }
            _ => kept.push(parameter.to_owned()),
        }
    }
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
    let silent = root_file.is_none() && !kept.iter().any(|parameter| parameter.starts_with("sslmode="));
    let local = silent && is_loopback(&config);
    let tls = match config.get_ssl_mode() {
        _ if local => None,
        SslMode::Disable => None,
        _ => Some(tls(root_file)?),
    };
    Ok(Target { config, tls })
}

/// Whether all hosts are this machine, so that nobody listens on the way.
fn is_loopback(config: &tokio_postgres::Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_about_it_tls_is_for_other_machines() {
        for (url, asked) in [
            ("postgres://ada@db.example/d", true),
            ("postgres://ada@192.0.2.1/d", true),
            ("postgres://ada@localhost,db.example/d", true),
            ("postgres://ada@localhost/d", false),
            ("postgres://ada@127.0.0.1/d", false),
            ("postgres://ada@[::1]/d", false),
            ("postgres://ada@localhost/d?sslmode=require", true),
        ] {
            let found = target(url).map(|target| target.tls.is_some());
            assert!(matches!(found, Ok(tls) if tls == asked), "{url}");
        }
    }
}
