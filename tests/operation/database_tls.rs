//! TLS to a PostgreSQL server whose certificate nobody vouches for, or somebody does.

use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_certificate_that_cannot_be_checked_is_refused_and_sslmode_is_named() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, made.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let trusted = format!("&sslrootcert={}", root.display());
    for (mode, root, is_good) in [
        ("prefer", "", false),
        ("require", "", false),
        ("prefer", trusted.as_str(), true),
        ("verify-full", trusted.as_str(), true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        let first = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 8]).await.unwrap();
            stream.write_all(b"S").await.unwrap();
            let mut stream = acceptor.accept(stream).await.ok()?;
            let mut first = [0; 8];
            stream.read_exact(&mut first).await.ok()?;
            Some(first)
        });
        let url = format!("postgres://ada@localhost:{port}/d?sslmode={mode}{root}");
        let store = Store::open(&url, 1).await.unwrap();
        let told = store.ping().await.unwrap_err().to_string();
        let started = first
            .await
            .unwrap()
            .is_some_and(|first| first[4..] == [0, 3, 0, 0]);
        assert_eq!(started, is_good, "{mode}{root}: {told}");
        assert_eq!(told.contains("sslmode="), !is_good, "{told}");
    }
}
