//! Groups of accounts, and the roles that their members hold.

use std::collections::BTreeSet;

use protocol::id::{AccountId, GroupId};
use protocol::time::Timestamp;

use crate::changes;
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{accounts, group_members, group_roles, groups, roles};
use crate::types::Uid;

/// How many members are written by one statement.
const CHUNK: usize = 500;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The identifier.
    pub id: GroupId,
    /// The name, unique in any case of letters.
    pub display_name: String,
    /// The identifier by which the provisioner knows it.
    pub external_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or its members were last changed.
    pub updated_at: Timestamp,
    /// Counts the changes of the group and of its members.
    pub version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = groups)]
struct Row {
    id: Uid,
    display_name: String,
    external_id: Option<String>,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl From<Row> for Group {
    fn from(row: Row) -> Group {
        Group {
            id: GroupId(row.id.0),
            display_name: row.display_name,
            external_id: row.external_id,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            version: row.version,
        }
    }
}

/// What makes two names one.
fn key(name: &str) -> String {
    name.to_lowercase()
}

/// Adds a group. A name that another group has is a conflict.
pub async fn insert(db: &mut Conn, group: &Group) -> Result<(), StoreError> {
    let values = (
        groups::id.eq(Uid(group.id.0)),
        groups::display_name.eq(&group.display_name),
        groups::display_key.eq(key(&group.display_name)),
        groups::external_id.eq(&group.external_id),
        groups::created_at.eq(group.created_at.0),
        groups::updated_at.eq(group.updated_at.0),
        groups::version.eq(group.version),
    );
    db!(db, |c| diesel::insert_into(groups::table)
        .values(values)
        .execute(c)
        .await)?;
    Ok(())
}

/// Names a group anew and counts its version up; false when there is none. A name that another group has is a conflict.
pub async fn update(db: &mut Conn, group: &Group, now: Timestamp) -> Result<bool, StoreError> {
    changes::note(changes::ROLES);
    let target = groups::table.filter(groups::id.eq(Uid(group.id.0)));
    let values = (
        groups::display_name.eq(&group.display_name),
        groups::display_key.eq(key(&group.display_name)),
        groups::external_id.eq(&group.external_id),
        groups::updated_at.eq(now.0),
        groups::version.eq(groups::version + 1),
    );
    Ok(db!(db, |c| diesel::update(target).set(values).execute(c).await)? == 1)
}

/// Removes a group; false when there is none.
pub async fn delete(db: &mut Conn, id: GroupId) -> Result<bool, StoreError> {
    changes::note(changes::ROLES);
    let target = groups::table.filter(groups::id.eq(Uid(id.0)));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? == 1)
}

/// The group with this identifier.
pub async fn find(db: &mut Conn, id: GroupId) -> Result<Option<Group>, StoreError> {
    let query = groups::table.find(Uid(id.0));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(Group::from))
}

/// The group as it is now, locked until the transaction ends, so that of two changes the second sees the first.
pub async fn find_locked(db: &mut Conn, id: GroupId) -> Result<Option<Group>, StoreError> {
    let target = groups::table.filter(groups::id.eq(Uid(id.0)));
    let same = groups::version.eq(groups::version);
    db!(db, |c| diesel::update(target).set(same).execute(c).await)?;
    find(db, id).await
}

/// Which groups are wanted: those that are all of this. Nothing said is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The identifier.
    pub id: Option<GroupId>,
    /// The name, in lower case.
    pub display_name: Option<String>,
    /// The identifier that the provisioner has for it.
    pub external_id: Option<String>,
    /// Somebody who is a member.
    pub member: Option<AccountId>,
}

macro_rules! select {
    ($query:expr, $wanted:expr) => {{
        let (mut query, wanted) = ($query, $wanted);
        if let Some(id) = wanted.id {
            query = query.filter(groups::id.eq(Uid(id.0)));
        }
        if let Some(name) = &wanted.display_name {
            query = query.filter(groups::display_key.eq(name.clone()));
        }
        if let Some(external_id) = &wanted.external_id {
            query = query.filter(groups::external_id.eq(external_id.clone()));
        }
        if let Some(member) = wanted.member {
            let theirs = group_members::table
                .filter(group_members::account_id.eq(Uid(member.0)))
                .select(group_members::group_id);
            query = query.filter(groups::id.eq_any(theirs));
        }
        query
    }};
}

/// Groups by name: so many after the ones that are skipped.
pub async fn list(
    db: &mut Conn,
    wanted: &Selection,
    offset: i64,
    limit: i64,
) -> Result<Vec<Group>, StoreError> {
    let rows: Vec<Row> = db!(db, |c| {
        let all = groups::table
            .select(Row::as_select())
            .order((groups::display_key, groups::id))
            .offset(offset)
            .limit(limit)
            .into_boxed();
        select!(all, wanted).load(c).await
    })?;
    Ok(rows.into_iter().map(Group::from).collect())
}

