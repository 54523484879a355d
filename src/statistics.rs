//! Counts of sign-ins, tokens and refusals by the hour: kept in memory, where counting costs next to nothing, and
//! added to the database every few seconds. A crash loses what was counted since; nothing else hangs on them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::client::GrantType;
use protocol::session::Factor;
use protocol::time::{Lifetime, Timestamp};
use store::statistics::Count;
use store::{Conn, StoreError};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::Clock;

/// How often the counts go to the database.
const ROUND: Duration = Duration::from_secs(10);
/// Seconds of an hour.
pub const HOUR: i64 = 3600;
/// How long counts are kept.
const KEPT: Lifetime = Lifetime::days(400);
/// Different things counted between two rounds; what goes beyond is counted together.
const CAPACITY: usize = 10_000;
/// The label of what goes beyond.
pub const OTHER: &str = "(other)";

/// What is counted. Its label says which: the factor, the client, the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A factor was proved.
    SignInSuccess,
    /// A factor was not proved.
    SignInFailure,
    /// Tokens were issued by this grant.
    Token(&'static str),
    /// A request to this endpoint was refused.
    Refused(&'static str),
}

impl Kind {
    /// Tokens issued by a grant.
    pub const fn token(grant: GrantType) -> Kind {
        Kind::Token(grant.as_str())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::SignInSuccess => f.write_str("sign_in.success"),
            Kind::SignInFailure => f.write_str("sign_in.failure"),
            Kind::Token(grant) => write!(f, "token.{grant}"),
            Kind::Refused(endpoint) => write!(f, "refused.{endpoint}"),
        }
    }
}

/// The label of a factor.
pub const fn factor(factor: Factor) -> &'static str {
    match factor {
        Factor::Password => "password",
        Factor::Totp => "totp",
        Factor::RecoveryCode => "recovery_code",
        Factor::Passkey => "passkey",
        Factor::SecurityKey => "security_key",
        Factor::Upstream => "upstream",
    }
}

/// What this process counted and did not write down yet.
pub struct Statistics {
    clock: Clock,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    hour: i64,
    current: HashMap<Kind, HashMap<Arc<str>, i64>>,
    size: usize,
    /// Of hours that are over, or that could not be written.
    past: Vec<Count>,
}

impl Counts {
    fn add(&mut self, hour: i64, kind: Kind, label: &str) {
        if hour != self.hour {
            self.close();
            self.hour = hour;
        }
        let labels = self.current.entry(kind).or_default();
        if let Some(count) = labels.get_mut(label) {
            *count += 1;
            return;
        }
        let label = if self.size < CAPACITY { label } else { OTHER };
        self.size += 1;
        *labels.entry(label.into()).or_default() += 1;
    }

    /// Ends the hour at hand.
    fn close(&mut self) {
        let hour = Timestamp(self.hour);
        for (kind, labels) in self.current.drain() {
            let kind = kind.to_string();
            self.past.extend(labels.into_iter().map(|(label, count)| Count {
                hour,
                kind: kind.clone(),
                label: label.to_string(),
                count,
            }));
        }
        self.size = 0;
    }
}

impl Statistics {
    /// Counts of nothing yet.
    pub fn new(clock: Clock) -> Statistics {
        Statistics {
            clock,
            counts: Mutex::default(),
        }
    }

    /// Counts one more. Labels are of a kind that strangers cannot make up: clients that proved who they are, factors,
    /// errors.
    pub fn count(&self, kind: Kind, label: &str) {
        let now = self.clock.now().0;
        let hour = now - now.rem_euclid(HOUR);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.add(hour, kind, label);
    }

    /// Takes out what was counted, in one order on all nodes, so that none waits for another in a circle.
    fn take(&self) -> Vec<Count> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.close();
        let mut taken = std::mem::take(&mut counts.past);
        taken.sort();
        taken
    }

    /// Puts back what could not be written, as long as there is room.
    fn put_back(&self, taken: Vec<Count>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let room = CAPACITY.saturating_sub(counts.past.len());
        counts.past.extend(taken.into_iter().take(room));
    }
}

/// Adds what was counted to the database.
pub async fn flush(app: &App) -> Result<(), StoreError> {
    let taken = app.statistics.take();
    if taken.is_empty() {
        return Ok(());
    }
    let counts = taken.clone();
    let written = app
        .store
        .write(async move |db: &mut Conn| {
            for count in &counts {
                store::statistics::add(db, count).await?;
            }
            Ok(())
        })
        .await;
    if written.is_err() {
        app.statistics.put_back(taken);
    }
    written
}

/// Writes the counts down as time goes by, and a last time when it is told to stop.
pub async fn work(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut purged_at = Timestamp(0);
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        if let Err(error) = flush(&app).await {
            tracing::warn!("statistics could not be written: {error}");
        }
        if stopping {
            return;
        }
        let now = app.now();
        if now.since(purged_at) >= HOUR {
            purged_at = now;
            let purged = app
                .store
                .write(async move |db: &mut Conn| store::statistics::purge(db, now - KEPT).await)
                .await;
            if let Err(error) = purged {
                tracing::warn!("old statistics could not be removed: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_has_its_own_counts() {
        let clock = Clock::manual(Timestamp(7200));
        let statistics = Statistics::new(clock.clone());
        statistics.count(Kind::SignInSuccess, "password");
        statistics.count(Kind::SignInSuccess, "password");
        clock.advance(Lifetime::hours(1));
        statistics.count(Kind::token(GrantType::RefreshToken), "web");
        let count = |hour, kind: &str, label: &str, count| Count {
            hour: Timestamp(hour),
            kind: kind.to_owned(),
            label: label.to_owned(),
            count,
        };
        let expected = [
            count(7200, "sign_in.success", "password", 2),
            count(10_800, "token.refresh_token", "web", 1),
        ];
        let taken = statistics.take();
        assert_eq!(taken, expected);
        assert_eq!(statistics.take(), []);
        statistics.put_back(taken);
        assert_eq!(statistics.take(), expected);
    }

    #[test]
    fn what_goes_beyond_the_room_is_counted_together() {
        let statistics = Statistics::new(Clock::manual(Timestamp(0)));
        for n in 0..CAPACITY + 50 {
            statistics.count(Kind::Refused("token"), &n.to_string());
        }
        let taken = statistics.take();
        assert_eq!(taken.len(), CAPACITY + 1);
        let other = taken.iter().find(|count| count.label == OTHER).unwrap();
        assert_eq!(other.count, 50);
    }
}
