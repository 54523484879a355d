//! Audit events. They are added and read, and never changed but to take a person out of them.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::{Array, Binary};
use protocol::id::{AccountId, ClientId};
use protocol::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::audit_events as events;
use crate::types::{Doc, Uid, sql};

/// The kind of the event that tells how many events a person was taken out of.
pub const ANONYMISED: &str = "audit.anonymised";

/// Something that happened and may be asked about later.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The identifier.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// The account it is about.
    pub account_id: Option<AccountId>,
    /// The client it is about.
    pub client_id: Option<ClientId>,
    /// Who did it, when that is not the account.
    pub actor: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// The request's identifier.
    pub request_id: Option<String>,
    /// What else there is to say.
    pub detail: Value,
}

/// Which events to list; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// About this account.
    pub account_id: Option<AccountId>,
    /// About this client.
    pub client_id: Option<ClientId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Done by this actor, as it is written in the event.
    pub actor: Option<String>,
    /// Of the request with this identifier.
    pub request_id: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Older than this event, for the next page.
    pub before: Option<(Timestamp, Uuid)>,
}

/// What stands in the details of an event that cannot be read any more.
pub const UNREADABLE: &str = "unreadable";

/// A column, or nothing where what somebody put there cannot be read.
#[derive(Clone, Debug, FromSqlRow)]
pub(crate) struct Lax<T>(pub(crate) Option<T>);

impl<T: FromSql<ST, DB>, ST, DB: Backend> FromSql<ST, DB> for Lax<T> {
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Lax(T::from_sql(bytes).ok()))
    }

    fn from_nullable_sql(bytes: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        Ok(Lax(T::from_nullable_sql(bytes).ok()))
    }
}

/// An event as it stands in its table, whatever somebody put there beside us.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(crate) struct Found {
    id: Lax<Uid>,
    at: Lax<i64>,
    kind: Lax<String>,
    outcome: Lax<String>,
    account_id: Lax<Option<Uid>>,
    client_id: Lax<Option<String>>,
    actor: Lax<Option<String>>,
    address: Lax<Option<String>>,
    request_id: Lax<Option<String>>,
    detail: Lax<Doc>,
}

impl Found {
    /// The identifier, where it is one.
    pub(crate) fn id(&self) -> Option<Uuid> {
        self.id.0.map(|id| id.0)
    }

    /// The event, where all of it can be read.
    pub(crate) fn read(self) -> Option<Event> {
        Some(Event {
            id: self.id.0?.0,
            at: Timestamp(self.at.0?),
            kind: self.kind.0?,
            outcome: self.outcome.0?,
            account_id: self.account_id.0?.map(|id| AccountId(id.0)),
            client_id: self.client_id.0?.map(ClientId),
            actor: self.actor.0?,
            address: self.address.0?,
            request_id: self.request_id.0?,
            detail: self.detail.0?.read("audit event").ok()?,
        })
    }

