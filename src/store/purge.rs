//! Expired rows.

use protocol::time::Timestamp;

use crate::conn::Conn;
use crate::error::StoreError;
use crate::resource_permissions;

/// How long what was redeemed is kept after its end, so that reuse is still recognised and the last
/// access tokens of a grant outlive nothing they need.
const GRACE: i64 = 86_400;
/// How long an API key is shown after its end.
const ENDED_KEYS: i64 = 90 * 86_400;

/// Removes what has no meaning any more, at most `limit` rows of each table, and counts it.
pub async fn expired(db: &mut Conn, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let moment = now;
    let now = now.0;
    let late = now.saturating_sub(GRACE);
    let long_ago = now.saturating_sub(ENDED_KEYS);
    let conditions = [
        (
            "authorization_codes",
            "code_hash",
            format!("expires_at <= {late}"),
        ),
        ("refresh_tokens", "token_hash", format!("expires_at <= {late}")),
        ("revoked_tokens", "jti", format!("expires_at <= {now}")),
        ("replay", "key_hash", format!("expires_at <= {now}")),
        // Kept in microseconds: what is full is the same as what is not there.
        (
            "rate_buckets",
            "key_hash",
            format!("full_at < {}", now.saturating_mul(1_000_000)),
        ),
        (
            "sessions",
            "id",
            format!("expires_at <= {now} OR ended_at IS NOT NULL"),
        ),
        ("signing_keys", "kid", format!("expires_at <= {now}")),
        ("setup_links", "token_hash", format!("expires_at <= {now}")),
        ("action_tokens", "token_hash", format!("expires_at <= {now}")),
        (
            "api_keys",
            "id",
            format!("revoked_at <= {long_ago} OR expires_at <= {long_ago}"),
        ),
        (
            "grants",
            "id",
            format!(
                "created_at <= {late} \
                 AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = grants.id) \
                 AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_id = grants.id)"
            ),
        ),
    ];
    let mut removed = 0;
    for (table, key, condition) in conditions {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {limit})"
        );
        removed += db!(db, |c| diesel::sql_query(&sql).execute(c).await)? as u64;
    }
    removed += resource_permissions::purge(db, moment, limit).await?;
    Ok(removed)
}
