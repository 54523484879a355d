//! Copies of refused requests in Redis, sealed, so that each node finds those of the others. A bounded number is kept,
//! and no answer waits for it.

use std::sync::Arc;
use std::sync::LazyLock;

use redis::Script;
use tokio::sync::Semaphore;

use super::{CAPACITY, KEPT, RefusedRequest};
use crate::seal::Sealer;
use crate::shared::Shared;

/// The most bytes of one request that others are given.
const LARGEST: usize = 8 * 1024;
const INDEX: &str = "{chancery:refused}";
/// Requests on their way at once; what comes beyond stays on its node.
const AT_ONCE: usize = 32;
/// Requests read for a list.
const LISTED: usize = 500;

static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[5])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[1], surplus)
    for i = 1, #oldest, 2 do redis.call('DEL', KEYS[1] .. ':' .. oldest[i]) end
end
",
    )
});
static FIND: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('GET', KEYS[1])"));
static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1])) do
    local sealed = redis.call('GET', KEYS[1] .. ':' .. id)
    if sealed then
        table.insert(found, id)
        table.insert(found, sealed)
    end
end
return found
",
    )
});

pub(super) struct Copies {
    shared: Shared,
    sealer: Arc<Sealer>,
    room: Arc<Semaphore>,
}

fn name(id: &str) -> String {
    format!("{INDEX}:{id}")
}

impl Copies {
    pub(super) fn new(shared: Shared, sealer: Arc<Sealer>) -> Copies {
        Copies {
            shared,
            sealer,
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub(super) fn put(&self, request: Arc<RefusedRequest>) {
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return;
        };
        let (shared, sealer) = (self.shared.clone(), self.sealer.clone());
        tokio::spawn(async move {
            let name = name(&request.request_id);
            let json = serde_json::to_vec(request.as_ref()).unwrap_or_default();
            // Strangers must not fill what others need; it is still found on this node.
            if json.len() > LARGEST {
                return;
            }
            let mut script = PUT.key(INDEX);
            script
                .key(&name)
                .arg(&request.request_id)
                .arg(request.at)
                .arg(sealer.seal(&name, &json))
                .arg(CAPACITY)
                .arg(KEPT.as_secs());
            // Lost when Redis is away: it is still found on this node.
            let _: Option<()> = shared.run(&script).await;
            drop(place);
        });
    }

    pub(super) async fn find(&self, id: &str) -> Option<RefusedRequest> {
        let name = name(id);
        let sealed: Option<Vec<u8>> = self.shared.run(&FIND.key(&name)).await?;
        self.open(id, &sealed?)
    }

    pub(super) async fn list(&self) -> Vec<RefusedRequest> {
        let mut script = LIST.key(INDEX);
        script.arg(LISTED);
        let found: Vec<(String, Vec<u8>)> = self.shared.run(&script).await.unwrap_or_default();
        let requests = found.iter().filter_map(|(id, sealed)| self.open(id, sealed));
        requests.collect()
    }

    fn open(&self, id: &str, sealed: &[u8]) -> Option<RefusedRequest> {
        let json = self.sealer.open(&name(id), sealed)?;
        serde_json::from_slice(&json).ok()
    }
}
