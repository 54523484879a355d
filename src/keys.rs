//! Signing keys: per algorithm an upcoming, an active and retiring ones, sealed at rest; the JWKS document.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use protocol::jose::{Algorithm, JoseError, KeySet, SigningKey};
use protocol::time::{Lifetime, Timestamp};
use serde_json::json;
use store::{Conn, Store, StoreError, StoredKey};
use zeroize::Zeroizing;

use crate::audit::Event;
use crate::config::Config;
use crate::document::Document;
use crate::seal::{self, MasterKeyError, Sealer};

pub mod pool;

/// How long verifiers may cache the JWKS. No key signs before it has been published for longer.
pub const JWKS_MAX_AGE: Lifetime = Lifetime::minutes(5);

/// Nodes read the keys anew this often, so a key is known everywhere this long after it was made.
pub const REFRESH_INTERVAL: Lifetime = Lifetime::seconds(15);

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The master key cannot be had.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// A key does not open: the master key file is another one than at the time of sealing.
    #[error(
        "signing key {0} cannot be opened: keys.master_key_file is not the file it was sealed with; restore that file"
    )]
    Sealed(String),
    /// The key material is unusable.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// There is no key for an algorithm.
    #[error("there is no active signing key for {0}")]
    Missing(Algorithm),
    /// More signatures are asked for than can be made.
    #[error("the signing queue is full")]
    Busy,
}

struct Entry {
    key: Arc<SigningKey>,
    activates_at: Timestamp,
}

/// The keys at one moment, with the documents made of them.
pub struct KeyRing {
    entries: Vec<Entry>,
    /// All published keys, for verification.
    pub verification: KeySet,
    /// The JWKS document (RFC 7517 §5).
    pub jwks: Document,
}

impl KeyRing {
    /// The key that signs with `algorithm` now.
    pub fn active(&self, algorithm: Algorithm, now: Timestamp) -> Result<Arc<SigningKey>, KeyError> {
        self.entries
            .iter()
            .filter(|entry| entry.key.algorithm() == algorithm && entry.activates_at <= now)
            .max_by_key(|entry| entry.activates_at)
            .map(|entry| entry.key.clone())
            .ok_or(KeyError::Missing(algorithm))
    }
}

/// The master key of this database. Its file is made only while the database holds no signing keys, and these are then
/// sealed with it at once: from there on they tell it from any other file, before anything is sealed with that.
pub async fn master_key(store: &Store, config: &Config, now: Timestamp) -> Result<Sealer, KeyError> {
    let path = &config.keys.master_key_file;
    let mut stored = list(store).await?;
    let sealer = if stored.is_empty() {
        let sealer = seal::load_or_create(path)?;
        make_first(store, &sealer, &config.keys.algorithms, now).await?;
        // Another node may have been first, with a file of its own.
        stored = list(store).await?;
        sealer
    } else {
        seal::load(path)?
    };
    if seal::is_open_to_others(path) {
        tracing::warn!(path = %path.display(), "others than the owner may read the master key file; use mode 0600");
    }
    let published = |row: &&StoredKey| row.expires_at.is_none_or(|end| end > now);
    match stored
        .iter()
        .filter(published)
        .find(|row| unsealed(&sealer, row).is_none())
    {
        Some(row) => Err(KeyError::Sealed(row.kid.clone())),
        None => Ok(sealer),
    }
}

async fn list(store: &Store) -> Result<Vec<StoredKey>, StoreError> {
    store
        .read(async |db: &mut Conn| store::keys::list(db).await)
        .await
}

/// The current [`KeyRing`] and the threads that sign with it.
pub struct KeyStore {
    ring: ArcSwap<KeyRing>,
    pool: pool::SigningPool,
}

impl KeyStore {
    /// Reads the keys, making those that a first start needs.
    pub async fn open(
        store: &Store,
        sealer: &Sealer,
        config: &Config,
        now: Timestamp,
    ) -> Result<KeyStore, KeyError> {
        make_first(store, sealer, &config.keys.algorithms, now).await?;
        let ring = load(store, sealer, &HashMap::new(), now).await?;
        Ok(KeyStore {
            ring: ArcSwap::from_pointee(ring),
            pool: pool::SigningPool::start(),
        })
    }

    /// The keys as they are now.
    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Reads the keys anew; those already open are kept.
    pub async fn reload(&self, store: &Store, sealer: &Sealer, now: Timestamp) -> Result<(), KeyError> {
        let open: HashMap<String, Arc<SigningKey>> = self
            .ring()
            .entries
            .iter()
            .map(|entry| (entry.key.kid().to_owned(), entry.key.clone()))
            .collect();
        self.ring.store(Arc::new(load(store, sealer, &open, now).await?));
        Ok(())
    }

