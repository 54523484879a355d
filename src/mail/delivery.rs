//! The worker that empties the outbox. Of many nodes one sends a mail: who wins the conditional update of its row.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use protocol::time::Lifetime;
use store::outbox::Parcel;
use store::{Conn, StoreError, outbox};
use tokio_util::sync::CancellationToken;

use super::letter::{Content, context};
use crate::app::App;

/// How often the outbox is looked at when nobody rings.
const ROUND: Duration = Duration::from_secs(15);
/// What rings may not have committed yet; and it gathers mails that come together.
const BREATH: Duration = Duration::from_millis(100);
/// How long one mail may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long others leave alone what somebody is sending; longer than [`PATIENCE`].
const CLAIM: Lifetime = Lifetime::minutes(2);
/// Mails under way at once.
const AT_ONCE: usize = 8;
/// Mails looked at in one go.
const BATCH: i64 = 100;

/// How long to wait after so many attempts.
fn pause(attempts: i64) -> Lifetime {
    match attempts {
        ..=1 => Lifetime::minutes(1),
        2 => Lifetime::minutes(5),
        3 => Lifetime::minutes(30),
        _ => Lifetime::hours(2),
    }
}

/// Sends what is due, once, and says how many mails left.
pub async fn deliver_due(app: &App) -> Result<u64, StoreError> {
    let _round = app.mail.round.lock().await;
    let mut sent = 0;
    loop {
        let now = app.now();
        let due = app
            .store
            .read(async move |db: &mut Conn| outbox::list_due(db, now, BATCH).await)
            .await?;
        let full = i64::try_from(due.len()).is_ok_and(|found| found >= BATCH);
        // All are finished before any failure counts: what was claimed should also be sent.
        let outcomes: Vec<_> = stream::iter(due.into_iter().map(|parcel| deliver(app, parcel)))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for outcome in outcomes {
            sent += u64::from(outcome?);
        }
        if !full {
            return Ok(sent);
        }
    }
}

/// Whether this mail was sent, by us.
async fn deliver(app: &App, parcel: Parcel) -> Result<bool, StoreError> {
    let (id, now) = (parcel.id, app.now());
    if parcel.expires_at <= now {
        let gone = app
            .store
            .write(async move |db: &mut Conn| outbox::delete(db, id).await)
            .await?;
        if gone {
            tracing::warn!(mail.id = %id, mail.kind = parcel.kind, mail.attempts = parcel.attempts,
                "a mail was given up: it could not be sent while it was of use");
        }
        return Ok(false);
    }
    let seen = parcel.clone();
    let claimed = app
        .store
        .write(async move |db: &mut Conn| outbox::claim(db, &seen, now + CLAIM).await)
        .await?;
    if !claimed {
        return Ok(false);
    }
    match send(app, &parcel).await {
        Ok(()) => {
            tracing::info!(mail.id = %id, mail.kind = parcel.kind, "mail sent");
            app.store
                .write(async move |db: &mut Conn| outbox::delete(db, id).await)
                .await?;
            Ok(true)
        }
        Err(reason) => {
            let attempts = parcel.attempts.saturating_add(1);
            tracing::warn!(mail.id = %id, mail.kind = parcel.kind, mail.attempts = attempts, reason, "a mail could not be sent");
            let next = app.now() + pause(attempts);
            app.store
                .write(async move |db: &mut Conn| outbox::postpone(db, id, next, &reason).await)
                .await?;
            Ok(false)
        }
    }
}

async fn send(app: &App, parcel: &Parcel) -> Result<(), String> {
    let plain = app.sealer.open(&context(parcel.id), &parcel.sealed);
    let content: Content = plain
        .and_then(|plain| serde_json::from_slice(&plain).ok())
        .ok_or("it cannot be opened: another master key sealed it")?;
    tokio::time::timeout(PATIENCE, app.mail.transport.send(parcel.id, &content))
        .await
        .unwrap_or_else(|_| Err("it took too long".to_owned()))
}

/// Sends mails as they come, until it is told to stop; what is under way then is finished.
pub async fn work(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.mail.bell.notified() => tokio::time::sleep(BREATH).await,
            _ = tick.tick() => {}
        }
        if let Err(error) = deliver_due(&app).await {
            tracing::warn!("the outbox could not be emptied: {error}");
        }
    }
}
