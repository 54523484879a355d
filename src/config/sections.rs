//! What each section of the file may hold, and what it holds when nothing is written.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;
use protocol::jose::Algorithm;
use protocol::session::MfaPolicy;
use protocol::time::Lifetime;

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

/// The database file used when none is configured.
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
    /// Who was sent an invitation.
    Invite,
    /// Anybody with an e-mail address.
    Open,
}

/// Accounts, their passwords and their second factors.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// Who may make an account.
    pub registration: Registration,
    /// The roles of an account that registered itself.
    pub default_roles: Vec<String>,
    /// Names nobody may register, beside those that are always reserved.
    pub reserved_usernames: Vec<String>,
    /// Argon2id memory.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_iterations: u32,
    /// Argon2id lanes.
    pub argon2_parallelism: u32,
    /// The fewest characters of a new password.
    pub password_min_length: usize,
    /// The lowest strength estimate of a new password, 0 to 4 as zxcvbn has it.
    pub password_min_strength: u32,
    /// How many former passwords may not be chosen again.
    pub password_history: u32,
    /// Kinds of characters a new password must hold, of `lower`, `upper`, `digit` and `symbol`.
    pub password_must_contain: Vec<CharacterKind>,
    /// A range service asked whether a new password was breached (k-anonymity: five hex digits leave the house);
    /// `https://api.pwnedpasswords.com/range/` is one.
    pub password_range_url: Option<String>,
    /// Second factors, where neither account nor roles nor client say anything.
    pub mfa: MfaPolicy,
    /// Wrong passwords in a row, from anywhere, after which only a known browser may go on trying; wrong second
    /// factors in a row after which the account's second factors rest until an administrator or a reset helps.
    pub max_failures: u32,
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts {
            registration: Registration::Closed,
            default_roles: vec!["user".to_owned()],
            reserved_usernames: Vec::new(),
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_parallelism: 1,
            password_min_length: 15,
            password_min_strength: 2,
            password_history: 5,
            password_must_contain: Vec::new(),
            password_range_url: None,
            mfa: MfaPolicy::IfEnrolled,
            max_failures: 100,
        }
    }
}

/// A kind of character that some must demand of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharacterKind {
    /// `a` to `z` and their like.
    Lower,
    /// `A` to `Z` and their like.
    Upper,
    /// `0` to `9` and their like.
    Digit,
    /// Anything else but a space.
    Symbol,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// Limits on what strangers may try: token buckets, each refilled evenly over its time.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// Where the buckets are kept.
    pub backend: RateLimitBackend,
    /// Sign-in attempts from one network.
    pub sign_in_per_address: Rate,
    /// Wrong passwords at one account from one network, and wrong second factors at one account.
    pub sign_in_per_account: Rate,
    /// Registrations from one network.
    pub register_per_address: Rate,
    /// Requests for a link by mail from one network.
    pub mail_per_address: Rate,
    /// Links mailed to one address.
    pub mail_per_recipient: Rate,
    /// Token requests of one client.
    pub token_per_client: Rate,
    /// Requests without or with wrong client credentials from one network.
    pub client_failures_per_address: Rate,
    /// Any requests from one network.
    pub requests_per_address: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        let rate = |count, per| Rate { count, per };
        let minutes = Lifetime::minutes;
        RateLimits {
            backend: RateLimitBackend::Auto,
            sign_in_per_address: rate(60, minutes(5)),
            sign_in_per_account: rate(5, minutes(15)),
            register_per_address: rate(10, minutes(60)),
            mail_per_address: rate(20, minutes(60)),
            mail_per_recipient: rate(5, minutes(60)),
            token_per_client: rate(600_000, minutes(1)),
            client_failures_per_address: rate(300, minutes(5)),
            requests_per_address: rate(600_000, minutes(1)),
        }
    }
}

/// Where rate limits are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitBackend {
    /// In Redis when one is configured, else in PostgreSQL when that is the database, else in this process.
    #[default]
    Auto,
    /// In this process alone.
    Memory,
    /// In Redis or Valkey.
    Redis,
    /// In the database.
    Database,
}

/// Redis or Valkey; optional.
#[derive(Clone, Default)]
pub struct Redis {
    /// `redis://…` or `rediss://…`; may hold a password.
    pub url: Option<String>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("configured", &self.url.is_some())
            .finish()
    }
}

