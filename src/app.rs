//! What a handler may need, and nothing else.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::sync::Cache;
use protocol::access_token::VerifiedAccessToken;
use protocol::client::Client;
use protocol::id::ClientId;
use protocol::role::{ResourceServer, ScopeDefinition};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use store::{Conn, Store, StoreError, StoredClient};
use tokio_util::task::TaskTracker;

use crate::api_keys::ApiKeys;
use crate::audit;
use crate::authority::{Held, Stands};
use crate::browser::cache::Live;
use crate::clock::Clock;
use crate::config::Config;
use crate::copies::Copies;
use crate::document::Document;
use crate::fetch::Fetch;
use crate::keys::KeyStore;
use crate::mail::Mailer;
use crate::pages::Pages;
use crate::passwords::Passwords;
use crate::rate_limit::{Limit, RateLimits};
use crate::refusals::Refusals;
use crate::seal::Sealer;
use crate::shared::Shared;
use crate::statistics::Statistics;
use crate::upstream::Providers;

/// How long a change made by another process may go unseen in what is cached.
const FRESHNESS: Duration = Duration::from_secs(2);

/// The services of one running server.
pub struct App {
    /// The checked configuration.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Signing keys.
    pub keys: KeyStore,
    /// Secrets at rest.
    pub sealer: Arc<Sealer>,
    /// Password hashing.
    pub passwords: Passwords,
    /// HTML.
    pub pages: Pages,
    /// Copies of live sessions.
    pub sessions: Copies<Live>,
    /// Copies of what accounts hold.
    pub held: Copies<Held>,
    /// Copies of how accounts stand to single things.
    pub standings: Copies<Stands>,
    /// Limits on what strangers may try.
    pub limits: RateLimits,
    /// What is counted.
    pub statistics: Arc<Statistics>,
    /// Requests that were refused lately.
    pub refusals: Arc<Refusals>,
    /// What is known of API keys beside what is stored.
    pub api_keys: ApiKeys,
    /// Requests of our own.
    pub fetch: Fetch,
    /// What nodes share beside the database.
    pub shared: Option<Shared>,
    /// What upstream providers publish.
    pub providers: Providers,
    /// Mails to people.
    pub mail: Mailer,
    /// The work on the audit trail.
    pub audit: audit::Trail,
    /// Work that no answer waits for, such as what must not show in its time. `spawn` adds to it; a shutdown waits
    /// for it.
    pub tasks: TaskTracker,
    /// Scheme, host and port of the issuer.
    pub origin: String,
    /// Key of CSRF tokens.
    pub csrf_key: [u8; 32],
    /// Key that refresh tokens' successors are derived with.
    pub rotation_key: [u8; 32],
    clients: Cache<ClientId, Arc<StoredClient>>,
    catalogue: Cache<(), Arc<Catalogue>>,
    origins: Cache<(), Arc<HashSet<String>>>,
    client_keys: Cache<String, Arc<protocol::jose::KeySet>>,
    verified: Cache<[u8; 32], Arc<VerifiedAccessToken>>,
    /// The point in the order of changes up to which those of other processes are minded.
    others_changed: AtomicU64,
}

/// Scopes and resource servers, read together.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The scopes beside the standard ones.
    pub scopes: Vec<ScopeDefinition>,
    /// The resource servers.
    pub resources: Vec<ResourceServer>,
    metadata: OnceLock<Document>,
}

impl Catalogue {
    /// The metadata document for these scopes, made at the first call.
    pub fn metadata(&self, make: impl FnOnce() -> Document) -> &Document {
        self.metadata.get_or_init(make)
    }
}

/// The services an [`App`] is put together from.
#[expect(missing_docs, reason = "the fields are those of App")]
pub struct Services {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub keys: KeyStore,
    pub sealer: Arc<Sealer>,
    pub passwords: Passwords,
    pub pages: Pages,
    pub fetch: Fetch,
    pub shared: Option<Shared>,
    pub mail: Mailer,
}

impl App {
    /// Puts the services together.
    pub fn new(services: Services) -> App {
        let Services {
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
        } = services;
        let statistics = Arc::new(Statistics::new(clock.clone()));
        App {
            origin: url::Url::parse(&config.server.issuer)
                .map(|issuer| issuer.origin().ascii_serialization())
                .unwrap_or_default(),
            csrf_key: sealer.derive("csrf"),
            rotation_key: sealer.derive("refresh-token-rotation"),
            sessions: Copies::new(&store, shared.as_ref(), &sealer),
            held: Copies::new(&store, shared.as_ref(), &sealer),
            standings: Copies::new(&store, shared.as_ref(), &sealer),
            limits: RateLimits::configured(
                &config.rate_limits,
                clock.clone(),
                sealer.derive("rate-limits"),
                &store,
                shared.as_ref(),
            ),
            clients: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(FRESHNESS)
                .build(),
            catalogue: Cache::builder().max_capacity(1).time_to_live(FRESHNESS).build(),
            origins: Cache::builder().max_capacity(1).time_to_live(FRESHNESS).build(),
            api_keys: ApiKeys::new(&store, shared.as_ref(), &sealer),
            refusals: Arc::new(Refusals::new(
                clock.clone(),
                statistics.clone(),
                shared.as_ref(),
                &sealer,
            )),
            statistics,
            others_changed: AtomicU64::default(),
            client_keys: Cache::builder()
                .max_capacity(1_000)
                .time_to_live(Duration::from_secs(300))
                .build(),
            verified: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(60))
                .build(),
            config,
            clock,
            store,
            keys,
            sealer,
            passwords,
            pages,
            fetch,
            providers: Providers::default(),
            shared,
            mail,
            audit: audit::Trail::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// The issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.config.server.issuer
    }

