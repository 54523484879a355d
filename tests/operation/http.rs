//! HTTP as such: ids, limits, methods, proxies, TLS, health, and the way to stop.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chancery::config::{Config, Rate};
use protocol::time::Lifetime;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Answer, Request, Server, basic};

const FORM: &str = "application/x-www-form-urlencoded";
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends bytes as they are and reads what comes until the end of the stream or of the answer's head.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    head(stream).await
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match timeout(PATIENCE, stream.read_u8())
            .await
            .expect("an answer in time")
        {
            Ok(byte) => answer.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn raw(address: SocketAddr, bytes: &str) -> String {
    exchange(&mut TcpStream::connect(address).await.unwrap(), bytes).await
}

#[tokio::test]
async fn every_answer_has_an_id_of_our_own_and_the_headers_that_protect() {
    let server = Server::start().await;
    let requests = [
        Request::get("/"),
        Request::get("/health/live"),
        Request::get("/jwks.json"),
        Request::get("/nowhere"),
        Request::get("/token"),
        Request::get("/userinfo"),
        Request::get(server.authorize(&[("client_id", "nobody")])),
        Request::get(format!("/?{}", "a".repeat(17 * 1024))),
        Request::form("/token", &[("grant_type", "nonsense")]),
    ];
    let mut ids = BTreeSet::new();
    let count = requests.len();
    for request in requests {
        let answer = server
            .send(request.clone().header("x-request-id", "of-the-client"))
            .await;
        let id = answer
            .header("x-request-id")
            .unwrap_or_else(|| panic!("no id for {request:?}"))
            .to_owned();
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        ids.insert(id);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {request:?}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"),
            "{policy}"
        );
    }
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let server = Server::start().await;
    let post =
        |kind: &str, rest: &str| format!("POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{rest}");
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024 + 1, "a".repeat(64 * 1024 + 1));
    for (case, request) in [
        ("a form that says so", post(FORM, "Content-Length: 65537\r\n\r\n")),
        (
            "another body that says so",
            post("application/json", "Content-Length: 1048577\r\n\r\n"),
        ),
        (
            "a form that only turns out so",
            post(FORM, &format!("Transfer-Encoding: chunked\r\n\r\n{chunk}")),
        ),
    ] {
        let answer = raw(server.running.address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{case}: {answer}");
    }
    let large = Request::form(
        "/token",
        &[
            ("grant_type", "client_credentials"),
            ("x", &"a".repeat(60 * 1024)),
        ],
    );
    assert_eq!(server.send(large).await.refusal(), (400, "invalid_client".into()));
}

