//! Our certificate, read again on SIGHUP so that renewing it needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{BoxError, chain};

/// TLS 1.2 and 1.3 with the certificate chain and key of two PEM files. Call it inside the runtime.
pub fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, BoxError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let loaded = load(&provider, certificate, key)?;
    let current = Arc::new(Current {
        key: ArcSwap::from_pointee(loaded),
    });
    tokio::spawn(reload(
        Arc::clone(&current),
        Arc::clone(&provider),
        certificate.to_owned(),
        key.to_owned(),
    ));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Whether the two files hold a certificate chain and its key.
pub fn check(certificate: &Path, key: &Path) -> Result<(), BoxError> {
    load(&aws_lc_rs::default_provider(), certificate, key).map(drop)
}

fn load(provider: &CryptoProvider, certificate: &Path, key: &Path) -> Result<CertifiedKey, BoxError> {
    let bad_chain = |error: &dyn std::fmt::Display| {
        let path = certificate.display();
        BoxError::from(format!(
            "server.tls_certificate: {path} cannot be used ({error}); name a PEM file with the certificate chain"
        ))
    };
    let bad_key = |error: &dyn std::fmt::Display| {
        let path = key.display();
        BoxError::from(format!(
            "server.tls_key: {path} cannot be used ({error}); name a PEM file with the private key of the certificate"
        ))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad_chain(&error))?;
    if chain.is_empty() {
        return Err(bad_chain(&"it holds no certificate"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| bad_key(&error))?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            bad_key(&format!("it is not the key of {}", certificate.display()))
        }
        rustls::Error::InvalidCertificate(_) => bad_chain(&error),
        error => bad_key(&error),
    })
}

async fn reload(current: Arc<Current>, provider: Arc<CryptoProvider>, certificate: PathBuf, key: PathBuf) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangups.recv().await.is_some() {
        match load(&provider, &certificate, &key) {
            Ok(loaded) => {
                current.key.store(Arc::new(loaded));
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => tracing::error!("the TLS certificate stays as it was: {}", chain(error.as_ref())),
        }
    }
}

#[derive(Debug)]
struct Current {
    key: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}
