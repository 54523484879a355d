//! When keys were last used: noted here at each use, and written once a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::id::ApiKeyId;
use protocol::time::Timestamp;
use store::{Conn, StoreError};
use uuid::Uuid;

use crate::app::App;

/// Uses written in one transaction.
const BATCH: usize = 200;
/// How often uses are written.
const PERIOD: Duration = Duration::from_secs(60);

/// Uses that are not written yet. Only keys that exist are in here, so there are never more than these.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<BTreeMap<Uuid, Timestamp>>);

impl Uses {
    /// Notes a use.
    pub(super) fn note(&self, id: ApiKeyId, at: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = all.entry(id.0).or_insert(at);
        *latest = at.max(*latest);
    }

    /// The last use that is not written yet.
    pub(super) fn latest(&self, id: ApiKeyId) -> Option<Timestamp> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id.0).copied()
    }

    /// Takes out what is to be written, in an order that is the same on each node.
    fn take(&self) -> Vec<(Uuid, Timestamp)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *all).into_iter().collect()
    }
}

/// Writes uses once a minute, for as long as the server runs.
pub async fn keep_uses(app: Arc<App>) {
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = flush(&app).await {
            tracing::warn!("when API keys were last used could not be kept, which is tried again: {error}");
        }
    }
}

/// Writes when keys were last used. What cannot be written is kept for the next time.
pub async fn flush(app: &App) -> Result<(), StoreError> {
    let uses = app.api_keys.uses.take();
    let mut batches = uses.chunks(BATCH);
    while let Some(batch) = batches.next() {
        let written = write(app, batch.to_vec()).await;
        if let Err(error) = written {
            for (id, at) in batch.iter().chain(batches.flatten()) {
                app.api_keys.uses.note(ApiKeyId(*id), *at);
            }
            return Err(error);
        }
    }
    Ok(())
}

async fn write(app: &App, batch: Vec<(Uuid, Timestamp)>) -> Result<(), StoreError> {
    app.store
        .write(async move |db: &mut Conn| {
            for (id, at) in batch {
                store::api_keys::record_use(db, ApiKeyId(id), at).await?;
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_counts_until_it_is_written() {
        let (uses, id) = (Uses::default(), ApiKeyId(Uuid::from_u128(1)));
        uses.note(id, Timestamp(20));
        uses.note(id, Timestamp(10));
        assert_eq!(uses.latest(id), Some(Timestamp(20)));
        assert_eq!(uses.take(), [(id.0, Timestamp(20))]);
        assert_eq!((uses.latest(id), uses.take()), (None, vec![]));
    }
}