    /// Whether browsers reach us by https.
    pub fn is_https(&self) -> bool {
        self.issuer().starts_with("https://")
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A registered client that is not shut out, at most two seconds old.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<StoredClient>>, StoreError> {
        self.forget_what_others_changed();
        if let Some(client) = self.clients.get(id) {
            return Ok(Some(client));
        }
        // No text of PostgreSQL holds a NUL, so no client is called that.
        if id.as_str().contains('\0') {
            return Ok(None);
        }
        let wanted = id.clone();
        let found = self
            .store
            .read(async move |db: &mut Conn| store::clients::find(db, &wanted).await)
            .await?;
        let Some(found) = found.filter(|found| !found.disabled) else {
            return Ok(None);
        };
        let found = Arc::new(found);
        self.clients.insert(id.clone(), found.clone());
        Ok(Some(found))
    }

    /// The origins of all clients that are not shut out, at most two seconds old.
    pub async fn origins(&self) -> Result<Arc<HashSet<String>>, StoreError> {
        self.forget_what_others_changed();
        if let Some(origins) = self.origins.get(&()) {
            return Ok(origins);
        }
        let clients = self
            .store
            .read(async |db: &mut Conn| store::clients::list(db).await)
            .await?;
        let open = clients.iter().filter(|client| !client.disabled);
        let origins: Arc<HashSet<_>> = Arc::new(open.flat_map(|client| client.client.origins()).collect());
        self.origins.insert((), origins.clone());
        Ok(origins)
    }

    /// Reads everything anew once another process, such as a command line beside this one, has written.
    fn forget_what_others_changed(&self) {
        let changed = self.store.changes().unknown();
        if self.others_changed.fetch_max(changed, Ordering::AcqRel) < changed {
            self.clients.invalidate_all();
            self.catalogue.invalidate_all();
            self.origins.invalidate_all();
        }
    }

    /// Reads a client anew at its next use, after a change of it here.
    pub fn forget_client(&self, id: &ClientId) {
        self.clients.invalidate(id);
        self.origins.invalidate_all();
    }

    /// Reads the scopes and resource servers anew at their next use, after a change of them here.
    pub fn forget_catalogue(&self) {
        self.catalogue.invalidate(&());
    }

    /// An access token of ours whose signature and claims are right and that has not expired. Whether it was
    /// revoked is another question, asked anew each time; the signature is checked once a minute.
    pub fn verified(&self, token: &str) -> Option<Arc<VerifiedAccessToken>> {
        let (hash, now) = (TokenHash::of(token).0, self.now());
        if let Some(known) = self.verified.get(&hash) {
            return (known.exp > now).then_some(known);
        }
        let ring = self.keys.ring();
        let verified = VerifiedAccessToken::verify(token, &ring.verification, self.issuer(), now).ok()?;
        let verified = Arc::new(verified);
        self.verified.insert(hash, verified.clone());
        Some(verified)
    }

    /// Scopes and resource servers, at most two seconds old.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, StoreError> {
        self.forget_what_others_changed();
        if let Some(catalogue) = self.catalogue.get(&()) {
            return Ok(catalogue);
        }
        let catalogue = self
            .store
            .read(async |db: &mut Conn| {
                let scopes = store::roles::list_scopes(db).await?;
                let resources = store::roles::list_resources(db).await?;
                Ok(Catalogue {
                    scopes,
                    resources,
                    metadata: OnceLock::new(),
                })
            })
            .await?;
        let catalogue = Arc::new(catalogue);
        self.catalogue.insert((), catalogue.clone());
        Ok(catalogue)
    }

    /// The public keys of a client: registered, or fetched from its `jwks_uri` and kept for five minutes.
    /// `refetch` asks again for keys that an unknown `kid` shows to be old.
    pub async fn client_keys(&self, client: &Client, refetch: bool) -> Option<Arc<protocol::jose::KeySet>> {
        if let Some(jwks) = &client.jwks {
            return protocol::jose::KeySet::from_jwks(jwks).ok().map(Arc::new);
        }
        let uri = client.jwks_uri.as_deref()?;
        if !refetch && let Some(keys) = self.client_keys.get(uri) {
            return Some(keys);
        }
        // A stranger who makes up kids must not make us fetch at will.
        if !self.limits.take(Limit::KeyFetches, uri).await.allowed {
            return self.client_keys.get(uri);
        }
        let document = match self.fetch.get_json(uri, crate::fetch::MAX_BYTES).await {
            Ok(document) => document,
            Err(error) => {
                tracing::info!(client.id = %client.client_id, %error, "the client's jwks_uri could not be read");
                return None;
            }
        };
        let keys = Arc::new(protocol::jose::KeySet::from_jwks(&document).ok()?);
        self.client_keys.insert(uri.to_owned(), keys.clone());
        Some(keys)
    }
}