#[tokio::test]
async fn addresses_and_headers_have_a_limit() {
    let server = Server::start().await;
    let live = |query: usize| Request::get(format!("/health/live?{}", "a".repeat(query)));
    assert_eq!(server.send(live(15 * 1024)).await.status, 200);
    assert_eq!(server.send(live(17 * 1024)).await.status, 414);
    let headers = |count: usize, length: usize| {
        let value = "a".repeat(length);
        (0..count).fold(live(0), |request, number| {
            request.header(&format!("x-{number}"), value.clone())
        })
    };
    assert_eq!(server.send(headers(90, 10)).await.status, 200);
    assert_eq!(server.send(headers(101, 1)).await.status, 431);
    assert_eq!(server.send(headers(1, 31 * 1024)).await.status, 200);
    assert_eq!(server.send(headers(1, 33 * 1024)).await.status, 431);
    assert_eq!(server.send(headers(11, 3 * 1024)).await.status, 431);
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_those_that_are_right() {
    let server = Server::start().await;
    for (method, path) in [
        ("GET", "/token"),
        ("GET", "/introspect"),
        ("GET", "/revoke"),
        ("PUT", "/authorize"),
        ("DELETE", "/jwks.json"),
        ("POST", "/.well-known/openid-configuration"),
        ("TRACE", "/userinfo"),
        ("PATCH", "/health/live"),
        ("PUT", "/login"),
        ("TRACE", "/"),
    ] {
        let answer = server.send(Request::new(method, path)).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(
            answer
                .header("allow")
                .is_some_and(|allowed| !allowed.contains(method)),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_that_names_its_id() {
    let server = Server::start().await;
    for path in [
        "/nowhere",
        "/userinfo/x.css",
        "/jwks.json/",
        "/%2e%2e/etc/passwd",
        "//evil.example",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(
            answer.body.contains(answer.header("x-request-id").unwrap()),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn host_and_forwarded_headers_of_strangers_change_nothing() {
    let server = Server::start().await;
    let path = "/.well-known/openid-configuration";
    let metadata = server.get(path).await.body;
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "localhost.:8080"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=https"),
    ] {
        let answer = server.send(Request::get(path).header(name, value)).await;
        assert!(answer.status >= 400 || answer.body == metadata, "{name}: {value}");
        let answer = server
            .send(Request::get(server.authorize(&[])).header(name, value))
            .await;
        assert!(!format!("{answer:?}").contains("evil"), "{name}: {answer:?}");
    }
    let twice = format!("GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nHost: evil.example\r\n\r\n");
    let answer = raw(server.running.address, &twice).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_where_a_request_comes_from() {
    let rates = |config: &mut Config| {
        config.rate_limits.sign_in_per_address = Rate {
            count: 3,
            per: Lifetime::minutes(5),
        };
    };
    let stranger = Server::start_with(rates).await;
    let proxied = Server::start_with(|config| {
        rates(config);
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let guess = async |server: &Server, number: usize, address: String| -> Answer {
        let name = format!("nobody{number}");
        let pairs = [
            ("grant_type", "password"),
            ("username", name.as_str()),
            ("password", "a wrong password"),
        ];
        let request = Request::form("/token", &pairs)
            .header(
                "authorization",
                basic("cli", "cli-secret-of-more-than-32-characters"),
            )
            .header("x-forwarded-for", address);
        server.send(request).await
    };
    for number in 0..4 {
        let believed = guess(&proxied, number, format!("198.51.100.{number}"))
            .await
            .refusal()
            .1;
        assert_eq!(believed, "invalid_grant", "each address has tries of its own");
        let refused = guess(&stranger, number, format!("198.51.100.{number}"))
            .await
            .refusal()
            .1;
        assert_eq!(refused == "invalid_grant", number < 3, "{number}: {refused}");
    }
    for number in 4..7 {
        let refused = guess(&proxied, number, "198.51.100.9".into()).await.refusal().1;
        assert_eq!(refused, "invalid_grant");
    }
    assert_ne!(
        guess(&proxied, 7, "198.51.100.9".into()).await.refusal().1,
        "invalid_grant"
    );
}

#[tokio::test]
async fn it_lives_without_its_database_and_is_not_ready() {
    let server = Server::start().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
    let store = &server.running.app.store;
    if store.is_sqlite() {
        // A file beside the server is not lost as a connection is.
        return;
    }
    store.close().await;
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(server.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn over_tls_cookies_are_bound_to_the_host_and_browsers_stay_with_https() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Server::start_with(|config| {
        config.server.issuer = "https://localhost:8443".into();
        config.server.tls_certificate = Some(certificate);
        config.server.tls_key = Some(key);
    })
    .await;
    let answer = tls_get(&server, made.cert.der(), &server.authorize(&[]))
        .await
        .to_lowercase();
    assert!(
        answer.contains("strict-transport-security: max-age=63072000"),
        "{answer}"
    );
    let cookies: Vec<_> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "))
        .collect();
    assert!(!cookies.is_empty(), "{answer}");
    for cookie in cookies {
        assert!(cookie.starts_with("__host-"), "{cookie}");
        for attribute in ["; secure", "; httponly", "; path=/", "; samesite=lax"] {
            assert!(cookie.contains(attribute), "{attribute} of {cookie}");
        }
        assert!(!cookie.contains("domain="), "{cookie}");
    }
    let plain = raw(
        server.running.address,
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    )
    .await;
    assert!(
        !plain.contains("HTTP/"),
        "plain HTTP is not answered on a TLS port: {plain}"
    );
}

async fn tls_get(server: &Server, root: &CertificateDer<'static>, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.running.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    exchange(
        &mut stream,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost:8443\r\n\r\n"),
    )
    .await
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let server = Server::start().await;
    let address = server.running.address;
    let body = "grant_type=client_credentials&scope=books%3Aread";
    let authorization = basic("m2m", "m2m-secret-of-more-than-32-characters");
    let request = format!(
        "POST /token HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nContent-Type: {FORM}\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(
        exchange(&mut stream, &request).await.starts_with("HTTP/1.1 100"),
        "the server waits for the body"
    );
    let stopping = tokio::spawn(server.running.shutdown());
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closed)
        .await
        .expect("no new connections are taken");
    let answer = exchange(&mut stream, body).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut rest = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut rest))
        .await
        .expect("the connection ends")
        .unwrap();
    assert!(rest.contains("access_token"), "{rest}");
    timeout(PATIENCE, stopping)
        .await
        .expect("the server ends")
        .unwrap();
}

#[tokio::test]
async fn a_request_names_its_host_once_and_well() {
    let server = Server::start().await;
    for (head, expected) in [
        ("GET /health/live HTTP/1.1\r\n", 400),
        ("GET /health/live HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /health/live HTTP/1.1\r\nHost: user@a.example\r\n", 400),
        ("GET /health/live HTTP/1.1\r\nHost: a.example/\r\n", 400),
        ("GET /health/live HTTP/1.1\r\nHost: a\r\nHost: a\r\n", 400),
        ("GET /health/live HTTP/1.1\r\nHost: a.example:8080\r\n", 200),
        ("GET /health/live HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
        ("GET /health/live HTTP/1.0\r\n", 200),
    ] {
        let answer = raw(
            server.running.address,
            &format!("{head}Connection: close\r\n\r\n"),
        )
        .await;
        assert_eq!(
            answer.get(9..12),
            Some(expected.to_string().as_str()),
            "{head}: {answer}"
        );
    }
}
