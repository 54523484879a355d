//! Token buckets that nodes share, each one number: when it will be full. Losing them costs nothing but patience.

use diesel::query_dsl::methods::FilterDsl;
use diesel::sql_types::BigInt;

use crate::conn::Conn;
use crate::conn::query::*;
use crate::error::StoreError;
use crate::schema::rate_buckets;

/// What charging a bucket came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Whether there was enough in it.
    pub allowed: bool,
    /// When it will be full.
    pub full_at: i64,
}

/// Takes `cost` out of a bucket of `capacity`, or nothing when that is too much; a negative cost is given back.
/// One statement picks the winners.
pub async fn charge(
    db: &mut Conn,
    key: &[u8],
    now: i64,
    cost: i64,
    capacity: i64,
) -> Result<Charge, StoreError> {
    let start = || {
        diesel::dsl::sql::<BigInt>("(CASE WHEN rate_buckets.full_at > ")
            .bind::<BigInt, _>(now)
            .sql(" THEN rate_buckets.full_at ELSE ")
            .bind::<BigInt, _>(now)
            .sql(" END)")
    };
    let most = now.saturating_add(capacity).saturating_sub(cost);
    let values = (
        rate_buckets::key_hash.eq(key),
        rate_buckets::full_at.eq(now.saturating_add(cost)),
    );
    let insert = diesel::insert_into(rate_buckets::table)
        .values(values)
        .on_conflict(rate_buckets::key_hash)
        .do_update()
        .set(rate_buckets::full_at.eq(start().sql(" + ").bind::<BigInt, _>(cost)));
    let charged: Option<i64> = db!(db, |c| FilterDsl::filter(insert, start().le(most))
        .returning(rate_buckets::full_at)
        .get_result(c)
        .await
        .optional())?;
    match charged {
        Some(full_at) => Ok(Charge {
            allowed: true,
            full_at,
        }),
        None => Ok(Charge {
            allowed: false,
            full_at: find(db, key).await?.unwrap_or(now).max(now),
        }),
    }
}

/// When a bucket will be full; a bucket that is not known is.
pub async fn find(db: &mut Conn, key: &[u8]) -> Result<Option<i64>, StoreError> {
    let query = rate_buckets::table.find(key).select(rate_buckets::full_at);
    Ok(db!(db, |c| query.get_result(c).await.optional())?)
}

/// Fills a bucket.
pub async fn delete(db: &mut Conn, key: &[u8]) -> Result<(), StoreError> {
    db!(db, |c| diesel::delete(rate_buckets::table.find(key))
        .execute(c)
        .await)?;
    Ok(())
}
