//! Audit events on their way to a webhook: one parcel in the outbox for each, which names the event and holds nothing of
//! it, so that whoever is erased meanwhile is not in it.

use aws_lc_rs::hmac;
use http::{HeaderName, HeaderValue};
use protocol::time::{Lifetime, Timestamp};
use store::audit::Event;
use store::outbox::{AUDIT_EVENT, Parcel};
use store::{Conn, StoreError, audit, outbox};

use super::export;
use crate::app::App;
use crate::hex;

/// How long an event is tried to be sent.
const LIFETIME: Lifetime = Lifetime::days(3);
/// The time and the signature of what is sent.
const SIGNATURE: HeaderName = HeaderName::from_static("x-chancery-signature");
/// The event, by which a second delivery is known.
const EVENT_ID: HeaderName = HeaderName::from_static("x-chancery-event-id");

/// Puts events into the outbox, where there is a webhook to send them to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcels(Option<Timestamp>);

impl Parcels {
    pub(super) fn of(app: &App) -> Parcels {
        Parcels(app.config.audit.webhook_url.as_ref().map(|_| app.now()))
    }

    pub(super) async fn put(self, db: &mut Conn, events: &[Event]) -> Result<(), StoreError> {
        let Parcels(Some(now)) = self else { return Ok(()) };
        for event in events {
            outbox::insert(db, event.id, AUDIT_EVENT, &[], now, now + LIFETIME).await?;
        }
        Ok(())
    }
}

/// Tells the worker that something was put in.
pub(super) fn ring(app: &App, events: usize) {
    if events > 0 && app.config.audit.webhook_url.is_some() {
        app.audit.desk.bell.notify_one();
    }
}

/// Sends one event, signed: HMAC-SHA-256 over the time, a full stop and the body.
pub(crate) async fn send(app: &App, parcel: &Parcel) -> Result<(), String> {
    let settings = &app.config.audit;
    let (Some(url), Some(secret)) = (&settings.webhook_url, &settings.webhook_secret) else {
        return Err("no webhook is configured any more".to_owned());
    };
    let id = parcel.id;
    let found = app
        .store
        .read(async move |db: &mut Conn| audit::find(db, id).await)
        .await;
    let Some(event) = found.map_err(|error| error.to_string())? else {
        // Retention was faster.
        return Ok(());
    };
    let body = export::json(&event).to_string();
    let signature = signature(secret, app.now(), &body);
    let header = |value: String| HeaderValue::try_from(value).map_err(|error| error.to_string());
    let headers = vec![
        (SIGNATURE, header(signature)?),
        (EVENT_ID, header(id.to_string())?),
    ];
    let status = app.fetch.post_json(url, body.into_bytes(), headers).await;
    match status.map_err(|error| error.to_string())? {
        status if status.is_success() => Ok(()),
        status => Err(format!("the webhook answered {status}")),
    }
}

fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{}.{body}", at.0).as_bytes());
    format!("t={},v1={}", at.0, hex::encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_time_and_body() {
        let signed = signature("a secret", Timestamp(5), "{}");
        // printf '5.{}' | openssl dgst -sha256 -hmac 'a secret'
        let expected = "t=5,v1=c9eb37f57f16c590ff446d80439d48bc67818119929861ddfb8d996e661b8e3f";
        assert_eq!(signed, expected);
        assert_ne!(signature("a secret", Timestamp(6), "{}"), signed);
        assert_ne!(signature("a secret", Timestamp(5), "[]"), signed);
    }
}
