//! What no single value can tell: bounds, pairs, and what is not fit for production.

use protocol::jose::Algorithm;
use protocol::time::Lifetime;
use url::{Host, Url};

use super::{Config, ConfigError, DEFAULT_DATABASE, Mail, RateLimitBackend};
use crate::telemetry;

/// Argon2id settings of equal strength, memory in KiB and passes, least memory first.
const ARGON2_FLOORS: [(u32, u32); 4] = [(7168, 5), (9216, 4), (12_288, 3), (19_456, 2)];

impl Config {
    /// Refuses what does not go together.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_issuer()?;
        if self.server.tls_certificate.is_some() != self.server.tls_key.is_some() {
            return Err(ConfigError::new(
                "server.tls_certificate",
                "needs server.tls_key beside it, and the other way round; set both or neither",
            ));
        }
        if !self.database.url.starts_with("sqlite:")
            && !self.database.url.starts_with("postgres://")
            && !self.database.url.starts_with("postgresql://")
        {
            return Err(ConfigError::new(
                "database.url",
                "must begin with sqlite: or postgres://",
            ));
        }
        let file = self.database.url.strip_prefix("sqlite:");
        if file
            .map(|path| path.strip_prefix("//").unwrap_or(path))
            .is_some_and(|path| path.is_empty() || path.starts_with(':'))
        {
            return Err(ConfigError::new(
                "database.url",
                "must name a file after sqlite:, as in sqlite:data/chancery.db",
            ));
        }
        // Clients that name no algorithm get it (OpenID Connect Discovery §3).
        if !self.keys.algorithms.contains(&Algorithm::Rs256) {
            return Err(ConfigError::new(
                "keys.algorithms",
                "is without RS256, which clients get that ask for no other; name at least RS256",
            ));
        }
        self.check_lifetimes()?;
        self.check_counts()?;
        self.check_services()?;
        self.check_log()
    }

    fn check_log(&self) -> Result<(), ConfigError> {
        let level = self.log.level.as_str();
        // A filter takes a bare word that is no level for the name of a target, and then says nothing of the others.
        let misspelt = |part: &&str| !part.contains(['=', '[']) && !is_level(part.trim());
        let directives = if level.contains('[') {
            vec![level]
        } else {
            level.split(',').collect()
        };
        let wrong = match directives.into_iter().find(misspelt) {
            Some(part) => Some(part),
            None => (!telemetry::is_filter(level)).then_some(level),
        };
        match wrong {
            Some(part) => Err(ConfigError::new(
                "log.level",
                format!(
                    "{part:?} is no level or filter; write off, error, warn, info, debug or trace, or a filter such as \
                     \"info,store=debug\""
                ),
            )),
            None => Ok(()),
        }
    }

    fn check_issuer(&self) -> Result<(), ConfigError> {
        let text = self.server.issuer.as_str();
        let wrong = |problem: &str| Err(ConfigError::new("server.issuer", format!("{text:?} {problem}")));
        let Ok(url) = Url::parse(text) else {
            return wrong("is not an absolute URL; write for example https://id.example.org");
        };
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return wrong("must begin with https:// (or http:// on loopback)");
        }
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return wrong("must not hold a user name or password");
        }
        if text.contains('?') {
            return wrong("must not have a query");
        }
        if text.contains('#') {
            return wrong("must not have a fragment");
        }
        if text.ends_with('/') {
            return wrong("must not end with a slash; clients compare it letter by letter");
        }
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != text {
            return wrong(&format!("is not in its normal form; write {canonical:?}"));
        }
        if url.scheme() == "http" && !self.server.allow_insecure_http && !is_loopback(&url) {
            return wrong(
                "is http and not loopback; use https, or set server.allow_insecure_http for a test",
            );
        }
        Ok(())
    }

    fn check_lifetimes(&self) -> Result<(), ConfigError> {
        let (s, m, h, d) = (
            Lifetime::seconds,
            Lifetime::minutes,
            Lifetime::hours,
            Lifetime::days,
        );
        let t = &self.tokens;
        for (key, value, least, most) in [
            ("keys.rotation", self.keys.rotation, h(1), d(3650)),
            ("tokens.access_token", t.access_token, s(10), h(24)),
            ("tokens.id_token", t.id_token, s(10), h(24)),
            ("tokens.authorization_code", t.authorization_code, s(5), m(10)),
            ("tokens.refresh_token_idle", t.refresh_token_idle, m(1), d(3650)),
            (
                "tokens.refresh_token_absolute",
                t.refresh_token_absolute,
                m(1),
                d(3650),
            ),
            ("tokens.refresh_retry_grace", t.refresh_retry_grace, s(0), m(1)),
            ("sessions.idle", self.sessions.idle, m(1), d(365)),
            ("sessions.absolute", self.sessions.absolute, m(1), d(365)),
            ("admin.session_idle", self.admin.session_idle, m(1), d(1)),
            ("admin.session_absolute", self.admin.session_absolute, m(1), d(7)),
            ("audit.retention", self.audit.retention, d(1), d(36_500)),
            ("privacy.deletion_grace", self.privacy.deletion_grace, s(0), d(90)),
            (
                "privacy.anonymise_after",
                // Holders are told a month before, and told anew when that was long ago.
                self.privacy.anonymise_after.unwrap_or(d(90)),
                d(90),
                d(36_500),
            ),
            (
                "privacy.consent_retention",
                self.privacy.consent_retention,
                d(1),
                d(36_500),
            ),
        ] {
            if value < least || value > most {
                return Err(ConfigError::new(
                    key,
                    format!("{value} is outside {least} to {most}"),
                ));
            }
        }
        for (idle, absolute, shorter, longer) in [
            (
                "tokens.refresh_token_idle",
                "tokens.refresh_token_absolute",
                t.refresh_token_idle,
                t.refresh_token_absolute,
            ),
            (
                "sessions.idle",
                "sessions.absolute",
                self.sessions.idle,
                self.sessions.absolute,
            ),
            (
                "admin.session_idle",
                "admin.session_absolute",
                self.admin.session_idle,
                self.admin.session_absolute,
            ),
        ] {
            if shorter > longer {
                return Err(ConfigError::new(
                    idle,
                    format!("{shorter} is longer than {absolute} ({longer}); lower it"),
                ));
            }
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), ConfigError> {
        for (key, value, least, most) in [
            ("database.max_connections", self.database.max_connections, 1, 1000),
            (
                "accounts.password_min_length",
                self.accounts.password_min_length,
                8,
                128,
            ),
            (
                "accounts.password_min_strength",
                self.accounts.password_min_strength as usize,
                0,
                4,
            ),
            (
                "accounts.password_history",
                self.accounts.password_history as usize,
                0,
                24,
            ),
            (
                "accounts.max_failures",
                self.accounts.max_failures as usize,
                5,
                100,
            ),
            ("sessions.max_per_account", self.sessions.max_per_account, 1, 1000),
            ("api_keys.max_per_account", self.api_keys.max_per_account, 1, 1000),
            (
                "accounts.argon2_memory_kib",
                self.accounts.argon2_memory_kib as usize,
                7168,
                1_048_576,
            ),
            (
                "accounts.argon2_iterations",
                self.accounts.argon2_iterations as usize,
                1,
                100,
            ),
            (
                "accounts.argon2_parallelism",
                self.accounts.argon2_parallelism as usize,
                1,
                16,
            ),
        ] {
            if value < least || value > most {
                return Err(ConfigError::new(
                    key,
                    format!("{value} is outside {least} to {most}"),
                ));
            }
        }
        let a = &self.accounts;
        let strong = |(memory, passes): &(u32, u32)| {
            (a.argon2_memory_kib >= *memory && a.argon2_iterations >= *passes)
                || (a.argon2_memory_kib >= 47_104 && a.argon2_iterations >= 1)
        };
        if !ARGON2_FLOORS.iter().any(strong) {
            return Err(ConfigError::new(
                "accounts.argon2_iterations",
                format!(
                    "{} with {} KiB is too weak; use 2 with 19456 KiB or more",
                    a.argon2_iterations, a.argon2_memory_kib
                ),
            ));
        }
        Ok(())
    }

    fn check_services(&self) -> Result<(), ConfigError> {
        let begins = |key, value: Option<&str>, schemes: &[&str]| match value {
            Some(url)
                if !schemes.iter().any(|scheme| url.starts_with(scheme)) || Url::parse(url).is_err() =>
            {
                let schemes = schemes.join(" or ");
                Err(ConfigError::new(
                    key,
                    format!("must begin with {schemes} and be a URL"),
                ))
            }
            _ => Ok(()),
        };
        begins("redis.url", self.redis.url.as_deref(), &["redis://", "rediss://"])?;
        begins(
            "mail.smtp_url",
            self.mail.smtp_url.as_deref(),
            &["smtps://", "smtp://"],
        )?;
        begins(
            "audit.webhook_url",
            self.audit.webhook_url.as_deref(),
            &["https://", "http://"],
        )?;
        if self.audit.webhook_url.is_some() && self.audit.webhook_secret.as_ref().is_none_or(|s| s.len() < 16)
        {
            return Err(ConfigError::new(
                "audit.webhook_secret",
                "must have 16 characters or more beside audit.webhook_url, which signs with it",
            ));
        }
        let range = self.accounts.password_range_url.as_deref();
        begins("accounts.password_range_url", range, &["https://", "http://"])?;
        let web = ["https://", "http://", "mailto:"];
        for (key, url) in [
            ("branding.privacy_url", &self.branding.privacy_url),
            ("branding.terms_url", &self.branding.terms_url),
            ("branding.support_url", &self.branding.support_url),
        ] {
            begins(key, url.as_deref(), &web)?;
        }
        if self.rate_limits.backend == RateLimitBackend::Redis && self.redis.url.is_none() {
            return Err(ConfigError::new(
                "rate_limits.backend",
                "needs redis.url; set it, or write \"auto\"",
            ));
        }
        // Reading an address takes half a megabyte of the program, which the default is not worth.
        if self.mail.from != Mail::default().from
            && let Err(error) = self.mail.from.parse::<lettre::message::Mailbox>()
        {
            return Err(ConfigError::new(
                "mail.from",
                format!("{error}; write for example \"Example <id@example.org>\""),
            ));
        }
        if let Some(color) = &self.branding.accent_color {
            let digits = color.strip_prefix('#').unwrap_or_default();
            if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(ConfigError::new(
                    "branding.accent_color",
                    "must be a colour written #rrggbb",
                ));
            }
        }
        Ok(())
    }

    /// What works and is not fit for production, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.server.issuer.starts_with("http://") {
            found.push("the issuer is http: set server.issuer to an https URL".to_owned());
        }
        if self.server.issuer.starts_with("https://")
            && self.server.tls_certificate.is_none()
            && self.server.trusted_proxies.is_empty()
            && !self.server.listen.ip().is_loopback()
        {
            found.push(
                "neither server.tls_certificate nor server.trusted_proxies is set: TLS must end somewhere"
                    .to_owned(),
            );
        }
        if self.database.url == DEFAULT_DATABASE {
            found.push("data are kept in ./data/chancery.db: set database.url".to_owned());
        }
        if self.keys.master_key_file.is_relative() {
            found.push(
                "the master key lies in the working directory: set keys.master_key_file to a protected path"
                    .to_owned(),
            );
        }
        match (&self.mail.smtp_url, &self.mail.folder) {
            (Some(_), _) => {}
            (None, Some(_)) => {
                found.push("mails are written to mail.folder and reach nobody: set mail.smtp_url".to_owned())
            }
            (None, None) => found.push(
                "mails are written to the log, with links that open accounts: set mail.smtp_url".to_owned(),
            ),
        }
        if self.tokens.access_token > Lifetime::hours(1) {
            found.push(format!(
                "access tokens live {}: a stolen one is good that long",
                self.tokens.access_token
            ));
        }
        if self.tokens.authorization_code > Lifetime::seconds(60) {
            found.push(format!(
                "authorization codes live {}: 60s is enough",
                self.tokens.authorization_code
            ));
        }
        if self.accounts.password_min_length < 15 {
            found.push(
                "accounts.password_min_length is under 15, too short where it is the only factor".to_owned(),
            );
        }
        found
    }
}

fn is_level(word: &str) -> bool {
    ["off", "error", "warn", "info", "debug", "trace"]
        .iter()
        .any(|level| level.eq_ignore_ascii_case(word))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
