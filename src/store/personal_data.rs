//! What is kept about one account in tables that other modules read by other keys: the parts of an export.

use diesel::NullableExpressionMethods as _;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{
    action_tokens, api_keys, audit_events as events, grants, group_members, groups, owned_resources,
    passwords, refresh_tokens, resource_permissions, sessions,
};
use crate::types::{Doc, Uid};

/// A group that the account is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// The group.
    pub id: Uuid,
    /// Its name.
    pub display_name: String,
}

/// A session that has not been removed yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct SessionData {
    pub id: Uuid,
    pub auth_time: i64,
    pub factors: Value,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub expires_at: i64,
    pub ended_at: Option<i64>,
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// A grant to a client, in force or not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct GrantData {
    pub id: Uuid,
    pub client_id: String,
    pub scope: String,
    pub resources: Value,
    pub auth_time: i64,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
}

/// An API key, without what would let anybody use it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct ApiKeyData {
    pub id: Uuid,
    pub name: String,
    pub prefix: String,
    pub permissions: Value,
    pub networks: Value,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
}

/// A thing of another system that the account owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct OwnedData {
    pub kind: String,
    pub id: String,
    pub created_at: i64,
}

/// A permission on a thing of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct PermissionData {
    pub kind: String,
    pub id: String,
    pub permission: String,
    pub expires_at: Option<i64>,
    pub granted_at: i64,
}

/// A link that was mailed and not used yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct LinkData {
    pub kind: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// A security event about the account.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct EventData {
    pub at: i64,
    pub kind: String,
    pub outcome: String,
    pub client_id: Option<String>,
    /// What kind of actor it was, when it was not the account itself; which one is told to nobody.
    pub by: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub detail: Value,
}

/// The parts of an export that are read here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are called like the members of the export")]
pub struct PersonalData {
    pub password_changed_at: Option<i64>,
    pub groups: Vec<Membership>,
    pub sessions: Vec<SessionData>,
    pub grants: Vec<GrantData>,
    pub api_keys: Vec<ApiKeyData>,
    pub owned_resources: Vec<OwnedData>,
    pub resource_permissions: Vec<PermissionData>,
    pub links: Vec<LinkData>,
    pub events: Vec<EventData>,
}

