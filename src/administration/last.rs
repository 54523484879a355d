//! Nobody locks the last one out who may do everything.

use protocol::permission;
use protocol::role::Authority;
use store::{Conn, StoreError, administrators};

/// What a transaction is taken back for; [`super::settle`] makes a refusal of it.
pub(super) const REASON: &str = "nobody would be left who may do everything";

/// Makes changes that may take everything from somebody wait for one another, until the transaction ends. To be called
/// before the accounts, groups or roles of such a change are read or locked: what somebody held when it was read must
/// still be so when it is judged whether they were the last. Only [`store::locks::lock_apply`] is taken before it.
pub(crate) async fn lock_administrators(db: &mut Conn) -> Result<(), StoreError> {
    administrators::lock(db).await
}

/// Takes the transaction back when no account that may sign in holds everything for good. To be called after a change
/// that may take everything from somebody, in its transaction, in which [`lock_administrators`] was called first.
pub(crate) async fn ensure_administrator_remains(db: &mut Conn) -> Result<(), StoreError> {
    administrators::lock(db).await?;
    if administrators::any(db).await? {
        Ok(())
    } else {
        Err(StoreError::Withdrawn(REASON))
    }
}

/// Whether an account that may sign in holds everything for good now, which [`ensure_administrator_remains`] is then to
/// see again after a change that may take a way in. [`lock_administrators`] is called here.
pub(crate) async fn is_administered(db: &mut Conn) -> Result<bool, StoreError> {
    administrators::lock(db).await?;
    administrators::any(db).await
}

/// Whether somebody holds everything, so that taking it from them needs [`ensure_administrator_remains`].
pub(crate) fn holds_everything(authority: &Authority) -> bool {
    authority.permissions.contains(permission::ALL)
}
