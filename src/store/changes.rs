//! What transactions changed about sessions, accounts and what these may do, told after the commit to whoever keeps
//! copies. The functions that change something of the kind note it, so that no caller can forget to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Nobody may keep a copy for longer than this without asking a store that is told of changes.
pub const REMEMBERED: Duration = Duration::from_secs(10);
const PRUNE_AT: usize = 1024;

/// Noted when something changes that many accounts' authority may hang on, such as a role or a group.
pub const ROLES: Uuid = Uuid::nil();

tokio::task_local! {
    static CHANGED: RefCell<Vec<Uuid>>;
}

/// Notes that the session, or the sessions of the account, with this identifier changes.
pub(crate) fn note(id: Uuid) {
    // Without a transaction around it, as in a closure that only reads, there is nothing to note.
    let _ = CHANGED.try_with(|changed| changed.borrow_mut().push(id));
}

/// Runs a transaction, and gives what it noted beside its outcome.
pub(crate) fn collect<R>(transaction: impl FnOnce() -> R) -> (R, Vec<Uuid>) {
    CHANGED.sync_scope(RefCell::default(), || {
        let outcome = transaction();
        (outcome, CHANGED.with(RefCell::take))
    })
}

/// The same for one that waits.
pub(crate) async fn collect_async<R>(transaction: impl Future<Output = R>) -> (R, Vec<Uuid>) {
    CHANGED
        .scope(RefCell::default(), async {
            let outcome = transaction.await;
            (outcome, CHANGED.with(RefCell::take))
        })
        .await
}

/// Changes that others are to be told of, before whoever made them gets an answer.
#[derive(Debug)]
pub struct Announcement {
    /// The sessions and accounts.
    pub changed: Vec<Uuid>,
    /// To be sent when they know.
    pub done: oneshot::Sender<()>,
}

/// The latest changes made by this process.
#[derive(Debug, Default)]
pub struct Changes {
    count: AtomicU64,
    latest: Mutex<HashMap<Uuid, (u64, Instant)>>,
    listener: OnceLock<mpsc::UnboundedSender<Announcement>>,
    /// The point at which another process changed nobody knows what.
    unknown: AtomicU64,
    commits: AtomicU64,
}

impl Changes {
    /// A point in the order of changes; to be taken before reading what is to be kept.
    pub fn point(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Whether any of these changed after a point that is not older than [`REMEMBERED`].
    pub fn any_since(&self, point: u64, ids: &[Uuid]) -> bool {
        if self.unknown() > point {
            return true;
        }
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = |id| latest.get(id).is_some_and(|(at, _)| *at > point);
        ids.iter().any(changed)
    }

    /// The point at which another process last changed something, whatever it was.
    pub fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Acquire)
    }

    pub(crate) fn add_unknown(&self) {
        let _latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.count.load(Ordering::Acquire) + 1;
        self.unknown.store(at, Ordering::Release);
        self.count.store(at, Ordering::Release);
    }

    pub(crate) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn has_committed(&self) -> bool {
        self.commits.load(Ordering::Relaxed) > 0
    }

    /// Where announcements arrive from now on; nothing when somebody listens already.
    pub fn listen(&self) -> Option<mpsc::UnboundedReceiver<Announcement>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listener.set(sender).ok().map(|()| receiver)
    }

    pub(crate) fn add(&self, changed: &[Uuid]) {
        if changed.is_empty() {
            return;
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, at) = (Instant::now(), self.count.load(Ordering::Acquire) + 1);
        if latest.len() >= PRUNE_AT {
            latest.retain(|_, (_, since)| now.duration_since(*since) < REMEMBERED);
        }
        latest.extend(changed.iter().map(|id| (*id, (at, now))));
        self.count.store(at, Ordering::Release);
    }

    pub(crate) async fn announce(&self, changed: Vec<Uuid>) {
        self.add(&changed);
        let Some(listener) = self.listener.get().filter(|_| !changed.is_empty()) else {
            return;
        };
        let (done, heard) = oneshot::channel();
        if listener.send(Announcement { changed, done }).is_ok() {
            // A listener that is gone keeps nothing.
            let _ = heard.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_for_what_was_read_before_it() {
        let (changes, id, other) = (Changes::default(), Uuid::from_u128(1), Uuid::from_u128(2));
        let before = changes.point();
        assert!(!changes.any_since(before, &[id, other]));
        let (outcome, noted) = collect(|| {
            note(id);
            7
        });
        assert_eq!((outcome, noted.as_slice()), (7, &[id][..]));
        changes.add(&noted);
        assert!(changes.any_since(before, &[other, id]) && !changes.any_since(before, &[other]));
        assert!(!changes.any_since(changes.point(), &[id]));
    }
}
