//! The configuration: defaults, one TOML file, the environment over it; checked once, before anything starts.

use std::path::Path;

use protocol::client::GrantType;

mod check;
pub mod nearest;
mod sections;
mod source;

pub use sections::*;
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
    /// `[redis]`
    pub redis: Redis,
    /// `[mail]`
    pub mail: Mail,
    /// `[admin]`
    pub admin: Admin,
    /// `[api_keys]`
    pub api_keys: ApiKeys,
    /// `[scim]`
    pub scim: Scim,
    /// `[audit]`
    pub audit: Audit,
    /// `[privacy]`
    pub privacy: Privacy,
    /// `[branding]`
    pub branding: Branding,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[log]`
    pub log: Log,
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
    /// Whether a way to get tokens is offered at all.
    pub fn offers(&self, grant: GrantType) -> bool {
        grant != GrantType::TokenExchange || self.api_keys.token_exchange
    }

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
            redis,
            mail,
            admin,
            api_keys,
            scim,
            audit,
            privacy,
            branding,
            outbound,
            log,
        } = self;
        macro_rules! read {
            ($section:ident: $($key:ident)+) => {
                $(s.read(stringify!($section), stringify!($key), &mut $section.$key)?;)+
            };
        }
        read!(server: issuer listen trusted_proxies tls_certificate tls_key allow_insecure_http);
        s.read_secret("database", "url", &mut database.url)?;
        read!(database: max_connections);
        read!(keys: master_key_file rotation algorithms);
        read!(tokens: access_token id_token authorization_code refresh_token_idle refresh_token_absolute
            refresh_retry_grace);
        read!(accounts: registration default_roles reserved_usernames argon2_memory_kib argon2_iterations
            argon2_parallelism password_min_length password_min_strength password_history password_must_contain
            password_range_url mfa max_failures);
        read!(sessions: idle absolute max_per_account);
        read!(rate_limits: backend sign_in_per_address sign_in_per_account register_per_address mail_per_address
            mail_per_recipient token_per_client client_failures_per_address requests_per_address);
        s.read_secret("redis", "url", &mut redis.url)?;
        s.read_secret("mail", "smtp_url", &mut mail.smtp_url)?;
        read!(mail: from folder);
        read!(admin: openapi session_idle session_absolute);
        read!(api_keys: max_lifetime max_per_account rate token_exchange);
        read!(scim: enabled group_roles);
        read!(audit: retention webhook_url);
        s.read_secret("audit", "webhook_secret", &mut audit.webhook_secret)?;
        read!(privacy: deletion_grace anonymise_after terms_version consent_retention);
        read!(branding: name logo_file accent_color privacy_url terms_url support_url templates);
        read!(outbound: allowed_private_hosts extra_ca_file);
        read!(log: format level);
        Ok(())
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