    /// Runs a job that signs with `keys`. Where one of them is an RSA key it runs on threads of its own, so that
    /// nothing else waits for it.
    pub async fn run<R: Send + 'static>(
        &self,
        keys: &[&SigningKey],
        job: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, KeyError> {
        if keys
            .iter()
            .any(|key| matches!(key.algorithm(), Algorithm::Rs256 | Algorithm::Ps256))
        {
            self.pool.run(job).await
        } else {
            Ok(job())
        }
    }
}

async fn load(
    store: &Store,
    sealer: &Sealer,
    open: &HashMap<String, Arc<SigningKey>>,
    now: Timestamp,
) -> Result<KeyRing, KeyError> {
    let stored = list(store).await?;
    let mut entries = Vec::new();
    for row in stored
        .into_iter()
        .filter(|row| row.expires_at.is_none_or(|end| end > now))
    {
        let key = match open.get(&row.kid) {
            Some(key) => key.clone(),
            None => Arc::new(unseal(sealer, &row)?),
        };
        entries.push(Entry {
            key,
            activates_at: row.activates_at,
        });
    }
    let published: Vec<_> = entries
        .iter()
        .map(|entry| entry.key.public_jwk().clone())
        .collect();
    let verification = KeySet::new(entries.iter().map(|entry| entry.key.verification_key()).collect());
    const _: () = assert!(JWKS_MAX_AGE.as_secs() == 300, "the header below says 300");
    let document = json!({ "keys": published }).to_string();
    let jwks = Document::new(document, "application/json", "public, max-age=300");
    Ok(KeyRing {
        entries,
        verification,
        jwks,
    })
}

/// Whether the master key opens a stored key.
pub fn opens(row: &StoredKey, sealer: &Sealer) -> bool {
    unseal(sealer, row).is_ok()
}

fn unseal(sealer: &Sealer, row: &StoredKey) -> Result<SigningKey, KeyError> {
    let der = unsealed(sealer, row).ok_or_else(|| KeyError::Sealed(row.kid.clone()))?;
    Ok(SigningKey::from_pkcs8(row.algorithm, &row.kid, &der)?)
}

fn unsealed(sealer: &Sealer, row: &StoredKey) -> Option<Zeroizing<Vec<u8>>> {
    sealer.open(&context(&row.kid), &row.sealed).map(Zeroizing::new)
}

fn context(kid: &str) -> String {
    format!("key/{kid}")
}

/// Makes a key that signs from `activates_at` on. Its name counts up, so of several nodes that make the next
/// one at once, the database lets one through.
async fn make(
    store: &Store,
    sealer: &Sealer,
    algorithm: Algorithm,
    number: usize,
    now: Timestamp,
    activates_at: Timestamp,
    event: Option<NewEvent<'_>>,
) -> Result<Option<String>, KeyError> {
    let kid = format!("{}-{number}", algorithm.as_str().to_ascii_lowercase());
    let name = kid.clone();
    // Finding RSA primes takes a tenth of a second and more.
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm, &name)).await;
    let key = made.map_err(|_| KeyError::Busy)??;
    let row = StoredKey {
        sealed: sealer.seal(&context(&kid), &key.to_pkcs8()),
        public_jwk: key.public_jwk().clone(),
        kid: kid.clone(),
        algorithm,
        created_at: now,
        activates_at,
        retires_at: None,
        expires_at: None,
    };
    let event = event.map(|event| about(event, &kid));
    let inserted = store
        .write(async move |db: &mut Conn| {
            let inserted = store::keys::insert(db, &row).await?;
            if let Some(event) = event.filter(|_| inserted) {
                event.record(db).await?;
            }
            Ok(inserted)
        })
        .await?;
    Ok(inserted.then_some(kid))
}

/// Makes an event of whoever asked for a key.
type NewEvent<'a> = &'a (dyn Fn() -> Event + Sync);

/// The event that is about this key.
fn about(event: NewEvent<'_>, kid: &str) -> Event {
    event().detail(json!({ "kid": kid }))
}

async fn make_first(
    store: &Store,
    sealer: &Sealer,
    algorithms: &[Algorithm],
    now: Timestamp,
) -> Result<(), KeyError> {
    let stored = list(store).await?;
    let missing = algorithms
        .iter()
        .filter(|algorithm| !stored.iter().any(|key| key.algorithm == **algorithm));
    let making = missing.map(|algorithm| make(store, sealer, *algorithm, 1, now, now, None));
    for made in futures_util::future::join_all(making).await {
        made?;
    }
    Ok(())
}

