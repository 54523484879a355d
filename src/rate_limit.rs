//! Limits on how often something may be tried, per key and per node; forgetting them costs nothing but patience.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use moka::sync::Cache;
use protocol::time::{Lifetime, Timestamp};

use crate::error::Problem;

const CAPACITY: u64 = 100_000;
const MICROS: i64 = 1_000_000;

/// How many seconds to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u32);

impl IntoResponse for RetryAfter {
    fn into_response(self) -> Response {
        let mut response =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries, wait a moment").into_response();
        response
            .headers_mut()
            .insert(http::header::RETRY_AFTER, self.0.into());
        response
    }
}

/// Token buckets, one per kind and key, each kept as the moment at which it will be full again.
#[derive(Clone)]
pub struct RateLimits {
    full_at: Cache<(&'static str, Box<str>), Arc<AtomicI64>>,
}

impl Default for RateLimits {
    fn default() -> Self {
        RateLimits::new(CAPACITY)
    }
}

impl RateLimits {
    /// Remembers at most `capacity` keys.
    pub fn new(capacity: u64) -> RateLimits {
        let full_at = Cache::builder()
            .max_capacity(capacity)
            .time_to_idle(Duration::from_secs(24 * 3600))
            .build();
        RateLimits { full_at }
    }

    /// Takes one of `count` tries, which come back evenly over `per`.
    pub fn check(
        &self,
        kind: &'static str,
        key: &str,
        count: u32,
        per: Lifetime,
        now: Timestamp,
    ) -> Result<(), RetryAfter> {
        let window = per.as_secs().saturating_mul(MICROS);
        let now = now.0.saturating_mul(MICROS);
        let Some(interval) = window.checked_div(i64::from(count)) else {
            return Err(wait(window));
        };
        let bucket = self
            .full_at
            .get_with((kind, key.into()), || Arc::new(AtomicI64::new(now)));
        let taken = bucket.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let next = full_at.max(now).saturating_add(interval);
            (next.saturating_sub(now) <= window).then_some(next)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(full_at) => Err(wait(
                full_at
                    .saturating_add(interval)
                    .saturating_sub(now)
                    .saturating_sub(window),
            )),
        }
    }

    /// Forgets what was taken, as after a successful sign-in.
    pub fn reset(&self, kind: &'static str, key: &str) {
        self.full_at.invalidate(&(kind, Box::from(key)));
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits")
            .field("keys", &self.full_at.entry_count())
            .finish()
    }
}

fn wait(micros: i64) -> RetryAfter {
    let seconds = micros.saturating_add(MICROS - 1) / MICROS;
    RetryAfter(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
}

/// The key of an address: an IPv6 customer holds a whole /64, so that counts as one.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Lifetime = Lifetime::minutes(1);

    #[test]
    fn the_count_is_let_through_and_then_comes_back_evenly() {
        let limits = RateLimits::default();
        let check = |second| limits.check("sign_in", "alice", 3, MINUTE, Timestamp(second));
        for _ in 0..3 {
            assert_eq!(check(1000), Ok(()));
        }
        assert_eq!(check(1000), Err(RetryAfter(20)));
        assert_eq!(check(1019), Err(RetryAfter(1)));
        assert_eq!(check(1020), Ok(()));
        assert_eq!(check(1020), Err(RetryAfter(20)));
        for _ in 0..3 {
            assert_eq!(check(2000), Ok(()));
        }
        assert!(check(2000).is_err());
    }

    #[test]
    fn keys_and_kinds_do_not_share() {
        let limits = RateLimits::default();
        let check = |kind, key| limits.check(kind, key, 1, MINUTE, Timestamp(0));
        assert!(check("a", "x").is_ok() && check("a", "y").is_ok() && check("b", "x").is_ok());
        assert!(check("a", "x").is_err());
        limits.reset("a", "x");
        assert!(check("a", "x").is_ok());
    }

    #[test]
    fn a_count_of_nothing_lets_nothing_through() {
        assert!(
            RateLimits::default()
                .check("a", "x", 0, MINUTE, Timestamp(0))
                .is_err()
        );
    }

    #[test]
    fn addresses_of_one_network_share_a_key() {
        let key = |text: &str| network(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
