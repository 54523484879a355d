//! API keys. Of a secret only the hash is kept; the one before a rotation opens as long as was said then.

use protocol::api_key::{ApiKey, KeySecret};
use protocol::id::{AccountId, ApiKeyId, GrantId};
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, api_keys as keys, grants};
use crate::types::{Doc, Uid};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
struct Row {
    id: Uid,
    account_id: Uid,
    name: String,
    prefix: String,
    previous_expires_at: Option<i64>,
    rotated_at: Option<i64>,
    permissions: Doc,
    networks: Doc,
    rate: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(ApiKey {
            id: ApiKeyId(row.id.0),
            account_id: AccountId(row.account_id.0),
            name: row.name,
            prefix: row.prefix,
            permissions: row.permissions.read("API key")?,
            networks: row.networks.read("API key")?,
            rate: row.rate,
            created_at: Timestamp(row.created_at),
            rotated_at: row.rotated_at.map(Timestamp),
            previous_expires_at: row.previous_expires_at.map(Timestamp),
            expires_at: row.expires_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
        })
    }
}

/// Adds a key whose secret has this hash.
pub async fn insert(db: &mut Conn, key: &ApiKey, secret: &TokenHash) -> Result<(), StoreError> {
    changes::note(key.id.0);
    let row = Row {
        id: Uid(key.id.0),
        account_id: Uid(key.account_id.0),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        previous_expires_at: key.previous_expires_at.map(|at| at.0),
        rotated_at: key.rotated_at.map(|at| at.0),
        permissions: Doc::of(&key.permissions)?,
        networks: Doc::of(&key.networks)?,
        rate: key.rate.clone(),
        created_at: key.created_at.0,
        expires_at: key.expires_at.map(|at| at.0),
        revoked_at: key.revoked_at.map(|at| at.0),
        last_used_at: key.last_used_at.map(|at| at.0),
    };
    let values = (row, keys::secret_hash.eq(secret.as_bytes()));
    db!(db, |c| diesel::insert_into(keys::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// The key with this identifier, ended or not.
pub async fn find(db: &mut Conn, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let query = keys::table.find(Uid(id.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(ApiKey::try_from).transpose()
}

/// The key that has or had a secret with this hash, and which of the two it is.
pub async fn find_by_secret(
    db: &mut Conn,
    secret: &TokenHash,
) -> Result<Option<(ApiKey, KeySecret)>, StoreError> {
    let query = keys::table.filter(
        keys::secret_hash
            .eq(secret.as_bytes())
            .or(keys::previous_hash.eq(secret.as_bytes())),
    );
    let found: Option<(Row, Vec<u8>)> = db!(db, |c| query
        .select((Row::as_select(), keys::secret_hash))
        .get_result(c)
        .await
        .optional())?;
    let read = |(row, current): (Row, Vec<u8>)| {
        let which = if current == secret.as_bytes() {
            KeySecret::Current
        } else {
            KeySecret::Previous
        };
        Ok((ApiKey::try_from(row)?, which))
    };
    found.map(read).transpose()
}

/// The keys of an account, the newest first, at most `limit`.
pub async fn list(db: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<ApiKey>, StoreError> {
    let query = keys::table
        .filter(keys::account_id.eq(Uid(account.0)))
        .order((keys::created_at.desc(), keys::id.desc()))
        .limit(limit);
    let rows: Vec<Row> = db!(db, |c| query.select(Row::as_select()).load(c).await)?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Which keys to list, and in which order; what is not set does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// Behind this key in the order of the list.
    pub after: Option<(Timestamp, Uuid)>,
    /// Whether the newest comes first.
    pub descending: bool,
}

/// At most `limit` keys by the time they were made, with the user names of their owners.
pub async fn list_all(
    db: &mut Conn,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<(ApiKey, String)>, StoreError> {
    let rows: Vec<(Row, String)> = db!(db, |c| {
        let mut query = keys::table
            .inner_join(accounts::table.on(accounts::id.eq(keys::account_id)))
            .select((Row::as_select(), accounts::username))
            .limit(limit)
            .into_boxed();
        if let Some(account) = filter.account_id {
            query = query.filter(keys::account_id.eq(Uid(account.0)));
        }
        if let Some((at, id)) = filter.after {
            let same = keys::created_at.eq(at.0);
            query = match filter.descending {
                true => query.filter(keys::created_at.lt(at.0).or(same.and(keys::id.lt(Uid(id))))),
                false => query.filter(keys::created_at.gt(at.0).or(same.and(keys::id.gt(Uid(id))))),
            };
        }
        let query = match filter.descending {
            true => query.order((keys::created_at.desc(), keys::id.desc())),
            false => query.order((keys::created_at, keys::id)),
        };
        query.load(c).await
    })?;
    rows.into_iter()
        .map(|(row, username)| Ok((ApiKey::try_from(row)?, username)))
        .collect()
}

/// How many keys of an account are neither revoked nor expired.
pub async fn count_live(db: &mut Conn, account: AccountId, now: Timestamp) -> Result<i64, StoreError> {
    let query = keys::table
        .filter(keys::account_id.eq(Uid(account.0)))
        .filter(keys::revoked_at.is_null())
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now.0)))
        .count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// How many keys an account has, ended ones among them.
pub async fn count(db: &mut Conn, account: AccountId) -> Result<i64, StoreError> {
    let query = keys::table.filter(keys::account_id.eq(Uid(account.0))).count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// Another secret for a key.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The prefix that the key is known to have; who rotates it twice at once does so once.
    pub from_prefix: String,
    /// The first characters of the new secret.
    pub prefix: String,
    /// The hash of the new secret.
    pub secret: TokenHash,
    /// Until when the old one opens too.
    pub previous_expires_at: Option<Timestamp>,
}

/// Gives a key another secret; false when it is revoked, expired, or has another one already.
pub async fn rotate(
    db: &mut Conn,
    id: ApiKeyId,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = keys::table
        .filter(keys::id.eq(Uid(id.0)))
        .filter(keys::prefix.eq(&rotation.from_prefix))
        .filter(keys::revoked_at.is_null())
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now.0)));
    let values = (
        keys::previous_hash.eq(keys::secret_hash.nullable()),
        keys::previous_expires_at.eq(rotation.previous_expires_at.map(|at| at.0)),
        keys::secret_hash.eq(rotation.secret.as_bytes()),
        keys::prefix.eq(&rotation.prefix),
        keys::rotated_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Revokes a key; false when it is revoked already or there is none.
pub async fn revoke(db: &mut Conn, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    changes::note(id.0);
    let target = keys::table
        .filter(keys::id.eq(Uid(id.0)))
        .filter(keys::revoked_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(keys::revoked_at.eq(now.0))
        .execute(c)
        .await)?
        == 1)
}

/// Notes when a key was last used, unless a later time is known.
pub async fn record_use(db: &mut Conn, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
    let target = keys::table
        .filter(keys::id.eq(Uid(id.0)))
        .filter(keys::last_used_at.is_null().or(keys::last_used_at.lt(at.0)));
    db!(db, |c| diesel::update(target)
        .set(keys::last_used_at.eq(at.0))
        .execute(c)
        .await)?;
    Ok(())
}

/// Whether a key is neither revoked nor expired. Whoever ends it waits until the transaction is over.
pub async fn lock_live(db: &mut Conn, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    let target = keys::table
        .filter(keys::id.eq(Uid(id.0)))
        .filter(keys::revoked_at.is_null())
        .filter(keys::expires_at.is_null().or(keys::expires_at.gt(now.0)));
    let same = keys::created_at.eq(keys::created_at);
    Ok(db!(db, |c| diesel::update(target).set(same).execute(c).await)? == 1)
}

/// Makes a grant end with a key.
pub async fn bind(db: &mut Conn, id: ApiKeyId, grant: GrantId) -> Result<(), StoreError> {
    let target = grants::table.filter(grants::id.eq(Uid(grant.0)));
    db!(db, |c| diesel::update(target)
        .set(grants::api_key_id.eq(Uid(id.0)))
        .execute(c)
        .await)?;
    Ok(())
}

/// The key that a grant was made with.
pub async fn find_behind(db: &mut Conn, grant: GrantId) -> Result<Option<ApiKey>, StoreError> {
    let query = keys::table
        .inner_join(grants::table.on(grants::api_key_id.eq(keys::id.nullable())))
        .filter(grants::id.eq(Uid(grant.0)));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(ApiKey::try_from).transpose()
}

/// Revokes the grants that were made with a key.
pub async fn revoke_grants(db: &mut Conn, id: ApiKeyId, now: Timestamp) -> Result<u64, StoreError> {
    let target = grants::table
        .filter(grants::api_key_id.eq(Uid(id.0)))
        .filter(grants::revoked_at.is_null());
    Ok(db!(db, |c| diesel::update(target)
        .set(grants::revoked_at.eq(now.0))
        .execute(c)
        .await)? as u64)
}
