//! The mail server that `mail.smtp_url` names, and how safely it is spoken to (RFC 5321, RFC 3207, RFC 8314).

use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::error::BoxError;

/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// At once.
    FromTheStart,
    /// With STARTTLS, and nothing is said before.
    StartTls,
    /// Never: the server is on this machine.
    None,
}

/// A mail server.
#[derive(Debug, PartialEq, Eq)]
struct Relay {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<(String, String)>,
}

/// The way to the mail server of a URL, trusting the usual authorities and those in `extra_ca`.
pub(super) fn connect(
    url: &str,
    extra_ca: Option<&Path>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, BoxError> {
    let relay = Relay::parse(url).map_err(|problem| format!("mail.smtp_url: {problem}"))?;
    let tls = match relay.security {
        Security::FromTheStart => Tls::Wrapper(relay.tls(extra_ca)?),
        Security::StartTls => Tls::Required(relay.tls(extra_ca)?),
        Security::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(relay.host.as_str())
        .port(relay.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, password)) = relay.credentials {
        builder = builder.credentials(Credentials::new(user, password));
    }
    Ok(builder.build())
}

impl Relay {
    fn parse(text: &str) -> Result<Relay, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not a URL")?;
        let host = url.host_str().ok_or("names no host")?;
        let demands_tls = url
            .query_pairs()
            .any(|(name, value)| name == "tls" && value == "required");
        if url.query().is_some() && !demands_tls || !matches!(url.path(), "" | "/") {
            return Err("ends in something unknown; only ?tls=required may follow the port");
        }
        let (port, security) = match url.scheme() {
            "smtps" => (465, Security::FromTheStart),
            "smtp" if is_local(host) && !demands_tls => (25, Security::None),
            "smtp" => (587, Security::StartTls),
            _ => return Err("must begin with smtps:// or smtp://"),
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        Ok(Relay {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            security,
            credentials,
        })
    }

    fn tls(&self, extra_ca: Option<&Path>) -> Result<TlsParameters, BoxError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(file) = extra_ca {
            let wrong = |reason: String| format!("outbound.extra_ca_file: {} {reason}", file.display());
            let pem = std::fs::read(file).map_err(|error| wrong(format!("cannot be read ({error})")))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|_| wrong("holds no certificates (PEM)".to_owned()))?;
            builder = builder.add_root_certificate(certificate);
        }
        Ok(builder.build()?)
    }
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| "has a user name or password that is not UTF-8")
}

/// The host of a scheme that browsers do not know is not read as an address by itself.
fn is_local(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_is_spoken_to_without_tls() {
        for (url, host, port, security) in [
            ("smtps://mail.test", "mail.test", 465, Security::FromTheStart),
            (
                "smtps://mail.test:1465",
                "mail.test",
                1465,
                Security::FromTheStart,
            ),
            ("smtps://localhost", "localhost", 465, Security::FromTheStart),
            ("smtp://mail.test", "mail.test", 587, Security::StartTls),
            ("smtp://mail.test:25", "mail.test", 25, Security::StartTls),
            (
                "smtp://mail.test?tls=required",
                "mail.test",
                587,
                Security::StartTls,
            ),
            ("smtp://10.0.0.1:25", "10.0.0.1", 25, Security::StartTls),
            (
                "smtp://localhost.mail.test:25",
                "localhost.mail.test",
                25,
                Security::StartTls,
            ),
            (
                "smtp://127.0.0.1.mail.test:25",
                "127.0.0.1.mail.test",
                25,
                Security::StartTls,
            ),
            ("smtp://localhost", "localhost", 25, Security::None),
            ("smtp://LOCALHOST:2525", "LOCALHOST", 2525, Security::None),
            ("smtp://127.0.0.1:2525/", "127.0.0.1", 2525, Security::None),
            ("smtp://[::1]:2525", "::1", 2525, Security::None),
            (
                "smtp://localhost:587?tls=required",
                "localhost",
                587,
                Security::StartTls,
            ),
        ] {
            let relay = Relay::parse(url).unwrap();
            let found = (relay.host.as_str(), relay.port, relay.security);
            assert_eq!(found, (host, port, security), "{url}");
            assert_eq!(relay.credentials, None, "{url}");
        }
    }

    #[test]
    fn credentials_are_decoded() {
        for (url, user, password) in [
            ("smtps://a:b@mail.test", "a", "b"),
            (
                "smtps://a%40b.test:p%3A%2F%20%C3%A4@mail.test",
                "a@b.test",
                "p:/ ä",
            ),
            ("smtps://a@mail.test", "a", ""),
        ] {
            let relay = Relay::parse(url).unwrap();
            assert_eq!(
                relay.credentials,
                Some((user.to_owned(), password.to_owned())),
                "{url}"
            );
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for url in [
            "",
            "mail.test",
            "http://mail.test",
            "smtp://",
            "smtp:mail.test",
            "smtp://mail.test?tls=none",
            "smtp://mail.test?tls=opportunistic",
            "smtp://mail.test/inbox",
            "smtps://%ff:x@mail.test",
        ] {
            assert!(Relay::parse(url).is_err(), "{url}");
        }
    }
}
