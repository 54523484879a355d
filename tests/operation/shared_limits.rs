//! What several nodes share: buckets in Redis or PostgreSQL, and sessions that end everywhere at once; and what is left
//! when the shared store is away.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chancery::app::App;
use chancery::config::{Config, Rate, RateLimitBackend};
use chancery::rate_limit::Limit;
use chancery::server;
use chancery::shared::Shared;
use protocol::time::Lifetime;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::support::{Answer, Browser, Request, Server, basic};

const MACHINE: &[(&str, &str)] = &[("grant_type", "client_credentials")];
const SECRET: &str = "m2m-secret-of-more-than-32-characters";

/// The Redis server that the tests were given.
fn redis(test: &str) -> Option<String> {
    let url = std::env::var("TEST_REDIS_URL").ok();
    if url.is_none() {
        eprintln!("SKIPPED {test}: TEST_REDIS_URL names no Redis server");
    }
    url
}

fn few(config: &mut Config) {
    let per = Lifetime::minutes(1);
    config.rate_limits.token_per_client = Rate { count: 4, per };
}

/// Another node of the same installation, which on SQLite has the same keys and a database of its own.
async fn second_node(first: &Server) -> server::Server {
    let mut config = first.config.clone();
    if config.database.url.starts_with("sqlite:") {
        config.database.url.push_str(".second");
    }
    server::Server::start_at(config, first.clock.clone())
        .await
        .unwrap()
}

async fn token(address: SocketAddr) -> Answer {
    Request::form("/token", MACHINE)
        .header("authorization", basic("m2m", SECRET))
        .send(address)
        .await
}

/// Tries again with another key until the shared store was quick enough to be asked each time: one that is slow
/// is done without for a second, which is not what these tests are about. Nodes that do not share never get there.
async fn in_the_end<const N: usize>(expected: [usize; N], attempt: impl AsyncFn(&str) -> [usize; N]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let key = chancery::random::uuid().to_string();
        let found = attempt(&key).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} instead of {expected:?}");
        tokio::task::yield_now().await;
    }
}

/// Takes from one bucket through both nodes by turns; gives how many were let through.
async fn taken_by_turns(nodes: [&App; 2], key: &str, tries: usize) -> usize {
    let mut let_through = 0;
    for number in 0..tries {
        let verdict = nodes[number % 2].limits.take(Limit::MailPerRecipient, key).await;
        let_through += usize::from(verdict.allowed);
    }
    let_through
}

/// What two nodes that share let through: of one bucket, after one was given back, and after it was filled.
async fn shared(nodes: [&App; 2], key: &str) -> [usize; 3] {
    let limits = &nodes[1].limits;
    let at_first = taken_by_turns(nodes, key, 12).await;
    limits.give_back(Limit::MailPerRecipient, key).await;
    let given_back = taken_by_turns(nodes, key, 4).await;
    limits.reset(Limit::MailPerRecipient, key).await;
    [at_first, given_back, taken_by_turns(nodes, key, 12).await]
}

#[tokio::test]
async fn two_nodes_on_one_redis_share_each_bucket() {
    let Some(url) = redis("two_nodes_on_one_redis_share_each_bucket") else {
        return;
    };
    let first = Server::start_with(|config| config.redis.url = Some(url)).await;
    let second = second_node(&first).await;
    let nodes: [&App; 2] = [&first.running.app, &second.app];
    in_the_end([5, 1, 5], async |key| shared(nodes, key).await).await;
    in_the_end([5, 1], async |key| {
        let at_first = taken_by_turns(nodes, key, 12).await;
        first.advance(Lifetime::minutes(12));
        [at_first, taken_by_turns(nodes, key, 4).await]
    })
    .await;
    in_the_end([5], async |key| {
        let tries = (0..64).map(|number| nodes[number % 2].limits.take(Limit::MailPerRecipient, key));
        let verdicts = futures_util::future::join_all(tries).await;
        [verdicts.iter().filter(|verdict| verdict.allowed).count()]
    })
    .await;
    second.shutdown().await;
}

