//! The work on the chain that no request waits for: sealing what was recorded, and removing what is too old. One node
//! at a time does it.

use std::sync::Arc;
use std::time::Duration;

use protocol::time::Timestamp;
use serde_json::json;
use store::audit_chain::{self as rows, Ends, Link};
use store::{Conn, StoreError, locks};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::chain::{self, Keys};
use super::{Event, verify::anchor, webhook};
use crate::app::App;

/// How often is looked for new events.
const ROUND: Duration = Duration::from_secs(1);
/// Seconds from one look at what is too old to the next, and from one anchor in the log to the next.
const SELDOM: i64 = 3600;
/// Events sealed in one transaction.
const SEALED: i64 = 500;
/// Events removed in one transaction.
const REMOVED: i64 = 2000;

/// Seals what is not sealed, and counts it. Where a webhook is configured, each event is also put into the outbox, in
/// the same transaction: of each event one parcel leaves, and none of what was never kept.
pub async fn seal_due(app: &App) -> Result<u64, StoreError> {
    let mut told = app.audit.sealing.lock().await;
    let mut all = 0;
    loop {
        let due = app
            .store
            .read(async |db: &mut Conn| rows::list_unsealed(db, 1).await)
            .await?;
        tell(&mut told, &due.unreadable);
        if due.events.is_empty() {
            return Ok(all);
        }
        let (keys, parcels) = (Keys::of(&app.sealer), webhook::Parcels::of(app));
        let sealed = app
            .store
            .write(async move |db: &mut Conn| {
                if !locks::try_lock_audit(db).await? {
                    return Ok(0);
                }
                let sealed = seal_some(db, &keys).await?;
                parcels.put(db, &sealed).await?;
                Ok(sealed.len())
            })
            .await?;
        webhook::ring(app, sealed);
        all += sealed as u64;
        if i64::try_from(sealed).is_ok_and(|sealed| sealed < SEALED) {
            return Ok(all);
        }
    }
}

/// Logs once which events cannot be sealed, since they cannot be read.
fn tell(told: &mut Vec<Option<Uuid>>, unreadable: &[Option<Uuid>]) {
    for id in unreadable.iter().filter(|id| !told.contains(*id)) {
        let id = id.map(|id| id.to_string());
        tracing::error!(
            event.id = id,
            "an audit event cannot be read and stays unsealed; run `chancery audit verify`"
        );
    }
    *told = unreadable.to_vec();
}

async fn seal_some(db: &mut Conn, keys: &Keys) -> Result<Vec<store::audit::Event>, StoreError> {
    let found = rows::find_ends(db).await?;
    // Signed ends that somebody has changed are not signed anew: that would hide it.
    let kept_mac = found
        .as_ref()
        .filter(|ends| !keys.vouch_for(ends))
        .map(|ends| ends.mac.clone());
    let (mut head, pruned) = match found {
        Some(Ends { head, pruned, .. }) => (head, pruned),
        None => (chain::beginning(), chain::beginning()),
    };
    // What somebody else has numbered must not stop what follows.
    let mut sequence = head.sequence.max(rows::max_sequence(db).await?);
    let events = rows::list_unsealed(db, SEALED).await?.events;
    let mut seals = Vec::with_capacity(events.len());
    for event in &events {
        sequence = sequence.saturating_add(1);
        let seal = keys.seal(event, &head, sequence);
        head = seal.link.clone();
        seals.push(seal);
    }
    rows::seal(db, &seals).await?;
    let mac = kept_mac.unwrap_or_else(|| keys.sign(&head, &pruned));
    rows::update_ends(db, &Ends { head, pruned, mac }).await?;
    Ok(events)
}

/// Removes the sealed events that are older than they are kept, from the old end on, and puts that on record.
pub async fn remove_old(app: &App) -> Result<u64, StoreError> {
    let (now, mut all) = (app.now(), 0);
    let before = now - app.config.audit.retention;
    loop {
        let keys = Keys::of(&app.sealer);
        let told = Event::at(now, "audit.removed");
        let removed = app
            .store
            .write(async move |db: &mut Conn| {
                if !locks::try_lock_audit(db).await? {
                    return Ok(0);
                }
                remove_some(db, &keys, before, told).await
            })
            .await?;
        all += removed;
        if removed < REMOVED.unsigned_abs() {
            return Ok(all);
        }
    }
}

async fn remove_some(db: &mut Conn, keys: &Keys, before: Timestamp, told: Event) -> Result<u64, StoreError> {
    let Some(ends) = rows::find_ends(db).await? else {
        return Ok(0);
    };
    if !keys.vouch_for(&ends) {
        tracing::error!(
            "the ends of the audit chain were changed; nothing is removed: run `chancery audit verify`"
        );
        return Ok(0);
    }
    // Only what is as it was sealed is old because it says so; what was changed stays to be seen.
    let mut pruned = ends.pruned.clone();
    for sealed in rows::list_sealed(db, ends.pruned.sequence, REMOVED).await? {
        let link = &sealed.seal.link;
        let recent = sealed.event.as_ref().is_some_and(|event| event.at >= before);
        if recent || link.sequence > ends.head.sequence {
            break;
        }
        let chained = |event| keys.examine(event, &sealed.seal, &pruned.hash).chained;
        let whole = link.sequence == pruned.sequence + 1 && sealed.event.as_ref().is_some_and(chained);
        if !whole {
            tracing::error!("the audit chain is broken; run `chancery audit verify`");
            break;
        }
        pruned = link.clone();
    }
    if pruned == ends.pruned {
        return Ok(0);
    }
    let removed = rows::delete_up_to(db, pruned.sequence).await?;
    told.detail(json!({ "events": removed, "until": pruned.sequence }))
        .record(db)
        .await?;
    let mac = keys.sign(&ends.head, &pruned);
    let head = ends.head;
    rows::update_ends(db, &Ends { head, pruned, mac }).await?;
    Ok(removed)
}

/// The last place of the chain, for somebody to keep elsewhere.
async fn last(app: &App) -> Result<Option<Link>, StoreError> {
    let ends = app
        .store
        .read(async |db: &mut Conn| rows::find_ends(db).await)
        .await?;
    Ok(ends.map(|ends| ends.head))
}

/// Seals events as they come, and now and then removes old ones and logs the anchor, until it is told to stop.
pub async fn work(app: Arc<App>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(ROUND);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looked_at = Timestamp(0);
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        if let Err(error) = seal_due(&app).await {
            tracing::warn!("audit events could not be sealed: {error}");
        }
        if stopping {
            return;
        }
        let now = app.now();
        if now.since(looked_at) < SELDOM {
            continue;
        }
        looked_at = now;
        if let Err(error) = remove_old(&app).await {
            tracing::warn!("old audit events could not be removed: {error}");
        }
        match last(&app).await {
            Ok(Some(link)) => tracing::info!(anchor = anchor(&link), "the audit chain reaches to here"),
            Ok(None) => {}
            Err(error) => tracing::warn!("the audit chain could not be read: {error}"),
        }
    }
}
