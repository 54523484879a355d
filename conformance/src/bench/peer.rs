//! The same work done by node-oidc-provider, in memory and with nothing durable, where npm can bring it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::target::Target;
use super::work::{self, Endpoints};
use super::{OURS, median};

/// The program that serves, with the same clients and the same keys' sizes.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/node-oidc-provider.mjs");
const PACKAGE: &str = "oidc-provider@9";

const THEIRS: Endpoints = Endpoints {
    authorize: "/auth",
    token: "/token",
};

/// How often each is measured, in turns.
const ROUNDS: usize = 3;

/// What a kind of request costs the peer, in µs, and what it costs us as a multiple of that.
pub(super) struct Compared {
    pub(super) peer: f64,
    pub(super) ours: f64,
}

/// The kinds of request that both can answer.
pub(super) struct Peer {
    pub(super) rs256: Compared,
    pub(super) es256: Compared,
    pub(super) codes: Compared,
}

/// Measures the peer beside us.
pub(super) async fn measure(ours: &Target) -> Result<Peer, String> {
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
    let mut taken = [const { (Vec::new(), Vec::new()) }; 3];
    for _ in 0..ROUNDS {
        let (ours, peer) = (costs(ours, &OURS).await?, costs(&target, &THEIRS).await?);
        for ((peers, shares), (ours, peer)) in taken.iter_mut().zip(ours.into_iter().zip(peer)) {
            peers.push(peer);
            shares.push(ours / peer);
        }
    }
    let [rs256, es256, codes] = taken.map(|(peers, shares)| Compared {
        peer: median(peers),
        ours: median(shares),
    });
    Ok(Peer { rs256, es256, codes })
}

/// Client credentials with RS256 and with ES256, and a code exchange, in µs.
async fn costs(target: &Target, endpoints: &Endpoints) -> Result<[f64; 3], String> {
    let rs256 = work::client_credentials(target, "rs256").await?;
    let es256 = work::client_credentials(target, "es256").await?;
    let codes = work::prepare_codes(target, endpoints).await?;
    let codes = work::code_exchange(target, endpoints, codes).await?;
    Ok([rs256, es256, codes])
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
