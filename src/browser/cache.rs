//! Copies of live sessions, so that a page does not ask the database who is there. On SQLite this process keeps them,
//! for as long as a command line beside it may go unnoticed; nodes on PostgreSQL keep them in Redis, where each of them
//! reads at once what another has changed, or not at all.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use moka::sync::Cache;
use protocol::secret::TokenHash;
use protocol::session::Session;
use protocol::time::Timestamp;
use redis::Script;
use serde::{Deserialize, Serialize};
use store::Store;
use store::changes::Announcement;
use uuid::Uuid;

use crate::seal::Sealer;
use crate::shared::Shared;

const CAPACITY: u64 = 5000;
/// How long a change made by another process may go unseen.
const FRESHNESS: Duration = Duration::from_secs(2);
/// How often, and so how many seconds, a change is told to Redis while that is away; copies there live no longer.
const TRIES: u32 = 60;

/// Looks a copy up. It counts only when neither its session nor its account changed since it was read; times are those
/// of Redis itself.
static FIND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = string.format('%d%06d', time[1], time[2])
local kept = redis.call('HMGET', KEYS[1], 'read_at', 'session', 'account', 'sealed')
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
redis.call('HSET', KEYS[1], 'read_at', ARGV[1], 'session', ARGV[2], 'account', ARGV[3], 'sealed', ARGV[4])
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

/// A live session of an account that is not disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The session.
    pub session: Session,
    /// Its last moment.
    pub expires_at: Timestamp,
}

impl Live {
    fn ids(&self) -> [Uuid; 2] {
        [self.session.id.0, self.session.account_id.0]
    }
}

/// What a look at the copies came to, and what is needed to keep a new one.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The copy, where there is a good one.
    pub live: Option<Live>,
    /// The point in the order of changes up to which it holds, or will hold when it is read now.
    point: Option<i64>,
}

/// Where the copies are.
pub enum SessionCache {
    /// Here.
    Local(Cache<[u8; 32], (Live, u64)>),
    /// In Redis, sealed, so that nobody can write a session there.
    Shared(Shared, Arc<Sealer>),
    /// Nowhere: the database is asked each time.
    Nowhere,
}

impl SessionCache {
    /// The place that fits the database.
    pub fn new(store: &Store, shared: Option<&Shared>, sealer: &Arc<Sealer>) -> SessionCache {
        match shared {
            _ if store.is_sqlite() => SessionCache::Local(
                Cache::builder()
                    .max_capacity(CAPACITY)
                    .time_to_live(FRESHNESS)
                    .build(),
            ),
            Some(shared) => SessionCache::Shared(shared.clone(), sealer.clone()),
            None => SessionCache::Nowhere,
        }
    }

    /// Looks for the copy of a cookie's session.
    pub async fn find(&self, store: &Store, secret: &TokenHash) -> Found {
        match self {
            SessionCache::Nowhere => Found::default(),
            SessionCache::Local(kept) => {
                let now = store.changes().point();
                let good = kept
                    .get(&secret.0)
                    .filter(|(live, point)| !store.changes().any_since(*point, &live.ids()));
                let point = good.as_ref().map_or(now, |(_, point)| *point);
                Found {
                    live: good.map(|(live, _)| live),
                    point: i64::try_from(point).ok(),
                }
            }
            SessionCache::Shared(shared, sealer) => {
                let script = FIND.key(name(secret));
                let Some((point, sealed)) = shared.run::<(i64, Option<Vec<u8>>)>(&script).await else {
                    return Found::default();
                };
                let json = sealed.and_then(|sealed| sealer.open(&name(secret), &sealed));
                Found {
                    live: json.and_then(|json| serde_json::from_slice(&json).ok()),
                    point: Some(point),
                }
            }
        }
    }

    /// Keeps a session that was read after the look that gave `found`.
    pub async fn keep(&self, secret: &TokenHash, live: Live, found: &Found) {
        let Some(point) = found.point else { return };
        match self {
            SessionCache::Nowhere => {}
            SessionCache::Local(kept) => kept.insert(secret.0, (live, point.unsigned_abs())),
            SessionCache::Shared(shared, sealer) => {
                let name = name(secret);
                let sealed = sealer.seal(&name, &serde_json::to_vec(&live).unwrap_or_default());
                let [session, account] = live.ids().map(|id| id.to_string());
                let mut script = KEEP.key(name);
                script.arg(point).arg(session).arg(account).arg(sealed);
                shared.run::<()>(&script).await;
            }
        }
    }
}

impl std::fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionCache")
    }
}

fn name(secret: &TokenHash) -> String {
    use std::fmt::Write as _;
    secret
        .as_bytes()
        .iter()
        .fold("chancery:session:".to_owned(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        })
}

/// Tells other nodes what this process changes about sessions, before whoever changes it gets an answer.
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