/// How many groups are wanted.
pub async fn count(db: &mut Conn, wanted: &Selection) -> Result<i64, StoreError> {
    Ok(db!(db, |c| {
        let all = groups::table.count().into_boxed();
        select!(all, wanted).get_result::<i64>(c).await
    })?)
}

/// At most `limit` members of some groups: of which group, who, and their user name.
pub async fn list_members(
    db: &mut Conn,
    ids: &[GroupId],
    limit: i64,
) -> Result<Vec<(GroupId, AccountId, String)>, StoreError> {
    let ids: Vec<Uid> = ids.iter().map(|id| Uid(id.0)).collect();
    let query = group_members::table
        .inner_join(accounts::table.on(accounts::id.eq(group_members::account_id)))
        .filter(group_members::group_id.eq_any(ids))
        .order((group_members::group_id, group_members::account_id))
        .limit(limit)
        .select((
            group_members::group_id,
            group_members::account_id,
            accounts::username,
        ));
    let rows: Vec<(Uid, Uid, String)> = db!(db, |c| query.load(c).await)?;
    let read = |(group, account, name): (Uid, Uid, String)| (GroupId(group.0), AccountId(account.0), name);
    Ok(rows.into_iter().map(read).collect())
}

/// How many members each of some groups has; those without any are left out.
pub async fn count_members(db: &mut Conn, ids: &[GroupId]) -> Result<Vec<(GroupId, i64)>, StoreError> {
    let ids: Vec<Uid> = ids.iter().map(|id| Uid(id.0)).collect();
    let query = group_members::table
        .filter(group_members::group_id.eq_any(ids))
        .group_by(group_members::group_id)
        .select((group_members::group_id, diesel::dsl::count_star()));
    let rows: Vec<(Uid, i64)> = db!(db, |c| query.load(c).await)?;
    Ok(rows
        .into_iter()
        .map(|(id, count)| (GroupId(id.0), count))
        .collect())
}

/// Adds members. One that is no account is a [`StoreError::Reference`]; one that is a member already stays one.
pub async fn insert_members(db: &mut Conn, id: GroupId, members: &[AccountId]) -> Result<(), StoreError> {
    for chunk in members.chunks(CHUNK) {
        for member in chunk {
            changes::note(member.0);
            let values = (
                group_members::group_id.eq(Uid(id.0)),
                group_members::account_id.eq(Uid(member.0)),
            );
            db!(db, |c| diesel::insert_into(group_members::table)
                .values(values)
                .on_conflict_do_nothing()
                .execute(c)
                .await)?;
        }
    }
    Ok(())
}

/// Removes members.
pub async fn delete_members(db: &mut Conn, id: GroupId, members: &[AccountId]) -> Result<(), StoreError> {
    for chunk in members.chunks(CHUNK) {
        for member in chunk {
            changes::note(member.0);
        }
        let these: Vec<Uid> = chunk.iter().map(|member| Uid(member.0)).collect();
        let target = group_members::table
            .filter(group_members::group_id.eq(Uid(id.0)))
            .filter(group_members::account_id.eq_any(these));
        db!(db, |c| diesel::delete(target).execute(c).await)?;
    }
    Ok(())
}

/// How many of these accounts there are.
pub async fn count_accounts(db: &mut Conn, ids: &[AccountId]) -> Result<usize, StoreError> {
    let mut found = 0;
    for chunk in ids.chunks(CHUNK) {
        let these: Vec<Uid> = chunk.iter().map(|id| Uid(id.0)).collect();
        let query = accounts::table.filter(accounts::id.eq_any(these)).count();
        let count: i64 = db!(db, |c| query.get_result(c).await)?;
        found += usize::try_from(count).unwrap_or_default();
    }
    Ok(found)
}

/// The roles that the members of a group hold.
pub async fn list_roles(db: &mut Conn, id: GroupId) -> Result<BTreeSet<String>, StoreError> {
    let query = group_roles::table
        .filter(group_roles::group_id.eq(Uid(id.0)))
        .select(group_roles::role);
    let names: Vec<String> = db!(db, |c| query.load(c).await)?;
    Ok(names.into_iter().collect())
}

/// Gives the members of a group exactly these roles, as far as there are such, and says whether that changed anything.
pub async fn set_roles(db: &mut Conn, id: GroupId, names: &BTreeSet<String>) -> Result<bool, StoreError> {
    let query = roles::table
        .filter(roles::name.eq_any(names.iter().cloned().collect::<Vec<_>>()))
        .select(roles::name);
    let known: Vec<String> = db!(db, |c| query.load(c).await)?;
    let wanted: BTreeSet<String> = known.into_iter().collect();
    if list_roles(db, id).await? == wanted {
        return Ok(false);
    }
    changes::note(changes::ROLES);
    let held = group_roles::table.filter(group_roles::group_id.eq(Uid(id.0)));
    db!(db, |c| diesel::delete(held).execute(c).await)?;
    for name in &wanted {
        let values = (group_roles::group_id.eq(Uid(id.0)), group_roles::role.eq(name));
        db!(db, |c| diesel::insert_into(group_roles::table)
            .values(values)
            .execute(c)
            .await)?;
    }
    Ok(true)
}