#[tokio::test]
async fn two_nodes_on_one_postgresql_share_each_bucket() {
    let first = Server::start().await;
    if first.config.database.url.starts_with("sqlite:") {
        eprintln!("SKIPPED two_nodes_on_one_postgresql_share_each_bucket: this run is on SQLite");
        return;
    }
    let second = second_node(&first).await;
    let nodes: [&App; 2] = [&first.running.app, &second.app];
    in_the_end([5, 1, 5], async |key| shared(nodes, key).await).await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_large_bucket_is_shared_to_the_last_token_however_it_is_taken_out() {
    let Some(url) = redis("a_large_bucket_is_shared_to_the_last_token_however_it_is_taken_out") else {
        return;
    };
    let per = Lifetime::minutes(1);
    let first = Server::start_with(|config| {
        config.redis.url = Some(url);
        config.rate_limits.token_per_client = Rate { count: 2000, per };
    })
    .await;
    let second = second_node(&first).await;
    let nodes: [&App; 2] = [&first.running.app, &second.app];
    in_the_end([2000], async |key| {
        let mut let_through = 0;
        for number in 0..2500 {
            let node = nodes[usize::from(number % 3 == 0)];
            let verdict = node.limits.take(Limit::TokenPerClient, key).await;
            let_through += usize::from(verdict.allowed);
        }
        [let_through]
    })
    .await;
    second.shutdown().await;
}

#[tokio::test]
async fn redis_holds_neither_names_nor_addresses() {
    let Some(url) = redis("redis_holds_neither_names_nor_addresses") else {
        return;
    };
    let server = Server::start_with(|config| config.redis.url = Some(url.clone())).await;
    server.code(&[]).await;
    assert_eq!(server.token_as("m2m", SECRET, MACHINE).await.status, 200);
    let mut connection = redis::Client::open(url)
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(keys.iter().any(|key| key.starts_with("chancery:rate:")));
    // Refused requests are found by their ids, and there is a list of these.
    let refused = "{chancery:refused}";
    for key in keys.iter().filter(|key| *key != refused) {
        let plain = match key.strip_prefix(refused) {
            Some(id) => id.strip_prefix(':'),
            None => key
                .trim_start_matches("chancery:")
                .split_once(':')
                .map(|(_, id)| id),
        };
        let hex = |id: &str| id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        assert!(plain.is_some_and(hex), "{key}");
    }
}

/// A server that takes connections and hangs up, or never says a word.
async fn broken_redis(silent: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 1024];
                while silent && stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
            });
        }
    });
    url
}

#[tokio::test]
async fn a_redis_that_is_away_means_limits_of_each_node_and_not_none() {
    for silent in [false, true] {
        let url = broken_redis(silent).await;
        let server = Server::start_with(|config| {
            few(config);
            config.redis.url = Some(url);
            config.rate_limits.backend = RateLimitBackend::Redis;
        })
        .await;
        for number in 0..8 {
            let asked = Instant::now();
            let status = token(server.running.address).await.status;
            assert_eq!(status, if number < 4 { 200 } else { 429 }, "silent: {silent}");
            assert!(asked.elapsed() < Duration::from_secs(5), "silent: {silent}");
        }
        assert_eq!(server.get("/health/ready").await.status, 200);
        let mut browser = Browser::new(&server);
        browser
            .sign_in(&server.authorize(&[]), "alice", "correct horse battery staple")
            .await;
        assert!(
            browser.open("/").await.body.contains("/logout"),
            "silent: {silent}"
        );
    }
}

#[tokio::test]
async fn what_was_taken_while_redis_was_there_counts_when_it_is_away() {
    let Some(url) = redis("what_was_taken_while_redis_was_there_counts_when_it_is_away") else {
        return;
    };
    let proxy = Proxy::start(&url).await;
    let server = Server::start_with(|config| {
        few(config);
        config.redis.url = Some(proxy.url.clone());
    })
    .await;
    for number in 0..5 {
        if number == 2 {
            proxy.cut();
        }
        let expected = if number < 4 { 200 } else { 429 };
        assert_eq!(token(server.running.address).await.status, expected, "{number}");
    }
    assert_eq!(server.get("/health/ready").await.status, 200);

    // It is used again once it is back: what another node took is seen.
    proxy.mend();
    let second = second_node(&server).await;
    server.advance(Lifetime::minutes(10));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let key = chancery::random::uuid().to_string();
        for _ in 0..5 {
            second.app.limits.take(Limit::MailPerRecipient, &key).await;
        }
        let app = &server.running.app;
        if !app.limits.take(Limit::MailPerRecipient, &key).await.allowed {
            break;
        }
        assert!(Instant::now() < deadline, "Redis is back and not used");
        tokio::task::yield_now().await;
    }
    second.shutdown().await;
}

