//! The workers that empty the outbox, one for each lane. Of many nodes one sends a parcel: who wins the conditional
//! update of its row. What cannot be sent is tried again, later each time, until it is of no use any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use protocol::time::Lifetime;
use store::outbox::{Lane, Parcel};
use store::{Conn, StoreError, outbox};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{audit, mail};

/// How often the outbox is looked at when nobody rings.
const ROUND: Duration = Duration::from_secs(15);
/// What rings may not have committed yet; and it gathers parcels that come together.
const BREATH: Duration = Duration::from_millis(100);
/// How long one parcel may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long others leave alone what somebody is sending; longer than [`PATIENCE`].
const CLAIM: Lifetime = Lifetime::minutes(2);
/// Parcels under way at once.
const AT_ONCE: usize = 8;

/// Where a lane's worker listens.
#[derive(Default)]
pub struct Desk {
    /// Rung when there is something new.
    pub bell: Arc<Notify>,
    /// One round at a time in this process; other nodes are kept apart by the database.
    round: Mutex<()>,
}

/// How long to wait after so many attempts.
fn pause(attempts: i64) -> Lifetime {
    match attempts {
        ..=1 => Lifetime::minutes(1),
        2 => Lifetime::minutes(5),
        3 => Lifetime::minutes(30),
        _ => Lifetime::hours(2),
    }
}

fn desk(app: &App, lane: Lane) -> &Desk {
    match lane {
        Lane::Mail => &app.mail.desk,
        Lane::Audit => &app.audit.desk,
    }
}

/// Parcels looked at in one go. One that fails ends the round of a lane with a single recipient, which then is asked
/// with a few and not with all that waits.
const fn batch(lane: Lane) -> i64 {
    match lane {
        Lane::Mail => 100,
        Lane::Audit => 16,
    }
}

async fn send(app: &App, lane: Lane, parcel: &Parcel) -> Result<(), String> {
    let sending = async {
        match lane {
            Lane::Mail => mail::send(app, parcel).await,
            Lane::Audit => audit::webhook::send(app, parcel).await,
        }
    };
    tokio::time::timeout(PATIENCE, sending)
        .await
        .unwrap_or_else(|_| Err("it took too long".to_owned()))
}

/// What came of a parcel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// It was sent, by us.
    Sent,
    /// It could not be sent.
    Failed,
    /// It was for somebody else to send, or of no use.
    Passed,
}

/// Sends what is due, once, and says how many parcels left.
pub async fn deliver_due(app: &App, lane: Lane) -> Result<u64, StoreError> {
    let _round = desk(app, lane).round.lock().await;
    let (mut sent, limit) = (0, batch(lane));
    loop {
        let now = app.now();
        let due = app
            .store
            .read(async move |db: &mut Conn| outbox::list_due(db, lane, now, limit).await)
            .await?;
        let full = i64::try_from(due.len()).is_ok_and(|found| found >= limit);
        // All are finished before any failure counts: what was claimed should also be sent.
        let outcomes: Vec<_> = stream::iter(due.into_iter().map(|parcel| deliver(app, lane, parcel)))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut failed = false;
        for outcome in outcomes {
            let outcome = outcome?;
            sent += u64::from(outcome == Delivery::Sent);
            failed |= outcome == Delivery::Failed;
        }
        if !full || (failed && lane == Lane::Audit) {
            return Ok(sent);
        }
    }
}

async fn deliver(app: &App, lane: Lane, parcel: Parcel) -> Result<Delivery, StoreError> {
    let (id, now) = (parcel.id, app.now());
    if parcel.expires_at <= now {
        let gone = app
            .store
            .write(async move |db: &mut Conn| outbox::delete(db, id).await)
            .await?;
        if gone {
            tracing::warn!(parcel.id = %id, parcel.kind, parcel.attempts,
                "a parcel was given up: it could not be sent while it was of use");
        }
        return Ok(Delivery::Passed);
    }
    let seen = parcel.clone();
    let claimed = app
        .store
        .write(async move |db: &mut Conn| outbox::claim(db, &seen, now + CLAIM).await)
        .await?;
    if !claimed {
        return Ok(Delivery::Passed);
    }
    match send(app, lane, &parcel).await {
        Ok(()) => {
            match lane {
                Lane::Mail => tracing::info!(parcel.id = %id, parcel.kind, "sent"),
                Lane::Audit => tracing::debug!(parcel.id = %id, parcel.kind, "sent"),
            }
            app.store
                .write(async move |db: &mut Conn| outbox::delete(db, id).await)
                .await?;
            Ok(Delivery::Sent)
        }
        Err(reason) => {
            let attempts = parcel.attempts.saturating_add(1);
            tracing::warn!(parcel.id = %id, parcel.kind, parcel.attempts = attempts, reason, "a parcel could not be sent");
            let next = app.now() + pause(attempts);
            app.store
                .write(async move |db: &mut Conn| outbox::postpone(db, id, next, &reason).await)
                .await?;
            Ok(Delivery::Failed)
        }
    }
}

/// Sends parcels of a lane as they come, until it is told to stop; what is under way then is finished.
pub async fn work(app: Arc<App>, lane: Lane, stop: CancellationToken) {
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = desk(&app, lane).bell.notified() => tokio::time::sleep(BREATH).await,
            _ = tick.tick() => {}
        }
        if let Err(error) = deliver_due(&app, lane).await {
            tracing::warn!("the outbox could not be emptied: {error}");
        }
    }
}
