//! Limits on how often something may be tried: token buckets, one per limit and key, kept in this process and, where
//! several nodes serve together, in a store they share.

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use protocol::time::Lifetime;
use sha2::{Digest as _, Sha256};
use store::Store;

pub mod bucket;
mod database;
mod headers;
mod memory;
mod redis;
mod shared;

use self::shared::{Place, SharedBuckets};
use crate::clock::Clock;
use crate::config::{self, Rate, RateLimitBackend};
use crate::error::Problem;
use crate::shared::{Breaker, Shared};
pub use bucket::Verdict;
use memory::Memory;

/// The most keys that are remembered here.
const CAPACITY: u64 = 100_000;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Sign-in attempts from one network.
    SignInPerAddress,
    /// Wrong passwords at one account from one network.
    SignInPerAccount,
    /// Wrong second factors at one account.
    SecondFactor,
    /// Registrations from one network.
    RegisterPerAddress,
    /// Requests for a link by mail from one network.
    MailPerAddress,
    /// Links mailed to one address.
    MailPerRecipient,
    /// Token requests of one client.
    TokenPerClient,
    /// Requests without or with wrong client credentials from one network.
    ClientFailuresPerAddress,
    /// Fetches of one client's keys.
    KeyFetches,
    /// Uses of one API key, each of which may have a rate of its own.
    ApiKey(Rate),
    /// Any requests from one network.
    Requests,
}

impl Limit {
    /// The name of the policy in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Limit::SignInPerAddress => "sign-in",
            Limit::SignInPerAccount => "account",
            Limit::SecondFactor => "second-factor",
            Limit::RegisterPerAddress => "sign-up",
            Limit::MailPerAddress => "mail",
            Limit::MailPerRecipient => "recipient",
            Limit::TokenPerClient => "token",
            Limit::ClientFailuresPerAddress => "client",
            Limit::KeyFetches => "keys",
            Limit::ApiKey(_) => "api-key",
            Limit::Requests => "requests",
        }
    }

    fn rate(self, rates: &config::RateLimits) -> Rate {
        match self {
            Limit::SignInPerAddress => rates.sign_in_per_address,
            Limit::SignInPerAccount | Limit::SecondFactor => rates.sign_in_per_account,
            Limit::RegisterPerAddress => rates.register_per_address,
            Limit::MailPerAddress => rates.mail_per_address,
            Limit::MailPerRecipient => rates.mail_per_recipient,
            Limit::TokenPerClient => rates.token_per_client,
            Limit::ClientFailuresPerAddress => rates.client_failures_per_address,
            Limit::Requests => rates.requests_per_address,
            Limit::ApiKey(rate) => rate,
            Limit::KeyFetches => Rate {
                count: 5,
                per: Lifetime::minutes(1),
            },
        }
    }
}

/// How many seconds to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u32);

impl IntoResponse for RetryAfter {
    fn into_response(self) -> Response {
        let mut response =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries, wait a moment").into_response();
        response.headers_mut().insert(RETRY_AFTER, self.0.into());
        response
    }
}

/// A limit that lets nothing through for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    limit: Limit,
    verdict: Verdict,
}

impl Exceeded {
    /// Tells in an answer which limit it was, and how long to wait.
    pub fn describe(&self, headers: &mut HeaderMap) {
        headers.insert(RETRY_AFTER, self.verdict.retry_after.into());
        self.verdict.describe(self.limit, headers);
    }
}

impl From<Exceeded> for RetryAfter {
    fn from(exceeded: Exceeded) -> Self {
        RetryAfter(exceeded.verdict.retry_after)
    }
}

impl IntoResponse for Exceeded {
    fn into_response(self) -> Response {
        let mut response = RetryAfter::from(self).into_response();
        self.describe(response.headers_mut());
        response
    }
}

impl Verdict {
    /// Tells in an answer what was taken of which limit.
    pub fn describe(&self, limit: Limit, headers: &mut HeaderMap) {
        headers::add(headers, limit, self);
    }

