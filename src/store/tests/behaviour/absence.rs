//! A database that is absent, refuses, ends what it was asked, or falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use store::{Conn, Store, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What asks for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

async fn say(store: &Store, sql: &'static str) -> Result<usize, StoreError> {
    store
        .read(async move |db: &mut Conn| match db {
            Conn::Pg(c) => Ok(diesel_async::RunQueryDsl::execute(diesel::sql_query(sql), &mut **c).await?),
            Conn::Sqlite(_) => Ok(0),
        })
        .await
}

/// The server of these tests, where there is one, with a single connection.
async fn single() -> Option<Store> {
    let url = std::env::var("TEST_DATABASE_URL").ok()?;
    Some(Store::open(&url, 1).await.unwrap())
}

#[tokio::test]
async fn an_absent_database_is_named_with_the_cause_and_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let store = Store::open(&format!("postgres://ada:geheim@{address}/d"), 1)
        .await
        .unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let told = error.to_string();
    assert!(told.contains(&address.to_string()), "{told}");
    assert!(told.contains("refused"), "{told}");
    assert!(!told.contains("geheim") && !told.contains("object"), "{told}");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_code() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let (base, _) = url.rsplit_once('/').unwrap();
    let store = Store::open(&format!("{base}/there_is_none"), 1).await.unwrap();
    let told = store.ping().await.unwrap_err().to_string();
    assert!(told.contains("there_is_none") && told.contains("3D000"), "{told}");
}

#[tokio::test]
async fn tls_is_asked_for_unless_it_is_disabled() {
    for (query, asks) in [
        ("", false), // on the way to this very machine
        ("?sslmode=prefer", true),
        ("?sslmode=require", true),
        ("?sslmode=disable", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let first = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0; 8];
            stream.read_exact(&mut first).await.unwrap();
            let mut second = [0; 8];
            if first == SSL_REQUEST {
                stream.write_all(b"N").await.unwrap();
                let _ = stream.read_exact(&mut second).await;
            }
            (first, second)
        });
        let store = Store::open(&format!("postgres://ada@{address}/d{query}"), 1)
            .await
            .unwrap();
        store.ping().await.unwrap_err();
        let (first, second) = first.await.unwrap();
        assert_eq!(first == SSL_REQUEST, asks, "{query}");
        // A server that does not offer it is spoken to without, where that is allowed.
        let goes_on = asks && query != "?sslmode=require";
        assert_eq!(second != [0; 8], goes_on, "{query}");
    }
}

#[tokio::test]
async fn an_unknown_sslmode_is_named() {
    let error = Store::open("postgres://ada@localhost/d?sslmode=allow", 1)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("sslmode=allow"), "{error}");
}

#[tokio::test]
async fn what_the_server_ends_is_worth_another_try() {
    let Some(store) = single().await else { return };
    for sql in [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN SET LOCAL statement_timeout = 1; PERFORM pg_sleep(1); RAISE query_canceled \
         USING MESSAGE = 'canceling statement due to statement timeout'; END $$",
    ] {
        let error = say(&store, sql).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        store.ping().await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn a_connection_whose_caller_left_is_replaced() {
    let Some(store) = single().await else { return };
    store.ping().await.unwrap();
    let asked = say(&store, "SELECT pg_sleep(2.5)");
    assert!(
        tokio::time::timeout(Duration::from_millis(100), asked)
            .await
            .is_err()
    );
    let started = Instant::now();
    store.ping().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
    store.close().await;
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_replaced() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let (head, tail) = url.split_once('@').unwrap();
    let (target, tail) = tail.split_once('/').unwrap();
    let proxy = Proxy::start(target.to_owned()).await;
    let store = Store::open(&format!("{head}@{}/{tail}", proxy.address), 1)
        .await
        .unwrap();
    store.ping().await.unwrap();
    for writes in [false, true] {
        proxy.silence();
        let started = Instant::now();
        let error = if writes {
            let write = store.write(async |_: &mut Conn| Ok(()));
            write.await.unwrap_err()
        } else {
            store.ping().await.unwrap_err()
        };
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(6));
        store.ping().await.unwrap();
    }
    store.close().await;
}

/// A way to the database whose connections can fall silent; new ones work.
struct Proxy {
    address: std::net::SocketAddr,
    heard: Arc<std::sync::Mutex<Arc<AtomicBool>>>,
}

impl Proxy {
    async fn start(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(std::sync::Mutex::new(Arc::new(AtomicBool::new(true))));
        let mine = heard.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&target).await.unwrap();
                let heard = mine.lock().unwrap().clone();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(pass(near_in, far_out, heard.clone()));
                tokio::spawn(pass(far_in, near_out, heard));
            }
        });
        Proxy { address, heard }
    }

    fn silence(&self) {
        let next = Arc::new(AtomicBool::new(true));
        let before = std::mem::replace(&mut *self.heard.lock().unwrap(), next);
        before.store(false, Ordering::SeqCst);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    heard: Arc<AtomicBool>,
) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if heard.load(Ordering::SeqCst) {
            let _ = to.write_all(buffer.get(..read).unwrap_or_default()).await;
        }
    }
}