/// The keys of one algorithm, oldest first, as the schedule sees them.
struct Line<'a> {
    keys: Vec<&'a StoredKey>,
}

impl<'a> Line<'a> {
    fn of(stored: &'a [StoredKey], algorithm: Algorithm) -> Line<'a> {
        let mut keys: Vec<_> = stored.iter().filter(|key| key.algorithm == algorithm).collect();
        keys.sort_by_key(|key| key.activates_at);
        Line { keys }
    }

    fn next_number(&self) -> usize {
        let numbers = self
            .keys
            .iter()
            .filter_map(|key| key.kid.rsplit('-').next()?.parse::<usize>().ok());
        numbers.max().unwrap_or(0) + 1
    }

    fn upcoming(&self, now: Timestamp) -> Option<&'a StoredKey> {
        self.keys.iter().rev().find(|key| key.activates_at > now).copied()
    }

    fn active(&self, now: Timestamp) -> Option<&'a StoredKey> {
        self.keys
            .iter()
            .rev()
            .find(|key| key.activates_at <= now)
            .copied()
    }
}

/// The earliest moment at which a key made at `created_at` may sign: every cached JWKS has it by then.
fn earliest_use(created_at: Timestamp) -> Timestamp {
    created_at + JWKS_MAX_AGE + REFRESH_INTERVAL + REFRESH_INTERVAL
}

/// Keeps the schedule: an upcoming key is published ahead of its time, what it replaced retires, and retired
/// keys leave the JWKS when their last token has expired.
pub async fn maintain(
    store: &Store,
    sealer: &Sealer,
    config: &Config,
    now: Timestamp,
) -> Result<(), KeyError> {
    let stored = list(store).await?;
    for algorithm in &config.keys.algorithms {
        let line = Line::of(&stored, *algorithm);
        if line.upcoming(now).is_none()
            && let Some(active) = line.active(now)
        {
            let due = active.activates_at + config.keys.rotation;
            make(
                store,
                sealer,
                *algorithm,
                line.next_number(),
                now,
                due.max(earliest_use(now)),
                None,
            )
            .await?;
        }
    }
    retire(store, config, &stored, now).await
}

async fn retire(
    store: &Store,
    config: &Config,
    stored: &[StoredKey],
    now: Timestamp,
) -> Result<(), KeyError> {
    // ID tokens come back as hints for as long as a session may last.
    let longest = config
        .tokens
        .access_token
        .max(config.tokens.id_token)
        .max(config.sessions.absolute);
    for algorithm in Algorithm::SIGNING {
        let line = Line::of(stored, algorithm);
        for pair in line.keys.windows(2) {
            let [old, new] = pair else { continue };
            if old.retires_at.is_some() || new.activates_at > now {
                continue;
            }
            let (kid, retires_at) = (old.kid.clone(), new.activates_at);
            let expires_at = retires_at + longest + JWKS_MAX_AGE + JWKS_MAX_AGE;
            store
                .write(async move |db: &mut Conn| store::keys::retire(db, &kid, retires_at, expires_at).await)
                .await?;
        }
    }
    Ok(())
}

/// Brings the next key of `algorithm`, or of each one, forward to the earliest safe moment, and names those keys. Each
/// is put on record with `event`.
pub async fn rotate_now(
    store: &Store,
    sealer: &Sealer,
    algorithm: Option<Algorithm>,
    now: Timestamp,
    config: &Config,
    event: NewEvent<'_>,
) -> Result<Vec<String>, KeyError> {
    let mut moved = Vec::new();
    for algorithm in config
        .keys
        .algorithms
        .iter()
        .filter(|each| algorithm.is_none_or(|wanted| wanted == **each))
    {
        let stored = list(store).await?;
        let line = Line::of(&stored, *algorithm);
        let kid = match line.upcoming(now) {
            Some(upcoming) => {
                let kid = upcoming.kid.clone();
                let soonest =
                    earliest_use(upcoming.created_at).max(now + REFRESH_INTERVAL + REFRESH_INTERVAL);
                let activates_at = soonest.min(upcoming.activates_at);
                let (name, event) = (kid.clone(), about(event, &kid));
                store
                    .write(async move |db: &mut Conn| {
                        event.record(db).await?;
                        store::keys::activate(db, &name, activates_at).await
                    })
                    .await?;
                Some(kid)
            }
            None => {
                // A first key is in no cached JWKS, and nothing signs until it does.
                let from = if line.keys.is_empty() {
                    now
                } else {
                    earliest_use(now)
                };
                make(
                    store,
                    sealer,
                    *algorithm,
                    line.next_number(),
                    now,
                    from,
                    Some(event),
                )
                .await?
            }
        };
        moved.extend(kid);
    }
    Ok(moved)
}