    /// What can be read of an event, marked where that is not all; nothing without its identifier.
    fn mark(self) -> Option<Event> {
        let marked = Event {
            id: self.id()?,
            at: Timestamp(self.at.0.unwrap_or_default()),
            kind: self.kind.0.clone().unwrap_or_default(),
            outcome: self.outcome.0.clone().unwrap_or_default(),
            account_id: self.account_id.0.flatten().map(|id| AccountId(id.0)),
            client_id: self.client_id.0.clone().flatten().map(ClientId),
            actor: self.actor.0.clone().flatten(),
            address: self.address.0.clone().flatten(),
            request_id: self.request_id.0.clone().flatten(),
            detail: json!({ UNREADABLE: true }),
        };
        Some(self.read().unwrap_or(marked))
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct Row {
    id: Uid,
    at: i64,
    kind: String,
    outcome: String,
    account_id: Option<Uid>,
    client_id: Option<String>,
    actor: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    detail: Doc,
}

impl Event {
    /// Whether somebody has made it something that cannot be read.
    pub fn is_unreadable(&self) -> bool {
        self.detail == json!({ UNREADABLE: true })
    }
}

/// Adds an event.
pub async fn record(db: &mut Conn, event: &Event) -> Result<(), StoreError> {
    let row = Row {
        id: Uid(event.id),
        at: event.at.0,
        kind: event.kind.clone(),
        outcome: event.outcome.clone(),
        account_id: event.account_id.map(|id| Uid(id.0)),
        client_id: event.client_id.as_ref().map(|id| id.0.clone()),
        actor: event.actor.clone(),
        address: event.address.clone(),
        request_id: event.request_id.clone(),
        detail: Doc::of(&event.detail)?,
    };
    db!(db, |c| diesel::insert_into(events::table)
        .values(row)
        .execute(c)
        .await)?;
    Ok(())
}

/// At most `limit` events that match, newest first. Those that cannot be read are marked; those without an identifier
/// are passed over, since no page can begin after them.
pub async fn list(db: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<Event>, StoreError> {
    let identified = identified(db);
    let rows: Vec<Found> = db!(db, |c| {
        let mut query = events::table
            .order((events::at.desc(), events::id.desc()))
            .limit(limit)
            .select(Found::as_select())
            .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(identified))
            .into_boxed();
        if let Some(id) = filter.account_id {
            query = query.filter(events::account_id.eq(Uid(id.0)));
        }
        if let Some(id) = &filter.client_id {
            query = query.filter(events::client_id.eq(id.as_str()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(events::kind.eq(kind));
        }
        if let Some(outcome) = &filter.outcome {
            query = query.filter(events::outcome.eq(outcome));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(events::actor.eq(actor));
        }
        if let Some(id) = &filter.request_id {
            query = query.filter(events::request_id.eq(id));
        }
        if let Some(from) = filter.from {
            query = query.filter(events::at.ge(from.0));
        }
        if let Some(until) = filter.until {
            query = query.filter(events::at.lt(until.0));
        }
        if let Some((at, id)) = filter.before {
            query = query.filter(
                events::at
                    .lt(at.0)
                    .or(events::at.eq(at.0).and(events::id.lt(Uid(id)))),
            );
        }
        query.load(c).await
    })?;
    Ok(rows.into_iter().filter_map(Found::mark).collect())
}

/// How many events have an identifier that is none.
pub async fn count_unidentified(db: &mut Conn) -> Result<i64, StoreError> {
    let identified = diesel::dsl::sql::<diesel::sql_types::Bool>(identified(db));
    let query = events::table.filter(diesel::dsl::not(identified)).count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// Whether an event has an identifier. SQLite takes anything for one.
fn identified(db: &Conn) -> &'static str {
    match db {
        Conn::Sqlite(_) => "(typeof(audit_events.id) = 'blob' AND length(audit_events.id) = 16)",
        Conn::Pg(_) => "TRUE",
    }
}

/// Finds one event.
pub async fn find(db: &mut Conn, id: Uuid) -> Result<Option<Event>, StoreError> {
    let query = events::table.find(Uid(id));
    let row: Option<Found> = db!(db, |c| query
        .select(Found::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(row.and_then(Found::mark))
}

/// What goes out of an event with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All but what happened and when.
    All,
    /// Who did it and from where.
    Doer,
}

/// Signs what is taken out of events, with a key that is not in the database.
pub trait Signer {
    /// A MAC of what the server takes out of an event.
    fn sign_taken(&self, event: Uuid, taken: Taken) -> Vec<u8>;
}

/// Takes an account out of the trail, and puts on record in how many events: where an event is about it, all but what
/// happened and when; where it acted on others, who did it and from where. The chain of the events still holds.
pub async fn anonymise(
    db: &mut Conn,
    id: AccountId,
    signer: &impl Signer,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let actor = format!("account:{id}");
    let about = events::table.filter(events::account_id.eq(Uid(id.0)));
    let set = (
        events::account_id.eq(None::<Uid>),
        events::actor.eq(None::<String>),
        events::address.eq(None::<String>),
        events::detail.eq(Doc::of(&json!({}))?),
    );
    let cleared: Vec<Lax<Uid>> = db!(db, |c| diesel::update(about)
        .set(set)
        .returning(events::id)
        .load(c)
        .await)?;
    let cleared: Vec<Uid> = cleared.into_iter().filter_map(|id| id.0).collect();
    let mut changed = sign_taken(db, &cleared, signer, Taken::All).await?;
    let by = events::table.filter(events::actor.eq(&actor));
    let set = (
        events::actor.eq(None::<String>),
        events::address.eq(None::<String>),
    );
    let cleared: Vec<Lax<Uid>> = db!(db, |c| diesel::update(by)
        .set(set)
        .returning(events::id)
        .load(c)
        .await)?;
    let cleared: Vec<Uid> = cleared.into_iter().filter_map(|id| id.0).collect();
    changed += sign_taken(db, &cleared, signer, Taken::Doer).await?;
    if changed > 0 {
        let told = Event {
            id: Uuid::now_v7(),
            at: now,
            kind: ANONYMISED.to_owned(),
            outcome: "success".to_owned(),
            account_id: None,
            client_id: None,
            actor: None,
            address: None,
            request_id: None,
            detail: json!({ "events": changed }),
        };
        record(db, &told).await?;
    }
    Ok(changed as u64)
}

/// Keeps with each event a MAC of what is taken out of it: one statement on PostgreSQL, where each would be a way there
/// and back.
async fn sign_taken(
    db: &mut Conn,
    ids: &[Uid],
    signer: &impl Signer,
    taken: Taken,
) -> Result<usize, StoreError> {
    let macs = ids.iter().map(|id| signer.sign_taken(id.0, taken));
    if let Conn::Pg(c) = db {
        let query = diesel::sql_query(
            "UPDATE audit_events e SET anonymised_mac = v.mac FROM unnest($1, $2) AS v (id, mac) WHERE e.id = v.id",
        )
        .bind::<Array<sql::Uid>, _>(ids.to_vec())
        .bind::<Array<Binary>, _>(macs.collect::<Vec<_>>());
        return Ok(diesel_async::RunQueryDsl::execute(query, c).await?);
    }
    for (id, mac) in ids.iter().zip(macs) {
        let set = events::anonymised_mac.eq(mac);
        db!(db, |c| diesel::update(events::table.find(*id))
            .set(set)
            .execute(c)
            .await)?;
    }
    Ok(ids.len())
}
