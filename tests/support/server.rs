//! A server of its own for each test: fresh database, manual clock, sample clients and accounts.

use chancery::clock::Clock;
use chancery::config::Config;
use chancery::declarative;
use chancery::keys;
use chancery::server;
use protocol::time::{Lifetime, Timestamp};

use super::Browser;
use super::database::Database;
use super::http::{Answer, Request, basic, query_of};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const SAMPLE: &str = include_str!("sample.toml");

/// When every test begins.
const START: Timestamp = Timestamp(1_800_000_000);

fn configuration(database: &Database) -> Config {
    let folder = database.folder.path();
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.issuer = "http://localhost:8080".into();
    config.database.url.clone_from(&database.url);
    config.keys.master_key_file = folder.join("master.key");
    config.mail.folder = Some(folder.join("mails"));
    config.accounts.argon2_memory_kib = 64;
    config.accounts.argon2_iterations = 1;
    config
}

/// Starts a server on an empty database, and stops it when it has all its keys.
pub(super) async fn first_start(database: &Database) {
    let config = configuration(database);
    let server = server::Server::start_at(config.clone(), Clock::manual(START))
        .await
        .unwrap();
    let app = &server.app;
    keys::maintain(&app.store, &app.sealer, &config, START)
        .await
        .unwrap();
    server.shutdown().await;
}

/// A running server.
pub(crate) struct Server {
    pub(crate) running: server::Server,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    _database: Database,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::start_with(|_| ()).await
    }

    /// A server whose configuration is changed first.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Server {
        let database = Database::named();
        let mut config = configuration(&database);
        change(&mut config);
        // Names in Redis hang on the master key: tests that share one server there must not share that. And keys are
        // made ahead by the rotation that is configured.
        let own = config.redis.url.is_some() || config.keys.rotation != Config::default().keys.rotation;
        if own {
            database.create("template0");
        } else {
            database.fill().await;
        }
        let clock = Clock::manual(START);
        let running = server::Server::start_at(config.clone(), clock.clone())
            .await
            .unwrap();
        let server = Server {
            running,
            clock,
            config,
            _database: database,
        };
        server.apply(SAMPLE).await;
        server
    }

    /// Stops it, and gives the database and the folder of its files, which last until that is dropped.
    pub(crate) async fn stop(self) -> Database {
        self.running.shutdown().await;
        self._database
    }

    /// Applies a declarative file.
    pub(crate) async fn apply(&self, text: &str) {
        let app = &self.running.app;
        declarative::apply_text(&app.store, &app.sealer, &app.passwords, text, self.clock.now())
            .await
            .unwrap();
    }

    /// The identifier of the account with this name.
    pub(crate) async fn account_id(&self, name: &str) -> protocol::id::AccountId {
        let name = name.to_owned();
        let find = async move |db: &mut store::Conn| store::accounts::find_by_login(db, &name).await;
        self.running.app.store.read(find).await.unwrap().unwrap().id
    }

    pub(crate) fn advance(&self, by: Lifetime) {
        self.clock.advance(by);
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(self.running.address).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path)).await
    }

    /// A token request of the confidential client `web`.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Answer {
        self.token_as("web", "web-secret-of-more-than-32-characters", pairs)
            .await
    }

    pub(crate) async fn token_as(&self, id: &str, secret: &str, pairs: &[(&str, &str)]) -> Answer {
        self.send(Request::form("/token", pairs).header("authorization", basic(id, secret)))
            .await
    }

    /// The path of a good authorization request of `web`, with changes; an empty value takes a parameter out.
    pub(crate) fn authorize(&self, changes: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("client_id", "web"),
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("scope", "openid profile email books:read"),
            ("state", "the state"),
            ("nonce", "the-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        format!("/authorize?{}", query.finish())
    }

    /// Signs alice in through a new browser and gives the code that the client received.
    pub(crate) async fn code(&self, changes: &[(&str, &str)]) -> String {
        let mut browser = Browser::new(self);
        let answer = browser
            .sign_in(&self.authorize(changes), "alice", "correct horse battery staple")
            .await;
        query_of(answer.location(), "code").unwrap_or_else(|| panic!("no code in {}", answer.location()))
    }

    /// Redeems a code as `web`.
    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", "https://app.example/cb"),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// The token response of a whole sign-in of alice at `web`.
    pub(crate) async fn tokens(&self, changes: &[(&str, &str)]) -> Answer {
        let code = self.code(changes).await;
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// The introspection of a token by `web`.
    pub(crate) async fn introspect(&self, token: &str) -> serde_json::Value {
        let request = Request::form("/introspect", &[("token", token)]).header(
            "authorization",
            basic("web", "web-secret-of-more-than-32-characters"),
        );
        self.send(request).await.json()
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        self.send(Request::get("/userinfo").bearer(token)).await
    }

    /// The claims of a token, its signature checked with the published keys.
    pub(crate) async fn claims(&self, token: &str) -> serde_json::Map<String, serde_json::Value> {
        let keys = protocol::jose::KeySet::from_jwks(&self.get("/jwks.json").await.json()).unwrap();
        protocol::jose::verify(token, &keys, &protocol::jose::Algorithm::SIGNING)
            .unwrap()
            .claims
    }
}
