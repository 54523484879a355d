//! What links in mails stand for. Of one kind for one subject only the newest can be used, and once.

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::action_tokens as t;
use crate::types::{Uid, hash};

/// A link as it is stored.
#[derive(Clone, Debug)]
pub struct ActionToken {
    /// The hash of what the link holds.
    pub hash: TokenHash,
    /// What it is for.
    pub kind: String,
    /// Whom it is for, unreadably.
    pub subject: String,
    /// The account it belongs to; with the account it goes.
    pub account_id: Option<AccountId>,
    /// What it carries, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = t)]
struct Row {
    token_hash: Vec<u8>,
    kind: String,
    subject: String,
    account_id: Option<Uid>,
    sealed: Vec<u8>,
    created_at: i64,
    expires_at: i64,
}

/// Adds a link in place of the one of its kind for its subject.
pub async fn insert(db: &mut Conn, token: &ActionToken) -> Result<(), StoreError> {
    let set = (
        t::token_hash.eq(token.hash.as_bytes()),
        t::account_id.eq(token.account_id.map(|id| Uid(id.0))),
        t::sealed.eq(&token.sealed),
        t::created_at.eq(token.created_at.0),
        t::expires_at.eq(token.expires_at.0),
        t::consumed_at.eq(None::<i64>),
    );
    let values = (t::kind.eq(&token.kind), t::subject.eq(&token.subject), set);
    db!(db, |c| diesel::insert_into(t::table)
        .values(values)
        .on_conflict((t::kind, t::subject))
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// A link of this kind that can be used now.
pub async fn find(
    db: &mut Conn,
    kind: &str,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<ActionToken>, StoreError> {
    let query = t::table
        .filter(t::token_hash.eq(token.as_bytes()))
        .filter(t::kind.eq(kind))
        .filter(t::consumed_at.is_null())
        .filter(t::expires_at.gt(now.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(|row| {
        Ok(ActionToken {
            hash: hash(&row.token_hash)?,
            kind: row.kind,
            subject: row.subject,
            account_id: row.account_id.map(|id| AccountId(id.0)),
            sealed: row.sealed,
            created_at: Timestamp(row.created_at),
            expires_at: Timestamp(row.expires_at),
        })
    })
    .transpose()
}

/// Uses a link up before it expires. Of many callers one is told true.
pub async fn consume(db: &mut Conn, token: &TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let target = t::table
        .filter(t::token_hash.eq(token.as_bytes()))
        .filter(t::consumed_at.is_null())
        .filter(t::expires_at.gt(now.0));
    Ok(db!(db, |c| diesel::update(target)
        .set(t::consumed_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// Voids the links of one kind that belong to an account, and counts them.
pub async fn delete_for_account(db: &mut Conn, id: AccountId, kind: &str) -> Result<u64, StoreError> {
    let target = t::table
        .filter(t::account_id.eq(Uid(id.0)))
        .filter(t::kind.eq(kind));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? as u64)
}

/// How many links of one kind that belong to an account were used and are kept still.
pub async fn count_consumed(db: &mut Conn, id: AccountId, kind: &str) -> Result<i64, StoreError> {
    let query = t::table
        .filter(t::account_id.eq(Uid(id.0)))
        .filter(t::kind.eq(kind))
        .filter(t::consumed_at.is_not_null())
        .count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// The links of one kind that belong to an account and can be used now.
pub async fn list_for_account(
    db: &mut Conn,
    id: AccountId,
    kind: &str,
    now: Timestamp,
) -> Result<Vec<TokenHash>, StoreError> {
    let query = t::table
        .filter(t::account_id.eq(Uid(id.0)))
        .filter(t::kind.eq(kind))
        .filter(t::consumed_at.is_null())
        .filter(t::expires_at.gt(now.0))
        .select(t::token_hash);
    let found: Vec<Vec<u8>> = db!(db, |c| query.load(c).await)?;
    found.iter().map(|found| hash(found)).collect()
}

/// Voids the links of one kind that belong to an account, but for those to be kept.
pub async fn delete_all_but(
    db: &mut Conn,
    id: AccountId,
    kind: &str,
    kept: &[TokenHash],
) -> Result<u64, StoreError> {
    let kept: Vec<&[u8]> = kept.iter().map(|kept| kept.as_bytes()).collect();
    let target = t::table
        .filter(t::account_id.eq(Uid(id.0)))
        .filter(t::kind.eq(kind))
        .filter(t::token_hash.ne_all(kept));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? as u64)
}
