//! The same work done by node-oidc-provider, in memory and with nothing durable, where npm can bring it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::target::Target;
use super::work::{self, Endpoints};

/// The program that serves, with the same clients and the same keys' sizes.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/node-oidc-provider.mjs");
const PACKAGE: &str = "oidc-provider@9";

/// What each kind of request costs the peer, in µs.
pub(super) struct Peer {
    pub(super) rs256: f64,
    pub(super) es256: f64,
    pub(super) codes: f64,
}

/// Measures the peer.
pub(super) async fn measure() -> Result<Peer, String> {
    let folder = install()?;
    let command = move |_: &Path, address: SocketAddr, _: &[&str]| {
        let mut command = Command::new("node");
        command
            .arg(folder.join("peer.mjs"))
            .current_dir(&folder)
            .env("NODE_ENV", "production")
            .env("PEER_PORT", address.port().to_string());
        command
    };
    let mut target = Target::new("peer", command, &[], "/.well-known/openid-configuration")?;
    target.start()?;
    // The first requests of a program that compiles itself as it runs are not what it can do.
    work::client_credentials(&target, "rs256").await?;
    let endpoints = Endpoints {
        authorize: "/auth",
        token: "/token",
    };
    Ok(Peer {
        rs256: work::client_credentials(&target, "rs256").await?,
        es256: work::client_credentials(&target, "es256").await?,
        codes: work::code_exchange(
            &target,
            &endpoints,
            work::prepare_codes(&target, &endpoints).await?,
        )
        .await?,
    })
}

fn install() -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join("chancery-bench-peer");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    std::fs::copy(PROGRAM, folder.join("peer.mjs")).map_err(|e| format!("{PROGRAM}: {e}"))?;
    let npm = Command::new("npm")
        .args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--silent",
            PACKAGE,
        ])
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match npm {
        Ok(status) if status.success() => Ok(folder),
        Ok(status) => Err(format!("npm install {PACKAGE} ended with {status}")),
        Err(e) => Err(format!("npm could not be run: {e}")),
    }
}
