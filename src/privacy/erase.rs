//! Erasing an account for good, in the transaction of whoever decides it.

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use store::{Account, Conn, StoreError};

use crate::mail;
use crate::seal::Sealer;

/// An account on its way out. It is owned and can move into a closure of the store.
#[derive(Clone, Debug)]
pub(crate) struct Erasure {
    id: AccountId,
    mailboxes: Vec<TokenHash>,
    now: Timestamp,
}

impl Erasure {
    /// Of this account, as it was read.
    pub(crate) fn of(sealer: &Sealer, account: &Account, now: Timestamp) -> Erasure {
        Erasure::under(&mail::mailbox_key(sealer), account, now)
    }

    /// The same for who has only the key that addresses are hidden with.
    pub(crate) fn under(key: &[u8; 32], account: &Account, now: Timestamp) -> Erasure {
        let mailboxes = account
            .email
            .iter()
            .map(|email| mail::mailbox_under(key, email))
            .collect();
        Erasure {
            id: account.id,
            mailboxes,
            now,
        }
    }

    /// Takes the account out of every table; false when there is none. Who did it is told by an
    /// event that does not name the account; a last mail to it is queued afterwards.
    pub(crate) async fn write(&self, db: &mut Conn) -> Result<bool, StoreError> {
        store::erasure::erase(db, self.id, &self.mailboxes, self.now).await
    }
}
