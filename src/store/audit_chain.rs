//! The chain of audit events: which are not sealed yet, how far it goes, and what retention took from its old end.
//! What the hashes are made of is not the store's business.

use diesel::sql_types::{Array, BigInt, Binary};
use uuid::Uuid;

use crate::audit::{Event, Found};
use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::{audit_chain as t, audit_events as events};
use crate::types::{Uid, sql};

/// How far the chain goes, and where what is left of it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The last sealed event.
    pub head: Link,
    /// The last one that retention removed; zero and the beginning of the chain when it removed none.
    pub pruned: Link,
    /// Vouches for both.
    pub mac: Vec<u8>,
}

/// A place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the event.
    pub sequence: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// What seals one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The event.
    pub id: Uuid,
    /// Its place.
    pub link: Link,
    /// Covers what is personal in it.
    pub personal_hash: Vec<u8>,
}

/// A sealed event as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The event, where it can be read.
    pub event: Option<Event>,
    /// What it was sealed with; the identifier is nil where it is none.
    pub seal: Seal,
    /// Vouches for what was taken out of it with a person.
    pub anonymised_mac: Option<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct SealRow {
    sequence: Option<i64>,
    personal_hash: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    anonymised_mac: Option<Vec<u8>>,
}

/// The ends of the chain, once there is one.
pub async fn find_ends(db: &mut Conn) -> Result<Option<Ends>, StoreError> {
    let query = t::table.filter(t::id.eq(1)).select((
        t::sequence,
        t::hash,
        t::pruned_sequence,
        t::pruned_hash,
        t::mac,
    ));
    type Columns = (i64, Vec<u8>, i64, Vec<u8>, Vec<u8>);
    let row: Option<Columns> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(
        row.map(|(sequence, hash, pruned_sequence, pruned_hash, mac)| Ends {
            head: Link { sequence, hash },
            pruned: Link {
                sequence: pruned_sequence,
                hash: pruned_hash,
            },
            mac,
        }),
    )
}

/// Keeps the ends of the chain.
pub async fn update_ends(db: &mut Conn, ends: &Ends) -> Result<(), StoreError> {
    let set = (
        t::sequence.eq(ends.head.sequence),
        t::hash.eq(&ends.head.hash),
        t::pruned_sequence.eq(ends.pruned.sequence),
        t::pruned_hash.eq(&ends.pruned.hash),
        t::mac.eq(&ends.mac),
    );
    db!(db, |c| diesel::insert_into(t::table)
        .values((t::id.eq(1_i64), set))
        .on_conflict(t::id)
        .do_update()
        .set(set)
        .execute(c)
        .await)?;
    Ok(())
}

/// Events that are not sealed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unsealed {
    /// Those that can be read, oldest first.
    pub events: Vec<Event>,
    /// The identifiers of those among them that cannot be read, as far as they have one.
    pub unreadable: Vec<Option<Uuid>>,
}

/// At most `limit` events that are not sealed and can be read, and those that cannot and stand before them.
pub async fn list_unsealed(db: &mut Conn, limit: i64) -> Result<Unsealed, StoreError> {
    let (mut found, mut passed) = (Unsealed::default(), 0);
    loop {
        let query = events::table
            .filter(events::sequence.is_null())
            .order((events::at, events::id))
            .offset(passed)
            .limit(limit);
        let rows: Vec<Found> = db!(db, |c| query.select(Found::as_select()).load(c).await)?;
        let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        for row in rows {
            if i64::try_from(found.events.len()).is_ok_and(|found| found >= limit) {
                return Ok(found);
            }
            passed += 1;
            let id = row.id();
            match row.read() {
                Some(event) => found.events.push(event),
                None => found.unreadable.push(id),
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

/// Seals events: one statement on PostgreSQL, where each would be a way there and back.
pub async fn seal(db: &mut Conn, seals: &[Seal]) -> Result<(), StoreError> {
    if let Conn::Pg(c) = db {
        let column = |value: fn(&Seal) -> Vec<u8>| seals.iter().map(value).collect::<Vec<_>>();
        let query = diesel::sql_query(
            "UPDATE audit_events e SET sequence = v.sequence, hash = v.hash, personal_hash = v.personal_hash \
             FROM unnest($1, $2, $3, $4) AS v (id, sequence, hash, personal_hash) \
             WHERE e.id = v.id AND e.sequence IS NULL",
        )
        .bind::<Array<sql::Uid>, _>(seals.iter().map(|seal| Uid(seal.id)).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(seals.iter().map(|seal| seal.link.sequence).collect::<Vec<_>>())
        .bind::<Array<Binary>, _>(column(|seal| seal.link.hash.clone()))
        .bind::<Array<Binary>, _>(column(|seal| seal.personal_hash.clone()));
        diesel_async::RunQueryDsl::execute(query, c).await?;
        return Ok(());
    }
    for seal in seals {
        let target = events::table
            .find(Uid(seal.id))
            .filter(events::sequence.is_null());
        let set = (
            events::sequence.eq(seal.link.sequence),
            events::hash.eq(&seal.link.hash),
            events::personal_hash.eq(&seal.personal_hash),
        );
        db!(db, |c| diesel::update(target).set(set).execute(c).await)?;
    }
    Ok(())
}

/// At most `limit` sealed events after a place, in order.
pub async fn list_sealed(db: &mut Conn, after: i64, limit: i64) -> Result<Vec<Sealed>, StoreError> {
    let query = events::table
        .filter(events::sequence.gt(after))
        .order(events::sequence)
        .limit(limit);
    let rows: Vec<(Found, SealRow)> = db!(db, |c| query
        .select((Found::as_select(), SealRow::as_select()))
        .load(c)
        .await)?;
    let read = |(row, seal): (Found, SealRow)| {
        let id = row.id().unwrap_or_default();
        Sealed {
            seal: Seal {
                id,
                link: Link {
                    sequence: seal.sequence.unwrap_or_default(),
                    hash: seal.hash.unwrap_or_default(),
                },
                personal_hash: seal.personal_hash.unwrap_or_default(),
            },
            event: row.read(),
            anonymised_mac: seal.anonymised_mac,
        }
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The hash of the event at a place.
pub async fn find_hash(db: &mut Conn, sequence: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let query = events::table
        .filter(events::sequence.eq(sequence))
        .select(events::hash);
    let hash: Option<Option<Vec<u8>>> = db!(db, |c| query.get_result(c).await.optional())?;
    Ok(hash.flatten())
}

/// Removes the sealed events up to a place, and counts them.
pub async fn delete_up_to(db: &mut Conn, sequence: i64) -> Result<u64, StoreError> {
    let target = events::table.filter(events::sequence.le(sequence));
    Ok(db!(db, |c| diesel::delete(target).execute(c).await)? as u64)
}

/// How many events are not sealed.
pub async fn count_unsealed(db: &mut Conn) -> Result<i64, StoreError> {
    let query = events::table.filter(events::sequence.is_null()).count();
    Ok(db!(db, |c| query.get_result(c).await)?)
}

/// The highest place that any event has.
pub async fn max_sequence(db: &mut Conn) -> Result<i64, StoreError> {
    let query = events::table.select(diesel::dsl::max(events::sequence));
    let highest: Option<i64> = db!(db, |c| query.get_result(c).await)?;
    Ok(highest.unwrap_or_default())
}
