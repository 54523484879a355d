//! Copies of what the database holds, so that not every request asks it anew. On SQLite this process keeps them, for
//! as long as a command line beside it may go unnoticed; nodes on PostgreSQL keep them in Redis, where each of them
//! reads at once what another has changed, or not at all.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use moka::sync::Cache;
use redis::Script;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Store;
use store::changes::Announcement;
use uuid::Uuid;

use crate::hex;
use crate::seal::Sealer;
use crate::shared::Shared;

const CAPACITY: u64 = 5000;
/// How long a change made by another process may go unseen.
const FRESHNESS: Duration = Duration::from_secs(2);
/// How often, and so how many seconds, a change is told to Redis while that is away; copies there live no longer.
const TRIES: u32 = 60;

/// Looks a copy up. It counts only when nothing it hangs on changed since it was read; times are those of Redis itself.
static FIND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = string.format('%d%06d', time[1], time[2])
local kept = redis.call('HMGET', KEYS[1], 'read_at', 'first', 'second', 'sealed')
if not kept[1] then return {now, false} end
for i = 2, 3 do
    local changed = redis.call('GET', 'chancery:changed:' .. kept[i])
    if changed and tonumber(changed) >= tonumber(kept[1]) then return {now, false} end
end
return {now, kept[4]}
",
    )
});
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
redis.call('HSET', KEYS[1], 'read_at', ARGV[1], 'first', ARGV[2], 'second', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], 60000)
",
    )
});
static CHANGED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = string.format('%d%06d', time[1], time[2])
for _, key in ipairs(KEYS) do redis.call('SET', key, now, 'PX', 120000) end
",
    )
});

/// Something copies are kept of.
pub trait Copied: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the copies are called in Redis.
    const NAME: &'static str;

    /// The two things whose changes end a copy, as [`store::changes`] is told of them.
    fn hangs_on(&self) -> [Uuid; 2];
}

/// By what a copy is found: a hash, or as good as one.
pub type Key = [u8; 32];

/// What a look at the copies came to, and what is needed to keep a new one.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// The copy, where there is a good one.
    pub copy: Option<Arc<T>>,
    /// The point in the order of changes up to which what is read from now on holds.
    point: Option<i64>,
}

impl<T> Found<T> {
    const fn nothing() -> Found<T> {
        Found {
            copy: None,
            point: None,
        }
    }
}

/// Where the copies are.
pub enum Copies<T> {
    /// Here.
    Local(Cache<Key, (Arc<T>, u64)>),
    /// In Redis, sealed, so that nobody can write one there.
    Shared(Shared, Arc<Sealer>),
    /// Nowhere: the database is asked each time.
    Nowhere,
}

impl<T: Copied> Copies<T> {
    /// The place that fits the database.
    pub fn new(store: &Store, shared: Option<&Shared>, sealer: &Arc<Sealer>) -> Copies<T> {
        match shared {
            _ if store.is_sqlite() => Copies::Local(
                Cache::builder()
                    .max_capacity(CAPACITY)
                    .time_to_live(FRESHNESS)
                    .build(),
            ),
            Some(shared) => Copies::Shared(shared.clone(), sealer.clone()),
            None => Copies::Nowhere,
        }
    }

    /// Looks for a copy.
    pub async fn find(&self, store: &Store, key: &Key) -> Found<T> {
        match self {
            Copies::Nowhere => Found::nothing(),
            Copies::Local(kept) => {
                let now = store.changes().point();
                let good = kept
                    .get(key)
                    .filter(|(copy, point)| !store.changes().any_since(*point, &copy.hangs_on()));
                Found {
                    copy: good.map(|(copy, _)| copy),
                    point: i64::try_from(now).ok(),
                }
            }
            Copies::Shared(shared, sealer) => {
                let name = name::<T>(key);
                let script = FIND.key(name.as_str());
                let Some((point, sealed)) = shared.run::<(i64, Option<Vec<u8>>)>(&script).await else {
                    return Found::nothing();
                };
                let json = sealed.and_then(|sealed| sealer.open(&name, &sealed));
                Found {
                    copy: json
                        .and_then(|json| serde_json::from_slice(&json).ok())
                        .map(Arc::new),
                    point: Some(point),
                }
            }
        }
    }

    /// Keeps what was read after the look that gave `found`.
    pub async fn keep(&self, key: &Key, value: Arc<T>, found: &Found<T>) {
        let Some(point) = found.point else { return };
        match self {
            Copies::Nowhere => {}
            Copies::Local(kept) => kept.insert(*key, (value, point.unsigned_abs())),
            Copies::Shared(shared, sealer) => {
                let name = name::<T>(key);
                let sealed = sealer.seal(&name, &serde_json::to_vec(&*value).unwrap_or_default());
                let [first, second] = value.hangs_on().map(|id| id.to_string());
                let mut script = KEEP.key(name);
                script.arg(point).arg(first).arg(second).arg(sealed);
                shared.run::<()>(&script).await;
            }
        }
    }
}

impl<T> std::fmt::Debug for Copies<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Copies")
    }
}

fn name<T: Copied>(key: &Key) -> String {
    format!("chancery:{}:{}", T::NAME, hex::encode(key))
}

/// Tells other nodes what this process changes, before whoever changes it gets an answer.
pub fn announce_changes(store: &Store, shared: &Shared) {
    let Some(mut changes) = store.changes().listen() else {
        return;
    };
    let shared = shared.clone();
    tokio::spawn(async move {
        while let Some(Announcement { changed, done }) = changes.recv().await {
            tokio::spawn(announce(shared.clone(), changed, done));
        }
    });
}

async fn announce(shared: Shared, changed: Vec<Uuid>, done: tokio::sync::oneshot::Sender<()>) {
    let mut script = CHANGED.prepare_invoke();
    for id in changed {
        script.key(format!("chancery:changed:{id}"));
    }
    let mut told = shared.run::<()>(&script).await.is_some();
    // Nobody waits for a store that is away; other nodes that still see it are told as soon as this one does.
    let _ = done.send(());
    for _ in 0..TRIES {
        if told {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        told = shared.run::<()>(&script).await.is_some();
    }
}
