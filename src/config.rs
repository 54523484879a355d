//! The configuration: defaults, one TOML file, the environment over it; checked once, before anything starts.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;
use protocol::jose::Algorithm;
use protocol::time::Lifetime;

mod check;
pub mod nearest;
mod source;

use source::Source;

/// The file read from the working directory when none is named.
pub const DEFAULT_FILE: &str = "chancery.toml";

/// Everything an administrator may set.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[keys]`
    pub keys: Keys,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[sessions]`
    pub sessions: Sessions,
    /// `[rate_limits]`
    pub rate_limits: RateLimits,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[log]`
    pub log: Log,
}

/// Where the server listens and what it is called.
#[derive(Clone, Debug)]
pub struct Server {
    /// The issuer identifier, exactly as clients compare it; no slash at its end (RFC 8414 §2).
    pub issuer: String,
    /// The address of the public listener.
    pub listen: SocketAddr,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The certificate chain (PEM); TLS is left to a proxy without it.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub tls_key: Option<PathBuf>,
    /// Whether an http issuer may be something else than loopback.
    pub allow_insecure_http: bool,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            issuer: "http://localhost:8080".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            trusted_proxies: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            allow_insecure_http: false,
        }
    }
}

/// Where data are kept.
#[derive(Clone)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; may hold a password.
    pub url: String,
    /// The most connections opened at once.
    pub max_connections: usize,
}

/// The data base file used when none is configured.
pub const DEFAULT_DATABASE: &str = "sqlite:./data/chancery.db";

impl Default for Database {
    fn default() -> Self {
        Database {
            url: DEFAULT_DATABASE.to_owned(),
            max_connections: 8,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// Signing keys and the key that seals them.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The file of the master key, made on first start when absent.
    pub master_key_file: PathBuf,
    /// How long a signing key signs.
    pub rotation: Lifetime,
    /// The algorithms tokens can be signed with.
    pub algorithms: Vec<Algorithm>,
}

impl Default for Keys {
    fn default() -> Self {
        Keys {
            master_key_file: PathBuf::from("./data/master.key"),
            rotation: Lifetime::days(90),
            algorithms: Algorithm::SIGNING.to_vec(),
        }
    }
}

/// How long what is issued lives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Access tokens.
    pub access_token: Lifetime,
    /// ID tokens.
    pub id_token: Lifetime,
    /// Authorization codes.
    pub authorization_code: Lifetime,
    /// A refresh token that is not used.
    pub refresh_token_idle: Lifetime,
    /// All refresh tokens of one grant.
    pub refresh_token_absolute: Lifetime,
    /// How long a retried refresh gets the same successor.
    pub refresh_retry_grace: Lifetime,
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            access_token: Lifetime::minutes(10),
            id_token: Lifetime::minutes(10),
            authorization_code: Lifetime::seconds(60),
            refresh_token_idle: Lifetime::days(14),
            refresh_token_absolute: Lifetime::days(90),
            refresh_retry_grace: Lifetime::seconds(10),
        }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Administrators only.
    #[default]
    Closed,
}

/// Accounts and their passwords.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Who may make an account.
    pub registration: Registration,
    /// Argon2id memory.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_iterations: u32,
    /// Argon2id lanes.
    pub argon2_parallelism: u32,
    /// The fewest characters of a new password.
    pub password_min_length: usize,
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts {
            registration: Registration::Closed,
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_parallelism: 1,
            password_min_length: 15,
        }
    }
}

/// Browser sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// The end of a session that is not used.
    pub idle: Lifetime,
    /// The end of any session.
    pub absolute: Lifetime,
    /// The most sessions of one account; the oldest gives way.
    pub max_per_account: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions {
            idle: Lifetime::hours(24),
            absolute: Lifetime::days(7),
            max_per_account: 5,
        }
    }
}

/// So many in such a time, written `30/5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Lifetime,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "a rate is a count and a time, like 30/5m".to_owned();
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let count: u32 = count.parse().map_err(|_| wrong())?;
        let per: Lifetime = per.parse().map_err(|_| wrong())?;
        if count == 0 || per.as_secs() == 0 {
            return Err("a rate of nothing would refuse everybody; write for example 30/5m".to_owned());
        }
        Ok(Rate { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

/// Limits on what strangers may try.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// Sign-in attempts from one address.
    pub sign_in_per_address: Rate,
    /// Sign-in attempts at one account.
    pub sign_in_per_account: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        let per = Lifetime::minutes(5);
        RateLimits {
            sign_in_per_address: Rate { count: 30, per },
            sign_in_per_account: Rate { count: 10, per },
        }
    }
}

