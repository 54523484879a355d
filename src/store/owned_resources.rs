//! Things of other systems, and who owns them.

use protocol::access::{Entity, fingerprint};
use protocol::id::AccountId;
use protocol::time::Timestamp;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::owned_resources;
use crate::types::Uid;

/// A thing that is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedResource {
    /// Its type and identifier.
    pub entity: Entity,
    /// Who owns it, if anybody does.
    pub owner: Option<AccountId>,
    /// Since when it is known.
    pub created_at: Timestamp,
    /// When its owner last changed.
    pub updated_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = owned_resources)]
struct Row {
    kind: String,
    id: String,
    owner_id: Option<Uid>,
    created_at: i64,
    updated_at: i64,
}

impl From<Row> for OwnedResource {
    fn from(row: Row) -> OwnedResource {
        OwnedResource {
            entity: Entity {
                kind: row.kind,
                id: row.id,
            },
            owner: row.owner_id.map(|id| AccountId(id.0)),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }
}

/// Notes that something about the thing changes.
pub(crate) fn note(kind: &str, id: &str) {
    changes::note(fingerprint(kind, id));
}

/// The thing of this type with this identifier.
pub async fn find(db: &mut Conn, kind: &str, id: &str) -> Result<Option<OwnedResource>, StoreError> {
    let query = owned_resources::table.find((kind, id));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(OwnedResource::from))
}

/// The thing as it is now, locked until the transaction ends, so that of two changes the second sees the first.
pub async fn find_locked(db: &mut Conn, kind: &str, id: &str) -> Result<Option<OwnedResource>, StoreError> {
    let target = owned_resources::table.find((kind, id));
    // An update that changes nothing locks the row on PostgreSQL; SQLite has one writer anyway.
    let same = owned_resources::updated_at.eq(owned_resources::updated_at);
    db!(db, |c| diesel::update(target).set(same).execute(c).await)?;
    find(db, kind, id).await
}

/// Makes a thing known; false when it is known already.
pub async fn insert(
    db: &mut Conn,
    kind: &str,
    id: &str,
    owner: Option<AccountId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    note(kind, id);
    let row = Row {
        kind: kind.to_owned(),
        id: id.to_owned(),
        owner_id: owner.map(|owner| Uid(owner.0)),
        created_at: now.0,
        updated_at: now.0,
    };
    Ok(db!(db, |c| diesel::insert_into(owned_resources::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c)
        .await)?
        == 1)
}

/// Gives a thing another owner, or none; false when there is no such thing.
pub async fn update_owner(
    db: &mut Conn,
    kind: &str,
    id: &str,
    owner: Option<AccountId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    note(kind, id);
    let target = owned_resources::table.find((kind, id));
    let values = (
        owned_resources::owner_id.eq(owner.map(|owner| Uid(owner.0))),
        owned_resources::updated_at.eq(now.0),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Forgets a thing with every permission on it; false when it is not known.
pub async fn delete(db: &mut Conn, kind: &str, id: &str) -> Result<bool, StoreError> {
    note(kind, id);
    let target = owned_resources::table.find((kind, id));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// At most `limit` identifiers of things of a type, from the one that follows `after`.
pub async fn list_of_kind(
    db: &mut Conn,
    kind: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let query = owned_resources::table
        .filter(owned_resources::kind.eq(kind))
        .filter(owned_resources::id.gt(after))
        .order(owned_resources::id)
        .select(owned_resources::id)
        .limit(limit);
    Ok(db!(db, |c| query.load(c).await)?)
}

/// The same of those that an account owns.
pub async fn list_owned(
    db: &mut Conn,
    owner: AccountId,
    kind: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let query = owned_resources::table
        .filter(owned_resources::owner_id.eq(Uid(owner.0)))
        .filter(owned_resources::kind.eq(kind))
        .filter(owned_resources::id.gt(after))
        .order(owned_resources::id)
        .select(owned_resources::id)
        .limit(limit);
    Ok(db!(db, |c| query.load(c).await)?)
}