    /// The verdict when it allows, else how long to wait.
    pub fn allowed(self) -> Result<Verdict, RetryAfter> {
        if self.allowed {
            Ok(self)
        } else {
            Err(RetryAfter(self.retry_after))
        }
    }
}

/// The buckets. Clones share them.
#[derive(Clone)]
pub struct RateLimits(Arc<Buckets>);

struct Buckets {
    rates: config::RateLimits,
    clock: Clock,
    /// Keeps names and addresses from whoever reads the shared store.
    key: [u8; 32],
    memory: Memory,
    requests: Memory,
    shared: Option<SharedBuckets>,
}

impl RateLimits {
    /// Limits that nobody shares.
    pub fn new(rates: config::RateLimits, clock: Clock, key: [u8; 32]) -> RateLimits {
        RateLimits::with(rates, clock, key, None)
    }

    /// Limits kept where the configuration says.
    pub fn configured(
        rates: &config::RateLimits,
        clock: Clock,
        key: [u8; 32],
        store: &Store,
        shared: Option<&Shared>,
    ) -> RateLimits {
        // One process owns a SQLite file, so there is nobody to share with.
        let database = || {
            (!store.is_sqlite())
                .then(|| Place::Database(store.clone(), Breaker::new("the shared limits table")))
        };
        let redis = || shared.cloned().map(Place::Redis);
        let place = match rates.backend {
            RateLimitBackend::Auto => redis().or_else(database),
            RateLimitBackend::Memory => None,
            RateLimitBackend::Redis => redis(),
            RateLimitBackend::Database => database(),
        };
        RateLimits::with(rates.clone(), clock, key, place)
    }

    fn with(rates: config::RateLimits, clock: Clock, key: [u8; 32], place: Option<Place>) -> RateLimits {
        RateLimits(Arc::new(Buckets {
            rates,
            clock,
            key,
            memory: Memory::new(CAPACITY),
            requests: Memory::new(CAPACITY),
            shared: place.map(|place| SharedBuckets::new(place, CAPACITY)),
        }))
    }

    /// Takes one. What only failures are charged for is taken before the try, so that many at once are counted
    /// right, and given back after one that went well.
    pub async fn take(&self, limit: Limit, key: &str) -> Verdict {
        let (key, now, rate) = self.bucket(limit, key);
        let Buckets { memory, shared, .. } = &*self.0;
        let Some(shared) = shared else {
            return memory.take(key, now, rate, 1);
        };
        if let Some(held) = shared.take_held(key) {
            let known = memory.peek(key, now, rate);
            let remaining = known.remaining.saturating_add(held).min(rate.count);
            return Verdict {
                allowed: true,
                remaining,
                retry_after: 0,
                ..known
            };
        }
        let handful = SharedBuckets::handful(rate.count);
        // What this node takes is counted here as well: a store that is away never means no limit, and what was taken
        // while it was is not forgotten.
        let here = memory.take(key, now, rate, handful);
        if !here.allowed {
            return here;
        }
        let (cost, capacity) = (bucket::price(rate, handful), bucket::capacity(rate));
        let mut verdict = match Box::pin(shared.charge(key, now, cost, capacity)).await {
            Some(charge) => {
                let full_at = memory.note(key, charge.full_at);
                bucket::judge(full_at, now, rate, handful, charge.allowed)
            }
            None => here,
        };
        if verdict.allowed {
            shared.put_in_hand(key, handful - 1);
            verdict.remaining = verdict.remaining.saturating_add(handful - 1);
        }
        verdict
    }

    /// Takes one, or tells which limit is against it.
    pub async fn admit(&self, limit: Limit, key: &str) -> Result<(), Exceeded> {
        let verdict = self.take(limit, key).await;
        if verdict.allowed {
            Ok(())
        } else {
            Err(Exceeded { limit, verdict })
        }
    }

