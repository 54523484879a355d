//! What may sign an account in by itself: a password, a passkey, a connection to an upstream that is open. Of a passkey
//! nobody knows for certain whether its authenticator can.

use protocol::id::AccountId;
use store::{
    Conn, StoreError, StoredUpstream, UpstreamIdentity, credentials, passkeys,
    upstream_identities as identities, upstreams,
};
use uuid::Uuid;

/// A way in that is about to go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WayIn<'a> {
    /// The passkey with this identifier.
    Passkey(Uuid),
    /// This connection.
    Identity(&'a UpstreamIdentity),
}

impl WayIn<'_> {
    fn is_passkey(self, id: Uuid) -> bool {
        matches!(self, WayIn::Passkey(gone) if gone == id)
    }

    fn is_identity(self, other: &UpstreamIdentity) -> bool {
        matches!(self, WayIn::Identity(gone) if gone.issuer == other.issuer && gone.subject == other.subject)
    }
}

/// Whether something else than this one signs the account in.
pub(crate) async fn is_another(db: &mut Conn, id: AccountId, besides: WayIn<'_>) -> Result<bool, StoreError> {
    if credentials::find_password(db, id).await?.is_some() {
        return Ok(true);
    }
    let passkeys = passkeys::list(db, id).await?;
    if passkeys.iter().any(|passkey| !besides.is_passkey(passkey.id)) {
        return Ok(true);
    }
    let upstreams = upstreams::list(db).await?;
    let connected = identities::list(db, id).await?;
    Ok(connected.iter().any(|identity| {
        let leads_here =
            |stored: &StoredUpstream| stored.upstream.enabled && stored.upstream.issuer == identity.issuer;
        !besides.is_identity(identity) && upstreams.iter().any(leads_here)
    }))
}
