//! The optional store that nodes share: Redis or Valkey. It may be away at any moment: each question is answered
//! within 50 ms or not at all, and whoever asked does without.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, RedisResult, ScriptInvocation};
use tokio::task::JoinHandle;

use crate::error::{BoxError, chain};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long nothing is asked after a question was not answered.
/// What comes back may be asked once in vain, over the old connection, so it is used again within two of these.
const PAUSE: u64 = 400;
/// How often the log repeats that something is away.
const REPEAT: u64 = 60_000;
const CONNECT: Duration = Duration::from_secs(2);
const FIRST: Duration = Duration::from_millis(500);

/// Asks something that may be away, and leaves it alone for a moment when it is.
#[derive(Debug)]
pub struct Breaker {
    what: &'static str,
    started: Instant,
    /// Milliseconds since `started`; 0 while all is well.
    away_until: AtomicU64,
    logged_at: AtomicU64,
}

impl Breaker {
    /// A breaker before the thing that the log calls `what`.
    pub fn new(what: &'static str) -> Breaker {
        Breaker {
            what,
            started: Instant::now(),
            away_until: AtomicU64::new(0),
            logged_at: AtomicU64::new(0),
        }
    }

    /// The answer, or nothing when there was none in time.
    pub async fn ask<T, E: std::error::Error + 'static>(
        &self,
        question: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let until = self.away_until.load(Ordering::Acquire);
        let now = self.millis();
        if until > now {
            return None;
        }
        // After a pause one caller tries, and the others go on doing without.
        let pause = now.saturating_add(PAUSE);
        if until > 0
            && self
                .away_until
                .compare_exchange(until, pause, Ordering::AcqRel, Ordering::Acquire)
                .is_err()
        {
            return None;
        }
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => {
                if self.away_until.swap(0, Ordering::AcqRel) > 0 {
                    tracing::info!("{} is back", self.what);
                }
                Some(answer)
            }
            Ok(Err(error)) => {
                self.trip(&chain(&error));
                None
            }
            Err(_) => {
                self.trip("no answer in time");
                None
            }
        }
    }

    /// Whether it is not to be asked now.
    fn is_away(&self) -> bool {
        self.away_until.load(Ordering::Acquire) > self.millis()
    }

    fn trip(&self, reason: &str) {
        let now = self.millis();
        self.away_until
            .store(now.saturating_add(PAUSE).max(1), Ordering::Release);
        let logged_at = self.logged_at.load(Ordering::Acquire);
        let due = logged_at == 0 || now.saturating_sub(logged_at) >= REPEAT;
        let mine = due
            && self
                .logged_at
                .compare_exchange(logged_at, now.max(1), Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if mine {
            tracing::warn!("{} is away ({reason}); this node goes on without it", self.what);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A connection to Redis or Valkey that heals by itself. Clones share it.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    client: Client,
    connection: ArcSwap<ConnectionManager>,
    breaker: Breaker,
}

impl Shared {
    /// Takes the URL of the configuration, and waits a moment for the connection.
    pub async fn open(url: &str) -> Result<Shared, BoxError> {
        if url.starts_with("rediss:") {
            // The crate asks for the process-wide provider; it stays as it is when somebody set it before.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let client = Client::open(url).map_err(|_| "redis.url: cannot be used; write redis://HOST:PORT")?;
        let (connection, connected) = connect(&client)?;
        // It is used as soon as it is there, and until then as if it were away.
        let _ = tokio::time::timeout(FIRST, connected).await;
        Ok(Shared(Arc::new(Inner {
            client,
            connection: ArcSwap::from_pointee(connection),
            breaker: Breaker::new("the Redis server"),
        })))
    }

    /// Runs a script whose keys and arguments are set.
    pub async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        let mut connection = self.0.connection.load().as_ref().clone();
        self.ask(script.invoke_async(&mut connection)).await
    }

    /// Whether it answers now.
    pub async fn answers(&self) -> bool {
        let mut connection = self.0.connection.load().as_ref().clone();
        self.ask(redis::cmd("PING").exec_async(&mut connection))
            .await
            .is_some()
    }

    /// Removes a key; false when that is not known to have happened.
    pub async fn delete(&self, key: &str) -> bool {
        let mut connection = self.0.connection.load().as_ref().clone();
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.ask(command.exec_async(&mut connection)).await.is_some()
    }

    async fn ask<T>(&self, question: impl Future<Output = RedisResult<T>>) -> Option<T> {
        let was_away = self.0.breaker.is_away();
        let answer = self.0.breaker.ask(question).await;
        if answer.is_none() && !was_away {
            self.reconnect();
        }
        answer
    }

    /// A connection that does not answer may be dead without knowing it, so the next question gets a new one.
    fn reconnect(&self) {
        match connect(&self.0.client) {
            Ok((connection, _)) => self.0.connection.store(Arc::new(connection)),
            Err(error) => tracing::warn!("Redis cannot be connected to: {error}"),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// A connection that is made while nobody waits for it.
fn connect(client: &Client) -> Result<(ConnectionManager, JoinHandle<()>), BoxError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(CONNECT));
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
    let mut first = manager.clone();
    let connected = tokio::spawn(async move {
        // Whoever asks next learns what came of it.
        let _ = redis::cmd("PING").exec_async(&mut first).await;
    });
    Ok((manager, connected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_back_is_used_within_a_second() {
        let breaker = Breaker::new("the test");
        for _ in 0..2 {
            assert_eq!(breaker.ask(async { Err::<(), _>(std::fmt::Error) }).await, None);
            assert_eq!(breaker.ask(async { Ok::<_, std::fmt::Error>(()) }).await, None);
            tokio::time::sleep(Duration::from_millis(490)).await;
        }
        assert_eq!(
            breaker.ask(async { Ok::<_, std::fmt::Error>(()) }).await,
            Some(())
        );
    }
}
