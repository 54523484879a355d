//! `chancery demo`: a provider, a relying party and a resource server in one process, to click through;
//! `--check` drives the same flow without a browser and reports each step.

mod browser;
mod check;
mod explain;
mod oidc;
mod pages;
mod relying_party;
mod resource_server;
mod sample;
mod scratch;
mod transport;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::Config;
use crate::server::Server;
use sample::{Origins, Sample};
use scratch::Scratch;
use transport::Http;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const PROVIDER_PORT: u16 = 8080;
const RELYING_PARTY_PORT: u16 = 8081;
const RESOURCE_PORT: u16 = 8082;

/// Arguments of `chancery demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Drive the whole flow without a browser, print each step with its time, and exit 0 or 1
    #[arg(long)]
    check: bool,
    /// Port of the provider [default: 8080; with --check any free one]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Port of the sample relying party [default: 8081; with --check any free one]
    #[arg(long, value_name = "PORT")]
    relying_party_port: Option<u16>,
    /// Port of the sample resource server [default: 8082; with --check any free one]
    #[arg(long, value_name = "PORT")]
    resource_port: Option<u16>,
}

impl DemoArgs {
    fn port(&self, given: Option<u16>, default: u16) -> u16 {
        given.unwrap_or(if self.check { 0 } else { default })
    }
}

/// Runs the demo until Ctrl-C, or the check to its end.
pub async fn run(args: DemoArgs) -> ExitCode {
    match execute(&args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chancery demo: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn execute(args: &DemoArgs) -> Result<bool, BoxError> {
    let started = std::time::Instant::now();
    let servers = Servers::start(args).await?;
    let passed = if args.check {
        check::run(&servers, started.elapsed()).await
    } else {
        introduce(&servers);
        wait_for_signal().await?;
        println!("\nStopping; the throw-away database is removed.");
        true
    };
    servers.stop().await;
    Ok(passed)
}

/// The three servers and what they share. The folder goes when this is dropped.
struct Servers {
    provider: Server,
    others: [tokio::task::JoinHandle<()>; 2],
    sample: Arc<Sample>,
    http: Http,
    _scratch: Scratch,
}

impl Servers {
    async fn start(args: &DemoArgs) -> Result<Servers, BoxError> {
        let (relying_party, relying_party_origin) = listen(
            args.port(args.relying_party_port, RELYING_PARTY_PORT),
            "--relying-party-port",
        )
        .await?;
        let (resource, resource_origin) =
            listen(args.port(args.resource_port, RESOURCE_PORT), "--resource-port").await?;
        // The issuer names its port, so the port is found before the provider is configured.
        let (probe, issuer) = listen(args.port(args.port, PROVIDER_PORT), "--port").await?;
        let provider_address = probe.local_addr()?;
        drop(probe);

        let scratch = Scratch::create()?;
        let sample = Arc::new(Sample::random(Origins {
            issuer,
            relying_party: relying_party_origin,
            resource: resource_origin,
        }));
        let provider = Server::start(configuration(&sample, &scratch, provider_address)).await?;
        let app = &provider.app;
        crate::declarative::apply_text(
            &app.store,
            &app.sealer,
            &app.passwords,
            &sample.declarative(),
            Clock::System.now(),
        )
        .await?;

        let http = Http::new();
        let party = relying_party::router(sample.clone(), http.clone()).await?;
        let books = resource_server::router(&sample.origins, http.clone());
        let others = [serve(relying_party, party), serve(resource, books)];
        Ok(Servers {
            provider,
            others,
            sample,
            http,
            _scratch: scratch,
        })
    }

    async fn stop(self) {
        for task in &self.others {
            task.abort();
        }
        self.provider.shutdown().await;
    }
}

fn configuration(sample: &Sample, scratch: &Scratch, address: SocketAddr) -> Config {
    let mut config = Config::default();
    config.server.issuer = sample.origins.issuer.clone();
    config.server.listen = address;
    config.database.url = format!("sqlite:{}", scratch.path().join("chancery.db").display());
    config.keys.master_key_file = scratch.path().join("master.key");
    config
}

async fn listen(port: u16, option: &str) -> Result<(TcpListener, String), BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("cannot listen on port {port}: {error}; choose another with {option}"))?;
    let port = listener.local_addr()?.port();
    Ok((listener, format!("http://localhost:{port}")))
}

fn serve(listener: TcpListener, router: axum::Router) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "a sample server stopped");
        }
    })
}

fn introduce(servers: &Servers) {
    let Sample {
        origins,
        pass_phrase,
        totp,
        ..
    } = servers.sample.as_ref();
    let party = &origins.relying_party;
    println!(
        "\
Chancery demo. Everything lives in a temporary folder and is gone when this ends.

  Open             {party}
  and click        Sign in with Chancery
  user name        alice
  password         {pass_phrase}
  six-digit code   {party}/authenticator   (or put this secret in an authenticator app: {secret})
                   {uri}

  provider         {issuer}   (discovery: {issuer}/.well-known/openid-configuration)
  resource server  {resource}/books

Ctrl-C stops it.",
        secret = totp.base32(),
        uri = totp.uri(),
        issuer = origins.issuer,
        resource = origins.resource,
    );
}

#[cfg(unix)]
async fn wait_for_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// An error and its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
