//! Taking a connection away. What is left must still sign in.

use store::{Account, Conn, StoreError, UpstreamIdentity, factors, upstream_identities as identities};

use super::people::event;
use crate::app::App;
use crate::mail::{Letter, Mail};
use crate::pages::Locale;
use crate::ways_in::{self, WayIn};

/// What came of taking a connection away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disconnected {
    /// It is gone.
    Done,
    /// There was no such one.
    Missing,
    /// It is the only way to sign in.
    LastWay,
}

/// Takes a connection away from an account, unless nothing else would sign in.
pub(crate) async fn disconnect(
    app: &App,
    account: &Account,
    identity: &UpstreamIdentity,
    title: &str,
    locale: Locale,
) -> Result<Disconnected, StoreError> {
    let id = account.id;
    let event = event(app, "identity.disconnected", id, &identity.issuer);
    let mail = Mail::UpstreamUnlinked { name: title };
    let letter = account
        .email
        .as_deref()
        .map(|to| Letter::write(app, to, locale, &mail));
    let gone = identity.clone();
    app.store
        .write(async move |db: &mut Conn| {
            factors::lock(db, id).await?;
            if !ways_in::is_another(db, id, WayIn::Identity(&gone)).await? {
                return Ok(Disconnected::LastWay);
            }
            if !identities::delete(db, id, &gone.issuer, &gone.subject).await? {
                return Ok(Disconnected::Missing);
            }
            event.record(db).await?;
            if let Some(letter) = &letter {
                letter.queue(db).await?;
            }
            Ok(Disconnected::Done)
        })
        .await
}
