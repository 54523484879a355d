//! Audit events. They are added and read, and never changed but to take a person out of them.

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

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = events)]
pub(crate) struct Row {
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

impl TryFrom<Row> for Event {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Event {
            id: row.id.0,
            at: Timestamp(row.at),
            kind: row.kind,
            outcome: row.outcome,
            account_id: row.account_id.map(|id| AccountId(id.0)),
            client_id: row.client_id.map(ClientId),
            actor: row.actor,
            address: row.address,
            request_id: row.request_id,
            detail: row.detail.read("audit event")?,
        })
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

/// At most `limit` events that match, newest first.
pub async fn list(db: &mut Conn, filter: &Filter, limit: i64) -> Result<Vec<Event>, StoreError> {
    let rows: Vec<Row> = db!(db, |c| {
        let mut query = events::table
            .order((events::at.desc(), events::id.desc()))
            .limit(limit)
            .select(Row::as_select())
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
    rows.into_iter().map(Event::try_from).collect()
}

/// Finds one event.
pub async fn find(db: &mut Conn, id: Uuid) -> Result<Option<Event>, StoreError> {
    let query = events::table.find(Uid(id));
    let row: Option<Row> = db!(db, |c| query
        .select(Row::as_select())
        .get_result(c)
        .await
        .optional())?;
    row.map(Event::try_from).transpose()
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
    let cleared: Vec<Uid> = db!(db, |c| diesel::update(about)
        .set(set)
        .returning(events::id)
        .load(c)
        .await)?;
    let mut changed = sign_taken(db, &cleared, signer, Taken::All).await?;
    let by = events::table.filter(events::actor.eq(&actor));
    let set = (
        events::actor.eq(None::<String>),
        events::address.eq(None::<String>),
    );
    let cleared: Vec<Uid> = db!(db, |c| diesel::update(by)
        .set(set)
        .returning(events::id)
        .load(c)
        .await)?;
    changed += sign_taken(db, &cleared, signer, Taken::Doer).await?;
    if changed > 0 {
        let told = Event {
            id: Uuid::new_v4(),
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
