//! One mail, written and sealed, on its way into the outbox.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::hmac;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Conn, StoreError, outbox};
use tokio::sync::Notify;
use uuid::Uuid;

use super::Mail;
use super::words::Written;
use crate::app::App;
use crate::error::BoxError;
use crate::pages::Locale;
use crate::seal::Sealer;

/// A mail that waits to be queued. It is owned and can move into a closure of the store.
pub struct Letter {
    id: Uuid,
    kind: &'static str,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// `None` when it could not be written, which the log has told.
    sealed: Option<Vec<u8>>,
    mailbox: TokenHash,
    bell: Arc<Notify>,
}

/// What the outbox holds of a letter, sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) links: Vec<String>,
    pub(super) message: String,
}

/// An address as the outbox knows it: it can be compared and not read, not even by trying all addresses.
fn mailbox(sealer: &Sealer, address: &str) -> TokenHash {
    mailbox_under(&mailbox_key(sealer), address)
}

/// The key that addresses are hidden with.
pub(crate) fn mailbox_key(sealer: &Sealer) -> [u8; 32] {
    sealer.derive("outbox-recipient")
}

/// The same for who has only the key.
pub(crate) fn mailbox_under(key: &[u8; 32], address: &str) -> TokenHash {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, address.to_lowercase().as_bytes());
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    TokenHash(hash)
}

/// What a letter is sealed for.
pub(super) fn context(id: Uuid) -> String {
    format!("outbox/{id}")
}

impl Letter {
    /// Writes a mail to an address. One that is no address gets none.
    pub fn write(app: &App, to: &str, locale: Locale, mail: &Mail<'_>) -> Letter {
        let now = app.now();
        let id = app.mail.next_id(now);
        let sealed = match content(app, id, to, locale, mail) {
            Ok(plain) => Some(app.sealer.seal(&context(id), &plain)),
            Err(reason) => {
                tracing::error!(mail.kind = mail.kind(), "a mail could not be written: {reason}");
                None
            }
        };
        Letter {
            id,
            kind: mail.kind(),
            created_at: now,
            expires_at: now + mail.lifetime(),
            sealed,
            mailbox: mailbox(&app.sealer, to),
            bell: app.mail.desk.bell.clone(),
        }
    }

    /// Puts it into the outbox with the change it tells of: both are kept or none.
    pub async fn queue(&self, db: &mut Conn) -> Result<(), StoreError> {
        let Some(sealed) = &self.sealed else { return Ok(()) };
        outbox::insert(db, self.id, self.kind, sealed, self.created_at, self.expires_at).await?;
        outbox::set_recipient(db, self.id, &self.mailbox).await?;
        self.bell.notify_one();
        Ok(())
    }
}

fn content(app: &App, id: Uuid, to: &str, locale: Locale, mail: &Mail<'_>) -> Result<Vec<u8>, BoxError> {
    // Its own words would repeat the address.
    let to: Address = to.parse().map_err(|_| "the recipient is no mail address")?;
    let written = app.mail.templates.write(app, locale, mail)?;
    let message = message(app, id, to.clone(), locale, &written)?;
    let content = Content {
        to: to.to_string(),
        subject: written.subject,
        links: written.links,
        message: String::from_utf8(message.formatted())?,
    };
    Ok(serde_json::to_vec(&content)?)
}

fn message(app: &App, id: Uuid, to: Address, locale: Locale, written: &Written) -> Result<Message, BoxError> {
    let from: Mailbox = app.config.mail.from.parse()?;
    let message_id = format!("<{id}@{}>", from.email.domain());
    let seconds = u64::try_from(app.now().0).unwrap_or_default();
    let message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(written.subject.as_str())
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(message_id))
        // No automatic answers, please (RFC 3834 §5).
        .raw_header(header("Auto-Submitted", "auto-generated")?)
        .raw_header(header("Content-Language", locale.tag())?)
        .multipart(MultiPart::alternative_plain_html(
            written.text.clone(),
            written.html.clone(),
        ))?;
    Ok(message)
}

fn header(name: &str, value: &str) -> Result<HeaderValue, BoxError> {
    let name = HeaderName::new_from_ascii(name.to_owned())?;
    Ok(HeaderValue::new(name, value.to_owned()))
}
