//! Taking an account out of every table. What stays are audit events in which nobody can be recognised, and things of
//! other systems that nobody owns any more.

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::audit::Signer;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{account_roles, accounts, api_keys, outbox, resource_permissions};
use crate::types::Uid;
use crate::{accounts as people, audit, changes, grants, sessions};

/// Erases an account: its row with everything that hangs on it, what others hold of its hand, what waits to be mailed
/// to it, and its person in the audit trail. `mailboxes` are its addresses as the outbox knows them. False when there
/// is no such account.
pub async fn erase(
    db: &mut Conn,
    id: AccountId,
    mailboxes: &[TokenHash],
    signer: &impl Signer,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // The account first: who signs in at this moment is seen here, or sees the end.
    if people::find_locked(db, id).await?.is_none() {
        return Ok(false);
    }
    sessions::end_all(db, id, now).await?;
    grants::revoke_for_account(db, id, now).await?;
    forget_as_giver(db, id).await?;
    delete_parcels(db, mailboxes).await?;
    people::delete(db, id).await?;
    audit::anonymise(db, id, signer, now).await?;
    Ok(true)
}

/// Whom somebody has a role or a permission from is told no more when it was this account.
async fn forget_as_giver(db: &mut Conn, id: AccountId) -> Result<(), StoreError> {
    let giver = format!("account:{id}");
    let nobody = None::<String>;
    let roles = account_roles::table.filter(account_roles::granted_by.eq(&giver));
    let set = account_roles::granted_by.eq(&nobody);
    db!(db, |c| diesel::update(roles).set(set).execute(c).await)?;
    let permissions = resource_permissions::table.filter(resource_permissions::granted_by.eq(&giver));
    let set = resource_permissions::granted_by.eq(&nobody);
    db!(db, |c| diesel::update(permissions).set(set).execute(c).await)?;
    Ok(())
}

/// Takes out what waits to be mailed to these addresses.
pub(crate) async fn delete_parcels(db: &mut Conn, mailboxes: &[TokenHash]) -> Result<(), StoreError> {
    let mailboxes: Vec<&[u8]> = mailboxes.iter().map(|mailbox| mailbox.as_bytes()).collect();
    let target = outbox::table.filter(outbox::recipient.eq_any(mailboxes));
    db!(db, |c| diesel::delete(target).execute(c).await)?;
    Ok(())
}

/// Shuts an account until it is erased: it cannot be used from now on. False when there is none, or when it is shut
/// already. What it opened is ended by the caller's transaction: sessions, grants and API keys.
pub async fn schedule(
    db: &mut Conn,
    id: AccountId,
    erase_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = accounts::table
        .filter(accounts::id.eq(Uid(id.0)))
        .filter(accounts::disabled.eq(false));
    let set = (
        accounts::disabled.eq(true),
        accounts::erase_at.eq(erase_at.0),
        accounts::updated_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// Opens an account again that was to be erased; false when it was not.
pub async fn cancel(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = accounts::table
        .filter(accounts::id.eq(Uid(id.0)))
        .filter(accounts::erase_at.is_not_null());
    let set = (
        accounts::disabled.eq(false),
        accounts::erase_at.eq(None::<i64>),
        accounts::updated_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? == 1)
}

/// Ends the API keys of an account, and counts those that were good.
pub async fn revoke_keys(db: &mut Conn, id: AccountId, now: Timestamp) -> Result<u64, StoreError> {
    changes::note(id.0);
    let target = api_keys::table
        .filter(api_keys::account_id.eq(Uid(id.0)))
        .filter(api_keys::revoked_at.is_null());
    let set = api_keys::revoked_at.eq(now.0);
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? as u64)
}

/// When an account is to be erased, if it is.
pub async fn due_at(db: &mut Conn, id: AccountId) -> Result<Option<Timestamp>, StoreError> {
    let query = accounts::table.find(Uid(id.0)).select(accounts::erase_at);
    let due: Option<Option<i64>> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(due.flatten().map(Timestamp))
}

/// The accounts whose time has come, the longest waiting first. Those that somebody opened again meanwhile are not
/// among them, and never will be for what was asked before.
pub async fn list_due(db: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    let query = accounts::table
        .filter(accounts::erase_at.le(now.0))
        .filter(accounts::disabled.eq(true))
        .order((accounts::erase_at, accounts::id))
        .limit(limit)
        .select(accounts::id);
    let due: Vec<Uid> = db!(db, |c| query.load(c).await)?;
    Ok(due.into_iter().map(|id| AccountId(id.0)).collect())
}

/// Drops the dates of accounts that were opened again, whoever did it, and counts them.
pub async fn drop_stale(db: &mut Conn) -> Result<u64, StoreError> {
    let target = accounts::table
        .filter(accounts::erase_at.is_not_null())
        .filter(accounts::disabled.eq(false));
    let set = accounts::erase_at.eq(None::<i64>);
    Ok(db!(db, |c| diesel::update(target).set(set).execute(c).await)? as u64)
}
