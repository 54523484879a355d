//! Buckets in Redis or Valkey: one script, so that the store itself picks the winners.

use std::sync::LazyLock;

use redis::Script;
use store::rate_buckets::Charge;

use crate::shared::Shared;

/// Numbers go through `%.0f`, as Lua would write large ones with an exponent. A bucket goes when it is full.
const SCRIPT: &str = r"
local now, cost, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local next = full_at + cost
if next - now > capacity then
    return {0, string.format('%.0f', full_at)}
end
if next > now then
    redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000) + 1000))
else
    redis.call('DEL', KEYS[1])
end
return {1, string.format('%.0f', next)}
";

static CHARGE: LazyLock<Script> = LazyLock::new(|| Script::new(SCRIPT));

pub(super) async fn charge(shared: &Shared, key: u128, now: i64, cost: i64, capacity: i64) -> Option<Charge> {
    let mut script = CHARGE.key(name(key));
    script.arg(now).arg(cost).arg(capacity);
    let (allowed, full_at): (u8, i64) = shared.run(&script).await?;
    Some(Charge {
        allowed: allowed == 1,
        full_at,
    })
}

pub(super) async fn reset(shared: &Shared, key: u128) {
    shared.delete(&name(key)).await;
}

fn name(key: u128) -> String {
    format!("chancery:rate:{key:032x}")
}
