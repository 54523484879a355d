//! Where mails go: to a mail server, into a folder, or into the log.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use url::Url;
use uuid::Uuid;

use super::letter::Content;
use super::relay;
use crate::config::{self, Config};
use crate::error::BoxError;

pub(super) enum Transport {
    Smtp {
        relay: AsyncSmtpTransport<Tokio1Executor>,
        from: Address,
    },
    Folder(PathBuf),
    Log,
}

/// In words, where mails go.
pub fn destination(config: &config::Mail) -> String {
    match (&config.smtp_url, &config.folder) {
        (Some(url), _) => {
            let host = Url::parse(url).ok();
            let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
            format!("mails go out through {host}")
        }
        (None, Some(folder)) => format!("mails are written to {}", folder.display()),
        (None, None) => "mails are written to the log".to_owned(),
    }
}

/// Whether the settings make sense.
pub(super) fn check(config: &Config) -> Result<(), BoxError> {
    if let Some(url) = &config.mail.smtp_url {
        relay::connect(url, config.outbound.extra_ca_file.as_deref())?;
    }
    Ok(())
}

/// Whether the mail server answers; `None` where none is configured.
pub(super) async fn ask(config: &Config) -> Option<Result<(), String>> {
    match Transport::new(config) {
        Ok(Transport::Smtp { relay, .. }) => Some(match relay.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the mail server did not greet back".to_owned()),
            Err(error) => Err(reason(&error)),
        }),
        Ok(Transport::Folder(_) | Transport::Log) => None,
        Err(error) => Some(Err(error.to_string())),
    }
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Transport, BoxError> {
        if let Some(url) = &config.mail.smtp_url {
            let from: Mailbox = config.mail.from.parse()?;
            return Ok(Transport::Smtp {
                relay: relay::connect(url, config.outbound.extra_ca_file.as_deref())?,
                from: from.email,
            });
        }
        match &config.mail.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|e| format!("mail.folder: {} cannot be made ({e})", folder.display()))?;
                Ok(Transport::Folder(folder.clone()))
            }
            None => Ok(Transport::Log),
        }
    }

    /// Sends one mail. What went wrong is said without any address.
    pub(super) async fn send(&self, id: Uuid, content: &Content) -> Result<(), String> {
        match self {
            Transport::Smtp { relay, from } => {
                let to = content.to.parse().map_err(|_| "bad recipient")?;
                let envelope =
                    Envelope::new(Some(from.clone()), vec![to]).map_err(|_| "bad envelope".to_owned())?;
                relay
                    .send_raw(&envelope, content.message.as_bytes())
                    .await
                    .map_err(|error| reason(&error))?;
                Ok(())
            }
            Transport::Folder(folder) => {
                let path = folder.join(format!("{id}.eml"));
                let message = content.message.clone();
                tokio::task::spawn_blocking(move || write(&path, message.as_bytes()))
                    .await
                    .map_err(|error| error.to_string())?
                    .map_err(|error| error.to_string())
            }
            Transport::Log => {
                tracing::info!(
                    mail.to = content.to,
                    mail.subject = content.subject,
                    mail.links = content.links.join(" "),
                    "a mail, which nobody receives: set mail.smtp_url"
                );
                Ok(())
            }
        }
    }
}

/// Under another name first, so that who reads the folder finds whole mails only.
fn write(path: &std::path::Path, message: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(message)?;
    std::fs::rename(&draft, path)
}

/// A server's own words may repeat the address, so only its code is kept.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => "no TLS with the mail server".to_owned(),
        None if error.is_response() => "the mail server gave no sensible answer".to_owned(),
        None if error.is_client() => "the mail server lacks something this mail needs".to_owned(),
        None => "the mail server cannot be reached".to_owned(),
    }
}
