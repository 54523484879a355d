//! What no single value can tell: bounds, pairs, and what is not fit for production.

use protocol::jose::Algorithm;
use protocol::time::Lifetime;
use tracing_subscriber::filter::EnvFilter;
use url::{Host, Url};

use super::{Config, ConfigError, DEFAULT_DATABASE, RateLimitBackend};

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
            None => level.parse::<EnvFilter>().is_err().then_some(level),
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
        if let Err(error) = self.mail.from.parse::<lettre::message::Mailbox>() {
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
mod tests {
    use protocol::jose::Algorithm;

    use super::super::*;
    use super::Lifetime;

    fn read(file: &str, env: &[(&str, &str)]) -> Result<Config, String> {
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::from_table(file.parse().unwrap(), env).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_written_is_a_working_configuration() {
        let config = read("", &[("PATH", "/bin"), ("CHANCERY_SERVICE_HOST", "10.0.0.1")]).unwrap();
        assert_eq!(config.server.issuer, "http://localhost:8080");
        assert_eq!(config.keys.algorithms, Algorithm::SIGNING);
        assert!(!config.warnings().is_empty());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = read(
            "[server]\nissuer = 'https://a.test'\ntrusted_proxies = ['10.0.0.0/8']\n[tokens]\naccess_token = '5m'",
            &[
                ("CHANCERY_SERVER__ISSUER", "https://b.test/tenant"),
                ("CHANCERY_SERVER__TRUSTED_PROXIES", "127.0.0.1, 192.168.0.0/16"),
                ("CHANCERY_DATABASE__MAX_CONNECTIONS", "3"),
                ("CHANCERY_KEYS__ALGORITHMS", "ES256, RS256"),
                ("CHANCERY_RATE_LIMITS__SIGN_IN_PER_ADDRESS", "5/15m"),
            ],
        )
        .unwrap();
        assert_eq!(config.server.issuer, "https://b.test/tenant");
        assert_eq!(config.server.trusted_proxies.len(), 2);
        assert_eq!(config.database.max_connections, 3);
        assert_eq!(config.keys.algorithms, [Algorithm::Es256, Algorithm::Rs256]);
        assert_eq!(config.rate_limits.sign_in_per_address.to_string(), "5/15m");
        assert_eq!(config.tokens.access_token, Lifetime::minutes(5));
    }

    #[test]
    fn issuers_are_exact() {
        for issuer in [
            "https://id.test",
            "https://id.test:8443/a/b",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:8080",
        ] {
            assert!(
                read(&format!("[server]\nissuer = {issuer:?}"), &[]).is_ok(),
                "{issuer}"
            );
        }
        for issuer in [
            "",
            "id.test",
            "ftp://id.test",
            "https://id.test/",
            "https://id.test/a/",
            "https://id.test?x",
            "https://id.test#",
            "https://u:p@id.test",
            "https://@id.test",
            "HTTPS://id.test",
            "https://ID.test",
            "https://id.test:443",
            "https://id.test/a/../b",
            "http://id.test",
            "https://",
            "mailto:a@b.test",
        ] {
            let error = read(&format!("[server]\nissuer = {issuer:?}"), &[]).unwrap_err();
            assert!(error.starts_with("server.issuer: "), "{issuer}: {error}");
        }
        assert!(
            read(
                "[server]\nissuer = 'http://id.test'\nallow_insecure_http = true",
                &[]
            )
            .is_ok()
        );
    }

    #[test]
    fn refusals_name_the_key_and_the_way_out() {
        for (file, says) in [
            (
                "[server]\nisuer = 'x'",
                "server.isuer: unknown key; did you mean issuer?",
            ),
            (
                "[sever]\nissuer = 'x'",
                "sever.issuer: unknown section; did you mean server?",
            ),
            (
                "[server]\nurl = 'x'",
                "server.url: unknown key; it belongs to [database]",
            ),
            ("[redis]\nurl = 'http://x'", "redis.url: must begin with redis://"),
            (
                "[rate_limits]\nbackend = 'redis'",
                "rate_limits.backend: needs redis.url",
            ),
            (
                "[mail]\nsmtp_url = 'mail.test'",
                "mail.smtp_url: must begin with smtps://",
            ),
            ("[mail]\nfrom = 'nobody'", "mail.from: "),
            ("[scim]\ngroup_roles = ['a']", "a table of lists"),
            (
                "[audit]\nwebhook_url = 'https://a.test/hook'",
                "audit.webhook_secret: ",
            ),
            (
                "[admin]\nsession_idle = '9h'",
                "longer than admin.session_absolute",
            ),
            ("[branding]\naccent_color = 'blue'", "#rrggbb"),
            (
                "[branding]\nsupport_url = 'javascript:alert(1)'",
                "branding.support_url: ",
            ),
            (
                "[accounts]\npassword_range_url = 'ftp://x'",
                "accounts.password_range_url: ",
            ),
            (
                "[clients]\ndynamic_registration = 'open'",
                "not available in this version",
            ),
            ("[clients]", "[clients]: not available in this version"),
            ("[accounts]\nregistration = 'all'", "\"invite\" or \"open\""),
            ("[accounts]\nmfa = 'always'", "\"if-enrolled\" or \"required\""),
            ("issuer = 'x'", "issuer: stands outside a section"),
            ("[server]\nlisten = 8080", "server.listen: 8080 cannot be used"),
            ("[server]\ntls_key = 'k.pem'", "set both or neither"),
            ("[server]\nallow_insecure_http = 'yes'", "true or false"),
            ("[tokens]\naccess_token = 600", "\"10m\""),
            (
                "[tokens]\nauthorization_code = '11m'",
                "tokens.authorization_code: 11m is outside 5s to 10m",
            ),
            (
                "[tokens]\nrefresh_token_idle = '91d'",
                "longer than tokens.refresh_token_absolute",
            ),
            ("[keys]\nalgorithms = ['HS256']", "\"HS256\" is not one of RS256"),
            ("[keys]\nalgorithms = []", "name at least RS256"),
            ("[keys]\nalgorithms = ['ES256']", "name at least RS256"),
            ("[database]\nurl = 'sqlite:'", "database.url: must name a file"),
            ("[database]\nurl = 'sqlite://'", "database.url: must name a file"),
            (
                "[database]\nurl = 'sqlite::memory:'",
                "database.url: must name a file",
            ),
            ("[log]\nlevel = 'loud'", "log.level: \"loud\" is no level"),
            (
                "[log]\nlevel = 'inof,store=debug'",
                "log.level: \"inof\" is no level",
            ),
            ("[log]\nlevel = ''", "must not be empty"),
            (
                "[log]\nlevel = 'store=loud'",
                "log.level: \"store=loud\" is no level",
            ),
            (
                "[database]\nurl = 'mysql://root:hunter2@db'",
                "database.url: must begin with",
            ),
            ("[database]\nmax_connections = 0", "outside 1 to 1000"),
            ("[accounts]\npassword_min_length = 7", "outside 8 to 128"),
            ("[accounts]\nargon2_iterations = 1", "too weak"),
            ("[rate_limits]\nsign_in_per_address = '0/5m'", "refuse everybody"),
            ("[log]\nformat = 'xml'", "\"text\" or \"json\""),
        ] {
            let error = read(file, &[]).unwrap_err();
            assert!(error.contains(says), "{file}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn levels_and_filters_are_understood() {
        for level in [
            "off",
            "INFO",
            "info,store=debug",
            "warn,chancery::oauth=trace",
            "info,[request{id=7}]=debug",
        ] {
            let read = read("", &[("CHANCERY_LOG__LEVEL", level)]);
            assert!(read.is_ok(), "{level}: {read:?}");
        }
    }

    #[test]
    fn misspelt_variables_are_refused() {
        for (name, says) in [
            ("CHANCERY_SERVER__ISUER", "did you mean CHANCERY_SERVER__ISSUER?"),
            ("CHANCERY_SERVER_ISSUER", "did you mean CHANCERY_SERVER__ISSUER?"),
            (
                "CHANCERY_CLIENTS__DYNAMIC_REGISTRATION",
                "not available in this version",
            ),
            ("CHANCERY_NOTHING__AT_ALL_LIKE_IT", "unknown key"),
        ] {
            let error = read("", &[(name, "x")]).unwrap_err();
            assert!(error.starts_with(name) && error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_database_url_can_stand_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        std::fs::write(&path, "postgres://u:p@db/x\n").unwrap();
        let path = path.display().to_string();
        let config = read("", &[("CHANCERY_DATABASE__URL_FILE", &path)]).unwrap();
        assert_eq!(config.database.url, "postgres://u:p@db/x");
        assert!(!format!("{config:?}").contains("u:p"));
        let both = [
            ("CHANCERY_DATABASE__URL_FILE", path.as_str()),
            ("CHANCERY_DATABASE__URL", "sqlite:x"),
        ];
        assert!(read("", &both).unwrap_err().contains("set one of them"));
    }
}