/// Reads all of it, of each kind the newest `limit`.
pub async fn collect(
    db: &mut Conn,
    id: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<PersonalData, StoreError> {
    Ok(PersonalData {
        password_changed_at: password_changed_at(db, id).await?,
        groups: list_groups(db, id, limit).await?,
        sessions: list_sessions(db, id, limit).await?,
        grants: list_grants(db, id, limit).await?,
        api_keys: list_api_keys(db, id, limit).await?,
        owned_resources: list_owned(db, id, limit).await?,
        resource_permissions: list_permissions(db, id, limit).await?,
        links: list_links(db, id, now, limit).await?,
        events: list_events(db, id, limit).await?,
    })
}

async fn password_changed_at(db: &mut Conn, id: AccountId) -> Result<Option<i64>, StoreError> {
    let query = passwords::table.find(Uid(id.0)).select(passwords::changed_at);
    Ok(db!(db, |c| query.get_result(c).await.optional())?)
}

async fn list_groups(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<Membership>, StoreError> {
    let query = groups::table
        .inner_join(group_members::table.on(group_members::group_id.eq(groups::id)))
        .filter(group_members::account_id.eq(Uid(id.0)))
        .select((groups::id, groups::display_name))
        .order(groups::display_key)
        .limit(limit);
    let rows: Vec<(Uid, String)> = db!(db, |c| query.load(c).await)?;
    let read = |(id, display_name): (Uid, String)| Membership {
        id: id.0,
        display_name,
    };
    Ok(rows.into_iter().map(read).collect())
}

type SessionRow = (
    Uid,
    i64,
    Doc,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
);

async fn list_sessions(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<SessionData>, StoreError> {
    let query = sessions::table
        .filter(sessions::account_id.eq(Uid(id.0)))
        .select((
            sessions::id,
            sessions::auth_time,
            sessions::factors,
            sessions::created_at,
            sessions::last_seen_at,
            sessions::expires_at,
            sessions::ended_at,
            sessions::user_agent,
            sessions::address,
        ))
        .order((sessions::created_at.desc(), sessions::id))
        .limit(limit);
    let rows: Vec<SessionRow> = db!(db, |c| query.load(c).await)?;
    rows.into_iter()
        .map(|row| {
            Ok(SessionData {
                id: row.0.0,
                auth_time: row.1,
                factors: row.2.read("session")?,
                created_at: row.3,
                last_seen_at: row.4,
                expires_at: row.5,
                ended_at: row.6,
                user_agent: row.7,
                address: row.8,
            })
        })
        .collect()
}

type GrantRow = (Uid, String, String, Doc, i64, i64, Option<i64>, Option<i64>);

async fn list_grants(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<GrantData>, StoreError> {
    let used = refresh_tokens::table
        .filter(refresh_tokens::grant_id.eq(grants::id))
        .select(refresh_tokens::issued_at.nullable())
        .order(refresh_tokens::issued_at.desc())
        .limit(1)
        .single_value();
    let query = grants::table
        .filter(grants::account_id.eq(Uid(id.0)))
        .select((
            grants::id,
            grants::client_id,
            grants::scope,
            grants::resources,
            grants::auth_time,
            grants::created_at,
            grants::revoked_at,
            used,
        ))
        .order((grants::created_at.desc(), grants::id))
        .limit(limit);
    let rows: Vec<GrantRow> = db!(db, |c| query.load(c).await)?;
    rows.into_iter()
        .map(|row| {
            Ok(GrantData {
                id: row.0.0,
                client_id: row.1,
                scope: row.2,
                resources: row.3.read("grant")?,
                auth_time: row.4,
                created_at: row.5,
                revoked_at: row.6,
                last_used_at: row.7,
            })
        })
        .collect()
}

type ApiKeyRow = (
    Uid,
    String,
    String,
    Doc,
    Doc,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

async fn list_api_keys(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<ApiKeyData>, StoreError> {
    let query = api_keys::table
        .filter(api_keys::account_id.eq(Uid(id.0)))
        .select((
            api_keys::id,
            api_keys::name,
            api_keys::prefix,
            api_keys::permissions,
            api_keys::networks,
            api_keys::created_at,
            api_keys::expires_at,
            api_keys::revoked_at,
            api_keys::last_used_at,
        ))
        .order((api_keys::created_at.desc(), api_keys::id))
        .limit(limit);
    let rows: Vec<ApiKeyRow> = db!(db, |c| query.load(c).await)?;
    rows.into_iter()
        .map(|row| {
            Ok(ApiKeyData {
                id: row.0.0,
                name: row.1,
                prefix: row.2,
                permissions: row.3.read("API key")?,
                networks: row.4.read("API key")?,
                created_at: row.5,
                expires_at: row.6,
                revoked_at: row.7,
                last_used_at: row.8,
            })
        })
        .collect()
}

async fn list_owned(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<OwnedData>, StoreError> {
    let query = owned_resources::table
        .filter(owned_resources::owner_id.eq(Uid(id.0)))
        .select((
            owned_resources::kind,
            owned_resources::id,
            owned_resources::created_at,
        ))
        .order((owned_resources::kind, owned_resources::id))
        .limit(limit);
    let rows: Vec<(String, String, i64)> = db!(db, |c| query.load(c).await)?;
    let read = |(kind, id, created_at)| OwnedData { kind, id, created_at };
    Ok(rows.into_iter().map(read).collect())
}

async fn list_permissions(
    db: &mut Conn,
    id: AccountId,
    limit: i64,
) -> Result<Vec<PermissionData>, StoreError> {
    let query = resource_permissions::table
        .filter(resource_permissions::account_id.eq(Uid(id.0)))
        .select((
            resource_permissions::kind,
            resource_permissions::resource_id,
            resource_permissions::permission,
            resource_permissions::expires_at,
            resource_permissions::granted_at,
        ))
        .order((
            resource_permissions::kind,
            resource_permissions::resource_id,
            resource_permissions::permission,
        ))
        .limit(limit);
    let rows: Vec<(String, String, String, Option<i64>, i64)> = db!(db, |c| query.load(c).await)?;
    let read = |(kind, id, permission, expires_at, granted_at)| PermissionData {
        kind,
        id,
        permission,
        expires_at,
        granted_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

async fn list_links(
    db: &mut Conn,
    id: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<LinkData>, StoreError> {
    let query = action_tokens::table
        .filter(action_tokens::account_id.eq(Uid(id.0)))
        .filter(action_tokens::consumed_at.is_null())
        .filter(action_tokens::expires_at.gt(now.0))
        .select((
            action_tokens::kind,
            action_tokens::created_at,
            action_tokens::expires_at,
        ))
        .order(action_tokens::created_at.desc())
        .limit(limit);
    let rows: Vec<(String, i64, i64)> = db!(db, |c| query.load(c).await)?;
    let read = |(kind, created_at, expires_at)| LinkData {
        kind,
        created_at,
        expires_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

type EventRow = (
    i64,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Doc,
);

async fn list_events(db: &mut Conn, id: AccountId, limit: i64) -> Result<Vec<EventData>, StoreError> {
    let query = events::table
        .filter(events::account_id.eq(Uid(id.0)))
        .select((
            events::at,
            events::kind,
            events::outcome,
            events::client_id,
            events::actor,
            events::address,
            events::request_id,
            events::detail,
        ))
        .order((events::at.desc(), events::id.desc()))
        .limit(limit);
    let rows: Vec<EventRow> = db!(db, |c| query.load(c).await)?;
    let kind = |actor: String| actor.split(':').next().unwrap_or_default().to_owned();
    rows.into_iter()
        .map(|row| {
            // Where somebody else acted, the address is theirs.
            let address = row.5.filter(|_| row.4.is_none());
            Ok(EventData {
                at: row.0,
                kind: row.1,
                outcome: row.2,
                client_id: row.3,
                by: row.4.map(kind),
                address,
                request_id: row.6,
                detail: row.7.read("audit event")?,
            })
        })
        .collect()
}
