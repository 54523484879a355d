//! Client secrets: made here with 256 bits, shown once, kept as a hash, and replaced with an overlap.

use protocol::client::{Client, ClientAuthMethod};
use protocol::secret::{Secret, TokenHash};
use protocol::time::Timestamp;
use store::StoredClient;
use store::clients::PreviousSecret;

use crate::administration::Refused;
use crate::declarative::check_client_secret;
use crate::random;
use crate::seal::Sealer;

/// The longest time that two secrets may be good, in seconds.
pub(crate) const MAX_OVERLAP: i64 = 30 * 24 * 60 * 60;

/// A secret that is about to be a client's.
pub(crate) struct NewSecret {
    hash: TokenHash,
    sealed: Option<Vec<u8>>,
    /// The secret itself, when it was made here and has to be shown.
    pub(crate) made: Option<Secret>,
}

impl NewSecret {
    /// The secret that somebody chose, or one that is made.
    pub(crate) fn of(client: &Client, given: Option<Secret>, sealer: &Sealer) -> Result<NewSecret, Refused> {
        let method = client.token_endpoint_auth_method;
        if !method.has_secret() {
            let problem = format!("a client that authenticates by {} has none", method.as_str());
            return Err(Refused::invalid("client_secret", problem));
        }
        if let Some(secret) = &given {
            check_client_secret(secret, method)
                .map_err(|problem| Refused::invalid("client_secret", problem))?;
        }
        let made = given.is_none().then(|| random::secret("cs_"));
        let Some(secret) = given.as_ref().or(made.as_ref()) else {
            return Err(Refused::invalid("client_secret", "is missing"));
        };
        // An HMAC can only be checked with the secret itself.
        let sealed = (method == ClientAuthMethod::ClientSecretJwt).then(|| {
            sealer.seal(
                &format!("client/{}", client.client_id),
                secret.expose().as_bytes(),
            )
        });
        Ok(NewSecret {
            hash: secret.hash(),
            sealed,
            made,
        })
    }

    /// Makes it the client's; the one before is good until a moment, if that is later than now.
    pub(crate) fn give(&self, stored: &mut StoredClient, now: Timestamp, until: Timestamp) {
        stored.previous = stored
            .secret_hash
            .filter(|_| until > now)
            .map(|hash| PreviousSecret {
                hash,
                sealed: stored.secret_sealed.take(),
                expires_at: until,
            });
        stored.secret_hash = Some(self.hash);
        stored.secret_sealed.clone_from(&self.sealed);
    }
}

/// Whether the stored secret does for the method that the client uses now.
pub(crate) fn is_fit(stored: &StoredClient) -> bool {
    match stored.client.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretJwt => stored.secret_sealed.is_some(),
        method => !method.has_secret() || stored.secret_hash.is_some(),
    }
}

/// Takes away what the method of the client has no use for.
pub(crate) fn tidy(stored: &mut StoredClient) {
    let method = stored.client.token_endpoint_auth_method;
    if !method.has_secret() {
        (stored.secret_hash, stored.secret_sealed, stored.previous) = (None, None, None);
    } else if method != ClientAuthMethod::ClientSecretJwt {
        stored.secret_sealed = None;
        if let Some(previous) = &mut stored.previous {
            previous.sealed = None;
        }
    }
}
