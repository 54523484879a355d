//! Buckets in PostgreSQL, in a table that is not logged: one statement, so that the database picks the winners.

use store::rate_buckets::{self, Charge};
use store::{Conn, Store};

use crate::shared::Breaker;

pub(super) async fn charge(
    store: &Store,
    breaker: &Breaker,
    key: u128,
    now: i64,
    cost: i64,
    capacity: i64,
) -> Option<Charge> {
    let key = key.to_be_bytes();
    let charged =
        store.statement(async move |db: &mut Conn| rate_buckets::charge(db, &key, now, cost, capacity).await);
    breaker.ask(charged).await
}

pub(super) async fn reset(store: &Store, breaker: &Breaker, key: u128) {
    let key = key.to_be_bytes();
    let deleted = store.statement(async move |db: &mut Conn| rate_buckets::delete(db, &key).await);
    breaker.ask(deleted).await;
}