/// Outgoing mail.
#[derive(Clone)]
pub struct Mail {
    /// `smtps://user:password@host`, `smtp://host:587?tls=required` or `smtp://localhost:25`; may hold a password.
    /// Without it mails are written to `folder`, or to the log.
    pub smtp_url: Option<String>,
    /// The sender, such as `Example <id@example.org>`.
    pub from: String,
    /// A directory for mails as files, for development.
    pub folder: Option<PathBuf>,
}

impl Default for Mail {
    fn default() -> Self {
        Mail {
            smtp_url: None,
            from: "Chancery <no-reply@localhost>".to_owned(),
            folder: None,
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("configured", &self.smtp_url.is_some())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// The console and the admin API.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Whether the OpenAPI document is served.
    pub openapi: bool,
    /// How long the console may be left alone.
    pub session_idle: Lifetime,
    /// How long after a sign-in the console asks for another.
    pub session_absolute: Lifetime,
}

impl Default for Admin {
    fn default() -> Self {
        Admin {
            openapi: false,
            session_idle: Lifetime::minutes(15),
            session_absolute: Lifetime::hours(8),
        }
    }
}

/// Keys with which programs act for an account.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    /// The longest a key may live; as long as its owner likes when absent.
    pub max_lifetime: Option<Lifetime>,
    /// The most keys of an account that are neither expired nor revoked.
    pub max_per_account: usize,
    /// How often a key without a rate of its own may be used.
    pub rate: Rate,
    /// Whether clients registered for it may exchange a key for an access token (RFC 8693).
    pub token_exchange: bool,
}

impl Default for ApiKeys {
    fn default() -> Self {
        ApiKeys {
            max_lifetime: None,
            max_per_account: 25,
            rate: Rate {
                count: 6000,
                per: Lifetime::minutes(1),
            },
            token_exchange: false,
        }
    }
}

/// Provisioning by another directory (RFC 7644).
#[derive(Clone, Debug, Default)]
pub struct Scim {
    /// Whether it is served.
    pub enabled: bool,
    /// The roles that the members of a group hold, by the group's name.
    pub group_roles: BTreeMap<String, Vec<String>>,
}

/// The audit trail.
#[derive(Clone)]
pub struct Audit {
    /// How long events are kept.
    pub retention: Lifetime,
    /// Where events are posted to as they happen.
    pub webhook_url: Option<String>,
    /// What posts are signed with.
    pub webhook_secret: Option<String>,
}

impl Default for Audit {
    fn default() -> Self {
        Audit {
            retention: Lifetime::days(400),
            webhook_url: None,
            webhook_secret: None,
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("retention", &self.retention)
            .field("webhook_url", &self.webhook_url)
            .finish_non_exhaustive()
    }
}

/// What becomes of people's data.
#[derive(Clone, Debug)]
pub struct Privacy {
    /// How long an account whose holder deletes it is only shut, and can be had back; at once when 0.
    pub deletion_grace: Lifetime,
    /// After which time without a sign-in an account is anonymised; never when absent.
    pub anonymise_after: Option<Lifetime>,
    /// The version of the terms that people agree to, kept with each consent.
    pub terms_version: Option<String>,
    /// How long records of consents that are not in force any more are kept.
    pub consent_retention: Lifetime,
}

impl Default for Privacy {
    fn default() -> Self {
        Privacy {
            deletion_grace: Lifetime::default(),
            anonymise_after: None,
            terms_version: None,
            consent_retention: Lifetime::days(1095),
        }
    }
}

/// How pages and mails present the house.
#[derive(Clone, Debug)]
pub struct Branding {
    /// The name of the service.
    pub name: String,
    /// An SVG or PNG file shown in place of ours.
    pub logo_file: Option<PathBuf>,
    /// The colour of buttons and links, as `#rrggbb`.
    pub accent_color: Option<String>,
    /// A link on every page.
    pub privacy_url: Option<String>,
    /// A link on every page.
    pub terms_url: Option<String>,
    /// Where people get help: an https or mailto address.
    pub support_url: Option<String>,
    /// A folder whose files replace templates of the same name, and whose `locales/*.ftl` add or replace texts.
    pub templates: Option<PathBuf>,
}

impl Default for Branding {
    fn default() -> Self {
        Branding {
            name: "Chancery".to_owned(),
            logo_file: None,
            accent_color: None,
            privacy_url: None,
            terms_url: None,
            support_url: None,
            templates: None,
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
