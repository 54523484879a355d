use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

async fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Running {
    let app = Router::new().route(
        "/",
        get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| {
            sleep(Duration::from_millis(50)).await;
            peer.ip().to_string()
        }),
    );
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    Running::start(listener, tls, app).unwrap()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn it_answers_and_lets_a_request_under_way_finish() {
    let server = start(None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let asking = tokio::spawn(async move { ask(&mut stream).await });
    sleep(Duration::from_millis(20)).await;
    server.stop().await.unwrap();
    let answer = asking.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"),
        "{answer}"
    );
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let server = start(None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(128 * 1024)).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 431");
}

#[tokio::test]
async fn tls_is_served_from_pem_files() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = start(Some(tls::tls_config(&certificate, &key).unwrap())).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));

    // Plain HTTP on this port gets no answer.
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    assert!(!ask(&mut plain).await.contains("HTTP/1.1"));
}

#[tokio::test]
async fn one_that_leaves_still_takes_connections_and_asks_to_close_them() {
    let server = start(None).await;
    server.leave();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    // The end comes although the client did not ask for it.
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn who_waits_to_be_let_in_when_it_stops_is_answered() {
    use std::io::{Read as _, Write as _};
    let server = start(None).await;
    let mut waiting: Vec<_> = (0..20)
        .map(|_| std::net::TcpStream::connect(server.address).unwrap())
        .collect();
    for stream in &mut waiting {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
    }
    server.stop().await.unwrap();
    for mut stream in waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
