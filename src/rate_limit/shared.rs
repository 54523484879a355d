//! Buckets that several nodes share. Of limits that let very many through, a node takes a handful at a time, so that
//! a token request does not wait for another machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use store::Store;
use store::rate_buckets::Charge;

use super::{database, redis};
use crate::shared::{Breaker, Shared};

/// What a node may hold in its hand, as a part of the whole.
const PART: u32 = 1000;
/// How long it may hold it.
const HELD: Duration = Duration::from_secs(60);

/// Where the buckets are.
pub(super) enum Place {
    Redis(Shared),
    Database(Store, Breaker),
}

/// The buckets, and what this node has taken out and not used yet.
pub(super) struct SharedBuckets {
    place: Place,
    hands: Cache<u128, Arc<AtomicU32>>,
}

impl SharedBuckets {
    pub(super) fn new(place: Place, capacity: u64) -> SharedBuckets {
        let hands = Cache::builder().max_capacity(capacity).time_to_idle(HELD).build();
        SharedBuckets { place, hands }
    }

    /// How many of `count` are taken at a time.
    pub(super) fn handful(count: u32) -> u32 {
        (count / PART).max(1)
    }

    /// Uses up one of those in the hand; tells how many are left there.
    pub(super) fn take_held(&self, key: u128) -> Option<u32> {
        let hand = self.hands.get(&key)?;
        let one_less = |held: u32| held.checked_sub(1);
        hand.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less)
            .ok()
            .map(|held| held.saturating_sub(1))
    }

    pub(super) fn put_in_hand(&self, key: u128, count: u32) {
        if count > 0 {
            let hand = self.hands.get_with(key, Arc::default);
            hand.fetch_add(count, Ordering::AcqRel);
        }
    }

    /// Takes `cost` microseconds out of a bucket, or gives them back; nothing when the store is away.
    pub(super) async fn charge(&self, key: u128, now: i64, cost: i64, capacity: i64) -> Option<Charge> {
        match &self.place {
            Place::Redis(shared) => redis::charge(shared, key, now, cost, capacity).await,
            Place::Database(store, breaker) => {
                database::charge(store, breaker, key, now, cost, capacity).await
            }
        }
    }

    pub(super) async fn reset(&self, key: u128) {
        match &self.place {
            Place::Redis(shared) => redis::reset(shared, key).await,
            Place::Database(store, breaker) => database::reset(store, breaker, key).await,
        }
    }
}
