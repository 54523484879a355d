//! A running server: opened, migrated, supplied with keys, listening, and looked after until it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use store::outbox::Lane;
use store::{Conn, Store, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::administration::groups;
use crate::api_keys;
use crate::app::{App, Services};
use crate::audit;
use crate::clock::Clock;
use crate::config::Config;
use crate::copies::announce_changes;
use crate::delivery;
use crate::error::BoxError;
use crate::fetch::Fetch;
use crate::keys::{self, KeyStore, REFRESH_INTERVAL};
use crate::mail::Mailer;
use crate::pages::Pages;
use crate::passwords;
use crate::privacy;
use crate::shared::Shared;
use crate::statistics;
use crate::web::server::{Running, bind, tls::tls_config};
use crate::{router, setup};

/// Expired rows removed in one go.
const PURGE_LIMIT: u32 = 1000;
/// How long a shutdown waits for work behind the answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a server that leaves is still there, for those who have not noticed.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a database that lets nobody in is asked again at the start; each time takes up to a second.
const TRIES: u32 = 10;

/// A server in the background.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its services.
    pub app: Arc<App>,
    running: Running,
    jobs: JoinHandle<()>,
    postman: JoinHandle<()>,
    writers: JoinHandle<()>,
    stop: CancellationToken,
}

impl Server {
    /// Opens and migrates the database, makes what keys are missing and listens.
    pub async fn start(config: Config) -> Result<Server, BoxError> {
        Server::start_at(config, Clock::System).await
    }

    /// The same by a clock of the caller's.
    pub async fn start_at(config: Config, clock: Clock) -> Result<Server, BoxError> {
        let listener = bind(config.server.listen).await?;
        let tls = match (&config.server.tls_certificate, &config.server.tls_key) {
            (Some(certificate), Some(key)) => Some(tls_config(certificate, key)?),
            _ => None,
        };
        let app = Arc::new(open(config, clock).await?);
        groups::synchronise(&app).await?;
        let running = Running::start(listener, tls, router::router(app.clone()))?;
        let jobs = tokio::spawn({
            let app = app.clone();
            async move {
                tokio::join!(look_after(app.clone()), api_keys::keep_uses(app));
            }
        });
        let stop = CancellationToken::new();
        let postman = tokio::spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                tokio::join!(
                    delivery::work(app.clone(), Lane::Mail, stop.clone()),
                    delivery::work(app.clone(), Lane::Audit, stop.clone()),
                );
            }
        });
        // These write a last time when they are told to stop, which is after the last answer.
        let writers = tokio::spawn({
            let (app, stop) = (app.clone(), stop.clone());
            async move {
                tokio::join!(
                    statistics::work(app.clone(), stop.clone()),
                    audit::work(app.clone(), stop.clone()),
                );
            }
        });
        Ok(Server {
            address: running.address,
            app,
            running,
            jobs,
            postman,
            writers,
            stop,
        })
    }

    /// Says that it is about to stop: it is not ready any more, and asks clients to close their connections.
    pub fn leave(&self) {
        self.app.tasks.close();
        self.running.leave();
    }

    /// Lets requests under way finish, and closes the database.
    pub async fn shutdown(self) {
        if let Err(error) = self.running.stop().await {
            tracing::warn!("the server did not stop cleanly: {error}");
        }
        self.jobs.abort();
        self.app.tasks.close();
        self.stop.cancel();
        let rest = async {
            self.app.tasks.wait().await;
            let _ = tokio::join!(self.postman, self.writers);
        };
        if tokio::time::timeout(PATIENCE, rest).await.is_err() {
            tracing::warn!("some work was not finished in time; mails under way stay in the outbox");
        }
        if let Err(error) = api_keys::flush(&self.app).await {
            tracing::warn!("when API keys were last used could not be kept: {error}");
        }
        self.app.store.close().await;
    }
}

/// The services of a server, without a socket.
pub async fn open(config: Config, clock: Clock) -> Result<App, BoxError> {
    let pages = Pages::new(&config.branding)?;
    let store = Store::open(&config.database.url, config.database.max_connections).await?;
    reach(&store).await.map_err(|error| match error {
        StoreError::Busy => {
            "the database let nobody in; check the host and port of database.url, and that the database runs"
                .into()
        }
        StoreError::Unavailable(_) => {
            format!("{error}; check database.url, and that the database runs").into()
        }
        error => BoxError::from(error),
    })?;
    store.migrate().await?;
    let sealer = Arc::new(keys::master_key(&store, &config, clock.now()).await?);
    let keys = KeyStore::open(&store, &sealer, &config, clock.now()).await?;
    let passwords = passwords::configured(&config.accounts)?;
    let outbound = &config.outbound;
    let fetch = Fetch::new(&outbound.allowed_private_hosts, outbound.extra_ca_file.as_deref())?;
    let shared = match config.redis.url.as_deref() {
        Some(url) => Some(Shared::open(url).await?),
        None => None,
    };
    if let Some(shared) = shared.as_ref().filter(|_| !store.is_sqlite()) {
        announce_changes(&store, shared);
    }
    let mail = Mailer::new(&config)?;
    Ok(App::new(Services {
        config,
        clock,
        store,
        keys,
        sealer,
        passwords,
        pages,
        fetch,
        shared,
        mail,
    }))
}

/// Waits for a database that is slow to let anybody in, as one is that starts at the same time.
async fn reach(store: &Store) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        match store.ping().await {
            Err(StoreError::Busy) => tracing::warn!("the database lets nobody in yet"),
            reached => return reached,
        }
    }
    store.ping().await
}

/// Runs a server until it is told to stop.
pub async fn serve(config: Config) -> Result<(), BoxError> {
    // From the first moment on, so that no signal ends the process in its own way.
    let mut signals = Signals::new()?;
    let server = tokio::select! {
        started = Server::start(config) => started?,
        () = signals.next() => return Ok(()),
    };
    let app = &server.app;
    tracing::info!(address = %server.address, issuer = app.issuer(), "listening");
    if setup::is_needed(&app.store).await? {
        let link = setup::link(&app.store, &app.config, app.now()).await?;
        println!(
            "Nobody has an account yet. Make the first administrator here, once, within 24 hours:\n  {link}"
        );
    }
    signals.next().await;
    tracing::info!("stopping");
    let stopped = async {
        server.leave();
        tokio::time::sleep(FAREWELL).await;
        server.shutdown().await;
    };
    tokio::select! {
        () = stopped => Ok(()),
        () = signals.next() => {
            tracing::warn!("told to stop twice; what is under way is cut off");
            std::process::exit(1);
        }
    }
}

/// What tells the server to stop.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Keeps the key schedule and removes what has expired.
async fn look_after(app: Arc<App>) {
    let mut tick = tokio::time::interval(REFRESH_INTERVAL.as_duration());
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = app.now();
        let kept = async {
            keys::maintain(&app.store, &app.sealer, &app.config, now).await?;
            app.keys.reload(&app.store, &app.sealer, now).await
        };
        if let Err(error) = kept.await {
            tracing::error!("signing keys could not be looked after: {error}");
        }
        if let Err(error) = privacy::look_after(&app).await {
            tracing::error!("what is to be let go could not be: {error}");
        }
        loop {
            match app
                .store
                .write(async move |db: &mut Conn| store::purge::expired(db, now, PURGE_LIMIT).await)
                .await
            {
                Ok(removed) if removed >= u64::from(PURGE_LIMIT) => {
                    tokio::time::sleep(Duration::from_millis(50)).await
                }
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!("expired rows could not be removed: {error}");
                    break;
                }
            }
        }
    }
}