/// A way to Redis that can be cut.
struct Proxy {
    url: String,
    open: tokio::sync::watch::Sender<bool>,
}

impl Proxy {
    async fn start(target: &str) -> Proxy {
        let target = target
            .trim_start_matches("redis://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let (open, state) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (target, mut state) = (target.clone(), state.clone());
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let mut far = tokio::net::TcpStream::connect(&target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.changed() => {}
                    }
                });
            }
        });
        Proxy { url, open }
    }

    fn cut(&self) {
        self.open.send_replace(false);
    }

    fn mend(&self) {
        self.open.send_replace(true);
    }
}

/// Whether the browser's session is known to a node.
async fn is_signed_in(browser: &Browser<'_>, address: SocketAddr) -> bool {
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let home = Request::get("/").header("cookie", cookies.join("; "));
    home.send(address).await.body.contains("/logout")
}

#[tokio::test]
async fn a_session_that_ends_is_over_at_once_though_copies_are_kept() {
    let with_redis = std::env::var("TEST_REDIS_URL").ok();
    for url in [None, with_redis] {
        let server = Server::start_with(|config| config.redis.url = url.clone()).await;
        let mut browser = Browser::new(&server);
        let mut sign_in = async || {
            browser.cookies.clear();
            browser
                .sign_in(&server.authorize(&[]), "alice", "correct horse battery staple")
                .await;
            browser.cookies.clone()
        };
        let (store, now) = (&server.running.app.store, server.clock.now());
        let alice = async move |db: &mut store::Conn| store::accounts::find_by_login(db, "alice").await;
        let alice = store.read(alice).await.unwrap().unwrap().id;
        let address = server.running.address;
        let mut copied = Browser::new(&server);

        copied.cookies = sign_in().await;
        assert!(is_signed_in(&copied, address).await && is_signed_in(&copied, address).await);
        store
            .write(async move |db: &mut store::Conn| store::sessions::end_all(db, alice, now).await)
            .await
            .unwrap();
        assert!(!is_signed_in(&copied, address).await);

        copied.cookies = sign_in().await;
        assert!(is_signed_in(&copied, address).await && is_signed_in(&copied, address).await);
        store
            .write(async move |db: &mut store::Conn| {
                store::accounts::set_disabled(db, alice, true, now).await
            })
            .await
            .unwrap();
        assert!(!is_signed_in(&copied, address).await);
    }
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_is_over_on_the_other() {
    let with_redis = std::env::var("TEST_REDIS_URL").ok();
    for url in [None, with_redis] {
        let first = Server::start_with(|config| config.redis.url = url.clone()).await;
        if first.config.database.url.starts_with("sqlite:") {
            eprintln!("SKIPPED a_session_that_ends_on_one_node_is_over_on_the_other: this run is on SQLite");
            return;
        }
        let second = second_node(&first).await;
        let mut browser = Browser::new(&first);
        browser
            .sign_in(&first.authorize(&[]), "alice", "correct horse battery staple")
            .await;
        for _ in 0..2 {
            assert!(is_signed_in(&browser, second.address).await);
            assert!(is_signed_in(&browser, first.running.address).await);
        }
        let now = first.clock.now();
        second
            .app
            .store
            .write(async move |db: &mut store::Conn| {
                let alice = store::accounts::find_by_login(db, "alice").await?.unwrap();
                store::sessions::end_all(db, alice.id, now).await
            })
            .await
            .unwrap();
        assert!(!is_signed_in(&browser, first.running.address).await);
        assert!(!is_signed_in(&browser, second.address).await);
        second.shutdown().await;
    }
}

#[tokio::test]
async fn a_redis_url_that_is_none_is_refused_without_being_shown() {
    let error = Shared::open("redis//:very-secret@")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("redis.url") && !error.contains("very-secret"),
        "{error}"
    );
}
