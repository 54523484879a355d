//! What account holders agreed to, per client.

use protocol::id::{AccountId, ClientId};
use protocol::scope::Scope;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::consents;
use crate::types::Uid;

/// The scope an account holder agreed to for a client.
pub async fn find(db: &mut Conn, account: AccountId, client: &ClientId) -> Result<Option<Scope>, StoreError> {
    let query = consents::table
        .find((Uid(account.0), client.as_str()))
        .select(consents::scope);
    let scope: Option<String> = db!(db, |c| query.get_result(c).await.optional())?;
    scope
        .map(|scope| scope.parse().map_err(|_| StoreError::Corrupt("consent")))
        .transpose()
}

/// Adds a scope to what was agreed to before.
pub async fn record(
    db: &mut Conn,
    account: AccountId,
    client: &ClientId,
    scope: &Scope,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = find(db, account, client).await?.unwrap_or_default();
    let scope = before.union(scope).to_string();
    let set = (consents::scope.eq(&scope), consents::granted_at.eq(now.0));
    let values = (
        consents::account_id.eq(Uid(account.0)),
        consents::client_id.eq(client.as_str()),
        set,
    );
    db!(db, |c| diesel::insert_into(consents::table)
        .values(values)
        .on_conflict((consents::account_id, consents::client_id))
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Forgets what was agreed to; false when there was nothing.
pub async fn delete(db: &mut Conn, account: AccountId, client: &ClientId) -> Result<bool, StoreError> {
    let target = consents::table.filter(
        consents::account_id
            .eq(Uid(account.0))
            .and(consents::client_id.eq(client.as_str())),
    );
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// All that an account holder agreed to: client, scope and when it was last agreed to.
pub async fn list(
    db: &mut Conn,
    account: AccountId,
) -> Result<Vec<(ClientId, Scope, Timestamp)>, StoreError> {
    let query = consents::table
        .filter(consents::account_id.eq(Uid(account.0)))
        .select((consents::client_id, consents::scope, consents::granted_at))
        .order(consents::client_id);
    let rows: Vec<(String, String, i64)> = db!(db, |c| query.load(c).await)?;
    rows.into_iter()
        .map(|(client_id, scope, granted_at)| {
            let scope = scope.parse().map_err(|_| StoreError::Corrupt("consent"))?;
            Ok((ClientId(client_id), scope, Timestamp(granted_at)))
        })
        .collect()
}

/// Forgets what anybody agreed to for a client, and counts it.
pub async fn delete_for_client(db: &mut Conn, client: &ClientId) -> Result<u64, StoreError> {
    let target = consents::table.filter(consents::client_id.eq(client.as_str()));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? as u64)
}