/// Requests the server makes itself.
#[derive(Clone, Debug, Default)]
pub struct Outbound {
    /// Hosts that may be asked although their address is private.
    pub allowed_private_hosts: Vec<String>,
    /// Further certificate authorities (PEM).
    pub extra_ca_file: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// A level, or a filter such as `info,store=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Log {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// A key that cannot be used, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    /// The key as it was written: `server.issuer`, or the variable's name.
    pub key: String,
    /// The value, what is wrong with it and what would be right.
    pub problem: String,
}

impl ConfigError {
    fn new(key: impl Into<String>, problem: impl Into<String>) -> ConfigError {
        ConfigError {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

impl Config {
    /// Reads `file`, or `chancery.toml` where it exists, and the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let default = Path::new(DEFAULT_FILE);
        let path = file.or_else(|| default.exists().then_some(default));
        let table = match path {
            Some(path) => read_file(path)?,
            None => toml::Table::new(),
        };
        let env =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Config::from_table(table, env)
    }

    /// Takes the values of a parsed file and of an environment, and checks them.
    pub fn from_table(
        table: toml::Table,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut source = Source::new(table, env)?;
        let mut config = Config::default();
        config.fill(&mut source)?;
        source.finish()?;
        config.check()?;
        Ok(config)
    }

    /// Every key, once.
    fn fill(&mut self, s: &mut Source) -> Result<(), ConfigError> {
        let Config {
            server,
            database,
            keys,
            tokens,
            accounts,
            sessions,
            rate_limits,
            outbound,
            log,
        } = self;
        s.read("server", "issuer", &mut server.issuer)?;
        s.read("server", "listen", &mut server.listen)?;
        s.read("server", "trusted_proxies", &mut server.trusted_proxies)?;
        s.read("server", "tls_certificate", &mut server.tls_certificate)?;
        s.read("server", "tls_key", &mut server.tls_key)?;
        s.read("server", "allow_insecure_http", &mut server.allow_insecure_http)?;
        s.read_secret("database", "url", &mut database.url)?;
        s.read("database", "max_connections", &mut database.max_connections)?;
        s.read("keys", "master_key_file", &mut keys.master_key_file)?;
        s.read("keys", "rotation", &mut keys.rotation)?;
        s.read("keys", "algorithms", &mut keys.algorithms)?;
        s.read("tokens", "access_token", &mut tokens.access_token)?;
        s.read("tokens", "id_token", &mut tokens.id_token)?;
        s.read("tokens", "authorization_code", &mut tokens.authorization_code)?;
        s.read("tokens", "refresh_token_idle", &mut tokens.refresh_token_idle)?;
        s.read(
            "tokens",
            "refresh_token_absolute",
            &mut tokens.refresh_token_absolute,
        )?;
        s.read("tokens", "refresh_retry_grace", &mut tokens.refresh_retry_grace)?;
        s.read("accounts", "registration", &mut accounts.registration)?;
        s.read("accounts", "argon2_memory_kib", &mut accounts.argon2_memory_kib)?;
        s.read("accounts", "argon2_iterations", &mut accounts.argon2_iterations)?;
        s.read("accounts", "argon2_parallelism", &mut accounts.argon2_parallelism)?;
        s.read(
            "accounts",
            "password_min_length",
            &mut accounts.password_min_length,
        )?;
        s.read("sessions", "idle", &mut sessions.idle)?;
        s.read("sessions", "absolute", &mut sessions.absolute)?;
        s.read("sessions", "max_per_account", &mut sessions.max_per_account)?;
        s.read(
            "rate_limits",
            "sign_in_per_address",
            &mut rate_limits.sign_in_per_address,
        )?;
        s.read(
            "rate_limits",
            "sign_in_per_account",
            &mut rate_limits.sign_in_per_account,
        )?;
        s.read(
            "outbound",
            "allowed_private_hosts",
            &mut outbound.allowed_private_hosts,
        )?;
        s.read("outbound", "extra_ca_file", &mut outbound.extra_ca_file)?;
        s.read("log", "format", &mut log.format)?;
        s.read("log", "level", &mut log.level)
    }
}

fn read_file(path: &Path) -> Result<toml::Table, ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| {
        ConfigError::new(
            &name,
            format!("cannot be read ({e}); name another with --config FILE"),
        )
    })?;
    text.parse::<toml::Table>().map_err(|e| {
        let line = e.span().map_or(1, |span| nearest::line_of(&text, span.start));
        ConfigError::new(format!("{name} line {line}"), e.message().to_owned())
    })
}
