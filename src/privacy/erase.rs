//! Erasing an account for good, in the transaction of whoever decides it.

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use store::{Account, Conn, StoreError};

use crate::audit;
use crate::mail;
use crate::seal::Sealer;

/// What an erasure needs of the master key: what hides addresses, and what vouches for changes of the audit trail.
#[derive(Clone, Debug)]
pub(crate) struct ErasureKeys {
    mailbox: [u8; 32],
    audit: audit::Keys,
}

impl ErasureKeys {
    /// The keys that come of the master keys.
    pub(crate) fn of(sealer: &Sealer) -> ErasureKeys {
        ErasureKeys {
            mailbox: mail::mailbox_key(sealer),
            audit: audit::Keys::of(sealer),
        }
    }

    /// The erasure of an account, as it was read.
    pub(crate) fn erasure(&self, account: &Account, now: Timestamp) -> Erasure {
        let mailbox = |email: &String| mail::mailbox_under(&self.mailbox, email);
        Erasure {
            id: account.id,
            mailboxes: account.email.iter().map(mailbox).collect(),
            audit: self.audit.clone(),
            now,
        }
    }
}

/// An account on its way out. It is owned and can move into a closure of the store.
#[derive(Clone, Debug)]
pub(crate) struct Erasure {
    id: AccountId,
    mailboxes: Vec<TokenHash>,
    audit: audit::Keys,
    now: Timestamp,
}

impl Erasure {
    /// Of this account, as it was read.
    pub(crate) fn of(sealer: &Sealer, account: &Account, now: Timestamp) -> Erasure {
        ErasureKeys::of(sealer).erasure(account, now)
    }

    /// Takes the account out of every table; false when there is none. Who did it is told by an
    /// event that does not name the account; a last mail to it is queued afterwards.
    pub(crate) async fn write(&self, db: &mut Conn) -> Result<bool, StoreError> {
        store::erasure::erase(db, self.id, &self.mailboxes, &self.audit, self.now).await
    }

    /// Takes the person out of the account and leaves the rest of it under a name that says nothing; false when there
    /// is none.
    pub(crate) async fn anonymise(&self, db: &mut Conn, name: &str) -> Result<bool, StoreError> {
        store::inactivity::anonymise(db, self.id, name, &self.mailboxes, &self.audit, self.now).await
    }
}
