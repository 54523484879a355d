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
        ("[log]\nlevel = 'info,=debug'", "is no level or filter"),
        ("[log]\nlevel = 'store='", "is no level or filter"),
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
