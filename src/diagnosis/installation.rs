//! Whether the installation is sound: configuration, keys, clocks, database, Redis, mail, outgoing requests, and the
//! way in from outside. Each finding comes with its fix.

use std::time::Duration;

use http::{Method, Request};
use protocol::time::Timestamp;
use store::{Conn, Store, StoreError, StoredKey};
use url::Url;

use super::Check;
use crate::administration::groups::missing_roles;
use crate::audit::Keys;
use crate::audit::verify::verify;
use crate::config::Config;
use crate::fetch::Fetch;
use crate::mail;
use crate::seal::{self, MasterKeyError, Sealer};
use crate::shared::Shared;

/// How far two clocks may be apart, in seconds: what tokens of other nodes are allowed.
const SKEW: i64 = 10;
/// The newest events that are looked at; `audit verify` looks at all.
const EVENTS: i64 = 20_000;
/// Attempts after which a parcel counts as stuck.
const STUCK: i64 = 3;
const PATIENCE: Duration = Duration::from_secs(8);

/// What is examined.
pub struct Installation<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The database.
    pub store: &'a Store,
    /// The master key.
    pub sealer: &'a Sealer,
    /// The present.
    pub now: Timestamp,
}

impl Installation<'_> {
    /// Looks at everything. What does not answer in time is a finding, not a failure.
    pub async fn examine(&self) -> Vec<Check> {
        let mut checks = self.configuration();
        checks.push(self.master_key());
        let failed = |name: &'static str, error: &StoreError| {
            let remedy = "check database.url, and that the database runs and has room";
            Check::problem(name, format!("the database refused: {error}"), remedy)
        };
        match self.store.pending_migrations().await {
            Ok(pending) if pending.is_empty() => match self.stored().await {
                Ok(found) => checks.extend(found),
                Err(error) => checks.push(failed("database", &error)),
            },
            // Of a database without its tables nothing else can be said.
            Ok(pending) => {
                let finding = format!("{} are not applied", pending.join(", "));
                checks.push(Check::problem("migrations", finding, "run `chancery migrate`"));
            }
            Err(error) => checks.push(failed("database", &error)),
        }
        checks.push(self.redis().await);
        checks.extend(self.mail().await);
        checks.extend(self.outgoing().await);
        checks.push(self.way_in().await);
        checks
    }

    fn configuration(&self) -> Vec<Check> {
        let name = "configuration";
        let told = |warning: String| {
            let (finding, remedy) = warning.split_once(": ").unwrap_or((&warning, "see the README"));
            Check::notice(name, finding, remedy)
        };
        let mut found: Vec<Check> = self.config.warnings().into_iter().map(told).collect();
        if found.is_empty() {
            found.push(Check::ok(name, "fit for production"));
        }
        found
    }

    /// Whether the file is there for the next start, and for nobody else.
    fn master_key(&self) -> Check {
        let name = "master key";
        let path = &self.config.keys.master_key_file;
        match seal::load(path) {
            Ok(_) if seal::is_open_to_others(path) => {
                let finding = format!("others than the owner may read {}", path.display());
                Check::notice(name, finding, format!("run `chmod 600 {}`", path.display()))
            }
            Ok(_) => Check::ok(name, "for its owner only"),
            Err(MasterKeyError::Missing(_)) => {
                let remedy = "restore it from its backup; `chancery serve` makes it for a new database only";
                Check::problem(name, format!("there is no file {}", path.display()), remedy)
            }
            Err(error) => {
                let remedy = "name a file with keys.master_key_file that this user may read";
                Check::problem(name, error.to_string(), remedy)
            }
        }
    }

    /// What the database says, and what is in it.
    async fn stored(&self) -> Result<Vec<Check>, StoreError> {
        let mut checks = self.database().await?;
        let keys = self
            .store
            .read(async |db: &mut Conn| store::keys::list(db).await)
            .await?;
        checks.extend(self.signing_keys(&keys));
        checks.push(self.administrators().await?);
        checks.push(self.group_roles().await?);
        // Under another key every event would look forged.
        if keys.is_empty() || keys.iter().any(|key| crate::keys::opens(key, self.sealer)) {
            checks.push(self.audit_trail().await?);
        }
        Ok(checks)
    }

    async fn database(&self) -> Result<Vec<Check>, StoreError> {
        let (version, clock, damage) = self
            .store
            .scan(async |db: &mut Conn| {
                Ok((
                    store::health::version(db).await?,
                    store::health::clock(db).await?,
                    store::health::damage(db).await?,
                ))
            })
            .await?;
        let mut checks = vec![
            Check::ok("database", version),
            Check::ok("migrations", "all applied"),
        ];
        if let Some(damage) = damage {
            let remedy = "stop the server and restore the newest backup";
            checks.push(Check::problem(
                "database file",
                format!("damaged: {damage}"),
                remedy,
            ));
        }
        if let Some(clock) = clock {
            checks.push(skew("clock of the database", self.now.since(clock)));
        }
        Ok(checks)
    }

    fn signing_keys(&self, stored: &[StoredKey]) -> Vec<Check> {
        let name = "signing keys";
        let mut checks = Vec::new();
        for key in stored {
            if !crate::keys::opens(key, self.sealer) {
                let finding = format!("the key {} cannot be opened", key.kid);
                let remedy = "restore the file keys.master_key_file that it was sealed with";
                checks.push(Check::problem(name, finding, remedy));
            }
        }
        for algorithm in &self.config.keys.algorithms {
            let signs = stored.iter().any(|key| {
                key.algorithm == *algorithm
                    && key.activates_at <= self.now
                    && key.retires_at.is_none_or(|at| at > self.now)
            });
            if !signs {
                let finding = format!("no key signs with {}", algorithm.as_str());
                checks.push(Check::problem(
                    name,
                    finding,
                    "start `chancery serve`, which makes it",
                ));
            }
        }
        if checks.is_empty() {
            checks.push(Check::ok(
                name,
                format!("{} keys, and each algorithm has one", stored.len()),
            ));
        }
        checks
    }

    async fn administrators(&self) -> Result<Check, StoreError> {
        let name = "administrators";
        let any = self
            .store
            .read(async |db: &mut Conn| store::administrators::any(db).await)
            .await?;
        Ok(if any {
            Check::ok(name, "somebody may do everything")
        } else {
            let finding = "nobody may do everything";
            Check::problem(
                name,
                finding,
                "make an account with the link of `chancery setup-link`",
            )
        })
    }

    async fn group_roles(&self) -> Result<Check, StoreError> {
        let name = "roles of groups";
        let known = self
            .store
            .read(async |db: &mut Conn| store::roles::list_roles(db).await)
            .await?;
        let exists = |name: &str| known.iter().any(|role| role.name == name);
        let missing: Vec<String> = missing_roles(self.config, None, exists).into_iter().collect();
        Ok(if missing.is_empty() {
            Check::ok(name, "each role that scim.group_roles names exists")
        } else {
            let finding = format!(
                "scim.group_roles names {}, which do not exist; nobody is put into such groups until then",
                missing.join(", ")
            );
            let remedy = "make them with `chancery role create`, or take them out";
            Check::problem(name, finding, remedy)
        })
    }

    async fn audit_trail(&self) -> Result<Check, StoreError> {
        let name = "audit trail";
        let head = self
            .store
            .read(async |db: &mut Conn| store::audit_chain::find_ends(db).await)
            .await?;
        let last = head.map_or(0, |ends| ends.head.sequence);
        let from = (last - EVENTS).max(0);
        let report = verify(self.store, Keys::of(self.sealer), None, from, EVENTS).await?;
        Ok(if report.is_clean() {
            Check::ok(
                name,
                format!("the last {} events are as they were written", report.checked),
            )
        } else {
            let finding = format!("{} events are not as they were written", report.findings.len());
            Check::problem(name, finding, "look at them with `chancery audit verify`")
        })
    }

    async fn redis(&self) -> Check {
        let name = "redis";
        let Some(url) = self.config.redis.url.as_deref() else {
            if self.store.is_sqlite() {
                return Check::ok(name, "not configured, and not needed by one node");
            }
            return Check::ok(
                name,
                "not configured: nodes share limits and sessions through the database",
            );
        };
        let answered = match Shared::open(url).await {
            Ok(shared) => shared.answers().await,
            Err(_) => false,
        };
        if answered {
            return Check::ok(name, "answers");
        }
        let remedy = "check redis.url and that it runs; until then nodes do without it";
        Check::problem(name, "does not answer", remedy)
    }

    async fn mail(&self) -> Vec<Check> {
        let name = "mail";
        let asked = tokio::time::timeout(PATIENCE, mail::ask(self.config)).await;
        let mut checks = vec![match asked {
            Ok(Some(Ok(()))) => Check::ok(name, "the mail server answers"),
            Ok(Some(Err(reason))) => Check::problem(name, reason, "check mail.smtp_url"),
            Ok(None) => Check::notice(name, mail::destination(&self.config.mail), "set mail.smtp_url"),
            Err(_) => Check::problem(name, "the mail server does not answer", "check mail.smtp_url"),
        }];
        let stuck = self
            .store
            .read(async |db: &mut Conn| store::outbox::count_failing(db, STUCK).await)
            .await;
        if let Ok((count @ 1.., last)) = stuck {
            let finding = format!(
                "{count} messages wait after {STUCK} attempts or more: {}",
                last.unwrap_or_default()
            );
            checks.push(Check::problem(
                "outbox",
                finding,
                "mend what the reason names; they are tried again",
            ));
        }
        checks
    }

    async fn outgoing(&self) -> Vec<Check> {
        let name = "outgoing requests";
        let outbound = &self.config.outbound;
        let fetch = match Fetch::new(&outbound.allowed_private_hosts, outbound.extra_ca_file.as_deref()) {
            Ok(fetch) => fetch,
            Err(error) => {
                return vec![Check::problem(
                    name,
                    error.to_string(),
                    "mend outbound.extra_ca_file",
                )];
            }
        };
        let upstreams = self
            .store
            .read(async |db: &mut Conn| store::upstreams::list(db).await)
            .await
            .unwrap_or_default();
        let mut checks = Vec::new();
        for stored in upstreams {
            let issuer = stored.upstream.issuer.trim_end_matches('/').to_owned();
            let url = format!("{issuer}/.well-known/openid-configuration");
            if let Err(error) = fetch.get_json(&url, crate::fetch::MAX_BYTES).await {
                let finding = format!("the provider {} cannot be asked: {error}", stored.upstream.name);
                let remedy = "check its issuer, and that this machine may reach it";
                checks.push(Check::problem(name, finding, remedy));
            }
        }
        if checks.is_empty() {
            checks.push(Check::ok(name, "each provider that is configured can be asked"));
        }
        checks
    }

    /// Whether what is announced as the issuer is this server, through whatever stands in front of it.
    async fn way_in(&self) -> Check {
        let name = "way in";
        let issuer = &self.config.server.issuer;
        let not_reached = |why: String| {
            let remedy = "start `chancery serve`, and check DNS, TLS and the reverse proxy in front of it";
            Check::problem(
                name,
                format!("{issuer} cannot be reached from here: {why}"),
                remedy,
            )
        };
        let host = Url::parse(issuer)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        let extra = self.config.outbound.extra_ca_file.as_deref();
        let Ok(fetch) = Fetch::new(&[host.unwrap_or_default()], extra) else {
            return not_reached("outbound.extra_ca_file cannot be used".to_owned());
        };
        let url = format!("{issuer}/.well-known/openid-configuration");
        let request = Request::builder().method(Method::GET).uri(&url).body(Vec::new());
        let answer = match request {
            Ok(request) => fetch.forward(request).await,
            Err(error) => return not_reached(error.to_string()),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return not_reached(crate::error::chain(&error)),
        };
        let document: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if document.get("issuer").and_then(serde_json::Value::as_str) != Some(issuer) {
            let finding = format!(
                "{url} answers {} and is not this server's document",
                answer.status()
            );
            let remedy = "let the reverse proxy pass all paths of the issuer on unchanged";
            return Check::problem(name, finding, remedy);
        }
        if !answer.headers().contains_key("x-request-id") {
            let remedy = "let the reverse proxy pass X-Request-Id on, by which errors are looked up";
            return Check::notice(name, "the answers arrive without X-Request-Id", remedy);
        }
        Check::ok(name, format!("{issuer} leads here"))
    }
}

fn skew(name: &'static str, seconds: i64) -> Check {
    if seconds.abs() > SKEW {
        let finding = format!("{} s away from this machine's", seconds.abs());
        return Check::problem(name, finding, "let both machines keep time by NTP");
    }
    Check::ok(name, "agrees with this machine's")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Level;

    #[test]
    fn clocks_may_differ_a_little() {
        for (seconds, level) in [
            (0, Level::Ok),
            (10, Level::Ok),
            (-11, Level::Problem),
            (3600, Level::Problem),
        ] {
            assert_eq!(skew("clock", seconds).level, level, "{seconds}");
        }
    }
}
