//! Taking a connection away. What is left must still sign in.

use protocol::id::AccountId;
use store::{
    Account, Conn, StoreError, StoredUpstream, UpstreamIdentity, credentials, factors, passkeys,
    upstream_identities as identities, upstreams,
};

use super::people::event;
use crate::app::App;
use crate::mail::{Letter, Mail};
use crate::pages::Locale;

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
            if !has_other_way_in(db, id, &gone).await? {
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

/// Whether something else than this connection signs in: a password, a passkey, or an upstream that is open.
async fn has_other_way_in(
    db: &mut Conn,
    id: AccountId,
    besides: &UpstreamIdentity,
) -> Result<bool, StoreError> {
    if credentials::find_password(db, id).await?.is_some() || !passkeys::list(db, id).await?.is_empty() {
        return Ok(true);
    }
    let open = upstreams::list(db).await?;
    let others = identities::list(db, id).await?;
    Ok(others.iter().any(|other| {
        let same = other.issuer == besides.issuer && other.subject == besides.subject;
        let is_open =
            |stored: &StoredUpstream| stored.upstream.enabled && stored.upstream.issuer == other.issuer;
        !same && open.iter().any(is_open)
    }))
}
