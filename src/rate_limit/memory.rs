//! Buckets in this process. They go when they are full; when there are too many, those go that are seldom asked for,
//! so that a stream of new strangers does not refill the bucket that somebody is hammering.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::bucket::{self, Verdict};
use crate::config::Rate;

/// Longer than any bucket takes to fill that is worth keeping.
const IDLE: Duration = Duration::from_secs(24 * 3600);

/// Buckets, each a number that many threads may change.
#[derive(Clone)]
pub(super) struct Memory {
    buckets: Cache<u128, Arc<AtomicI64>>,
}

impl Memory {
    pub(super) fn new(capacity: u64) -> Memory {
        let buckets = Cache::builder().max_capacity(capacity).time_to_idle(IDLE).build();
        Memory { buckets }
    }

    pub(super) fn take(&self, key: u128, now: i64, rate: Rate, cost: u32) -> Verdict {
        let bucket = self.buckets.get_with(key, || Arc::new(AtomicI64::new(now)));
        let mut verdict = bucket::take(now, now, rate, 0).1;
        // The closure always returns a value, so this cannot fail.
        let _ = bucket.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let (next, found) = bucket::take(full_at, now, rate, cost);
            verdict = found;
            Some(next)
        });
        verdict
    }

    /// How the bucket stands, and whether one more could be taken.
    pub(super) fn peek(&self, key: u128, now: i64, rate: Rate) -> Verdict {
        let bucket = self.buckets.get(&key);
        let full_at = bucket.map_or(now, |bucket| bucket.load(Ordering::Acquire));
        let (_, next) = bucket::take(full_at, now, rate, 1);
        bucket::judge(full_at, now, rate, 1, next.allowed)
    }

    /// Notes what a shared store says of the bucket, unless more was taken here; gives what holds.
    pub(super) fn note(&self, key: u128, full_at: i64) -> i64 {
        let bucket = self.buckets.get_with(key, || Arc::new(AtomicI64::new(full_at)));
        bucket.fetch_max(full_at, Ordering::AcqRel).max(full_at)
    }

    pub(super) fn give_back(&self, key: u128, rate: Rate) {
        if let Some(bucket) = self.buckets.get(&key) {
            bucket.fetch_sub(bucket::interval(rate), Ordering::AcqRel);
        }
    }

    pub(super) fn reset(&self, key: u128) {
        self.buckets.invalidate(&key);
    }

    pub(super) fn len(&self) -> u64 {
        self.buckets.entry_count()
    }
}

/// The key of a network that needs no hashing, for a question asked at every request.
pub(super) fn network_key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_strangers_does_not_refill_the_bucket_that_somebody_hammers() {
        let (memory, rate) = (Memory::new(500), "5/15m".parse().unwrap());
        let taken = |key| memory.take(key, 1_000_000, rate, 1).allowed;
        assert_eq!((0..50).filter(|_| taken(0)).count(), 5);
        for stranger in 1..20_000 {
            memory.take(stranger, 1_000_000, rate, 1);
            if stranger % 100 == 0 {
                memory.buckets.run_pending_tasks();
                assert!(!taken(0), "after {stranger} strangers");
            }
        }
        assert!(memory.len() <= 1000);
    }

    #[test]
    fn a_network_has_one_key_however_its_addresses_are_written() {
        let key = |text: &str| network_key(text.parse().unwrap());
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