    /// How a bucket stands as far as this node knows, and whether one more could be taken.
    pub fn peek(&self, limit: Limit, key: &str) -> Verdict {
        let (key, now, rate) = self.bucket(limit, key);
        self.0.memory.peek(key, now, rate)
    }

    /// Puts back one that was taken.
    pub async fn give_back(&self, limit: Limit, key: &str) {
        let (key, now, rate) = self.bucket(limit, key);
        self.0.memory.give_back(key, rate);
        if let Some(shared) = &self.0.shared {
            let (cost, capacity) = (bucket::interval(rate), bucket::capacity(rate));
            shared.charge(key, now, -cost, capacity).await;
        }
    }

    /// Fills the bucket, as after a successful sign-in.
    pub async fn reset(&self, limit: Limit, key: &str) {
        let (key, ..) = self.bucket(limit, key);
        self.0.memory.reset(key);
        if let Some(shared) = &self.0.shared {
            shared.reset(key).await;
        }
    }

    /// Takes one of the requests that a network may make at all; asked at each of them, so never of another machine.
    pub fn take_request(&self, address: IpAddr) -> Verdict {
        let now = bucket::micros(self.0.clock.now());
        let rate = self.0.rates.requests_per_address;
        self.0.requests.take(memory::network_key(address), now, rate, 1)
    }

    /// Tells in an answer how a bucket stands as far as this node knows.
    pub fn describe(&self, limit: Limit, key: &str, headers: &mut HeaderMap) {
        headers::add(headers, limit, &self.peek(limit, key));
    }

    fn bucket(&self, limit: Limit, key: &str) -> (u128, i64, Rate) {
        let hash = Sha256::new()
            .chain_update(self.0.key)
            .chain_update(limit.name())
            .chain_update([0])
            .chain_update(key)
            .finalize();
        let half = hash.first_chunk().copied().unwrap_or_default();
        let now = bucket::micros(self.0.clock.now());
        (u128::from_be_bytes(half), now, limit.rate(&self.0.rates))
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits")
            .field("keys", &self.0.memory.len())
            .finish_non_exhaustive()
    }
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

/// The key of a mailbox, however its address is written.
pub fn recipient(email: &str) -> String {
    email.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::time::Timestamp;

    fn limits() -> RateLimits {
        RateLimits::new(
            config::RateLimits::default(),
            Clock::manual(Timestamp(1000)),
            [7; 32],
        )
    }

    #[tokio::test]
    async fn keys_and_limits_do_not_share() {
        let limits = limits();
        for _ in 0..5 {
            assert!(limits.take(Limit::SignInPerAccount, "x").await.allowed);
        }
        assert!(!limits.take(Limit::SignInPerAccount, "x").await.allowed);
        assert!(limits.take(Limit::SignInPerAccount, "y").await.allowed);
        assert!(limits.take(Limit::SecondFactor, "x").await.allowed);
        assert!(!limits.peek(Limit::SignInPerAccount, "x").allowed);
        limits.give_back(Limit::SignInPerAccount, "x").await;
        assert!(limits.peek(Limit::SignInPerAccount, "x").allowed);
        limits.reset(Limit::SignInPerAccount, "x").await;
        assert_eq!(limits.take(Limit::SignInPerAccount, "x").await.remaining, 4);
    }

    #[tokio::test]
    async fn who_is_refused_is_told_by_which_limit() {
        let limits = limits();
        for _ in 0..5 {
            assert_eq!(limits.admit(Limit::SecondFactor, "x").await, Ok(()));
        }
        let exceeded = limits.admit(Limit::SecondFactor, "x").await.unwrap_err();
        let answer = exceeded.into_response();
        assert_eq!(answer.status(), 429);
        assert_eq!(
            answer.headers()["ratelimit-policy"],
            "\"second-factor\";q=5;w=900"
        );
        assert_eq!(answer.headers()["ratelimit"], "\"second-factor\";r=0;t=180");
        assert_eq!(answer.headers()["retry-after"], "180");
    }

    #[test]
    fn addresses_of_one_network_share_a_key() {
        let key = |text: &str| network(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
