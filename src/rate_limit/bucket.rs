//! The arithmetic of a token bucket that is kept as one number: the microsecond at which it will be full again.

use crate::config::Rate;

const MICROS: i64 = 1_000_000;

/// What taking from a bucket came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether there was enough in the bucket.
    pub allowed: bool,
    /// What the bucket holds when full, and in which time it fills.
    pub rate: Rate,
    /// What is left.
    pub remaining: u32,
    /// Seconds until the bucket is full again.
    pub reset_after: u32,
    /// Seconds until there is enough in the bucket; 0 when there was.
    pub retry_after: u32,
}

/// Takes `cost` out of a bucket, or leaves it as it is when that is too much. Times are in microseconds.
pub fn take(full_at: i64, now: i64, rate: Rate, cost: u32) -> (i64, Verdict) {
    // A bucket cannot be emptier than empty, whatever a clock that ran ahead has written.
    let start = full_at.clamp(now, now.saturating_add(capacity(rate)));
    let next = start.saturating_add(price(rate, cost));
    let allowed = next.saturating_sub(now) <= capacity(rate);
    let kept = if allowed { next } else { start };
    (kept, judge(kept, now, rate, cost, allowed))
}

/// What a bucket, as it is after taking `cost` was tried, says.
pub fn judge(full_at: i64, now: i64, rate: Rate, cost: u32, allowed: bool) -> Verdict {
    let capacity = capacity(rate);
    let debt = full_at.saturating_sub(now).clamp(0, capacity);
    let left = capacity.saturating_sub(debt) / interval(rate);
    let missing = debt.saturating_add(price(rate, cost)).saturating_sub(capacity);
    Verdict {
        allowed,
        rate,
        remaining: u32::try_from(left).unwrap_or(0),
        reset_after: seconds(debt),
        retry_after: if allowed { 0 } else { seconds(missing).max(1) },
    }
}

/// Puts back one that was taken.
pub fn give_back(full_at: i64, rate: Rate) -> i64 {
    full_at.saturating_sub(interval(rate))
}

/// The microseconds in which one comes back.
pub fn interval(rate: Rate) -> i64 {
    let window = rate.per.as_secs().saturating_mul(MICROS);
    window.checked_div(i64::from(rate.count)).unwrap_or(window).max(1)
}

/// What `cost` of them are worth, in microseconds.
pub fn price(rate: Rate, cost: u32) -> i64 {
    interval(rate).saturating_mul(i64::from(cost))
}

/// What a full bucket holds, in microseconds.
pub fn capacity(rate: Rate) -> i64 {
    price(rate, rate.count)
}

/// The present as buckets count it.
pub fn micros(now: protocol::time::Timestamp) -> i64 {
    now.0.saturating_mul(MICROS)
}

fn seconds(micros: i64) -> u32 {
    u32::try_from(micros.saturating_add(MICROS - 1) / MICROS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rate, what was taken when (seconds, cost), and what came of each: allowed, remaining, reset, retry.
    type Row = (&'static str, &'static [(i64, u32, bool, u32, u32, u32)]);

    #[rustfmt::skip]
    const TABLE: &[Row] = &[
        ("3/1m", &[
            (1000, 1, true, 2, 20, 0), (1000, 1, true, 1, 40, 0), (1000, 1, true, 0, 60, 0),
            (1000, 1, false, 0, 60, 20), (1019, 1, false, 0, 41, 1), (1020, 1, true, 0, 60, 0),
            (1020, 1, false, 0, 60, 20), (2000, 1, true, 2, 20, 0), (2000, 3, false, 2, 20, 20),
            (2000, 2, true, 0, 60, 0),
        ]),
        ("7/1m", &[(0, 7, true, 0, 60, 0), (0, 1, false, 0, 60, 9), (8, 1, false, 0, 52, 1), (9, 1, true, 0, 60, 0)]),
        ("600000/1m", &[(0, 1, true, 599_999, 1, 0), (0, 599_999, true, 0, 60, 0), (1, 10_001, false, 10_000, 59, 1)]),
        // A clock that went back neither fills nor empties more than there is.
        ("1/1m", &[(1000, 1, true, 0, 60, 0), (10, 1, false, 0, 60, 60), (1060, 1, true, 0, 60, 0)]),
    ];

    #[test]
    fn a_bucket_gives_its_count_and_fills_evenly() {
        for (rate, steps) in TABLE {
            let rate: Rate = rate.parse().unwrap();
            let mut full_at = 0;
            for &(second, cost, allowed, remaining, reset_after, retry_after) in *steps {
                let (next, verdict) = take(full_at, second * MICROS, rate, cost);
                let expected = Verdict {
                    allowed,
                    rate,
                    remaining,
                    reset_after,
                    retry_after,
                };
                assert_eq!(verdict, expected, "{rate} at {second}");
                // What was taken ahead of a clock that went back stays taken.
                full_at = full_at.max(next);
            }
        }
    }

    #[test]
    fn what_was_given_back_can_be_taken_again() {
        let rate: Rate = "1/1m".parse().unwrap();
        let (full_at, _) = take(0, 0, rate, 1);
        assert!(!take(full_at, 0, rate, 1).1.allowed);
        assert!(take(give_back(full_at, rate), 0, rate, 1).1.allowed);
    }

    #[test]
    fn a_rate_finer_than_the_clock_is_still_a_rate() {
        let rate: Rate = "4294967295/1s".parse().unwrap();
        let (full_at, verdict) = take(0, 0, rate, u32::MAX);
        assert!(verdict.allowed && !take(full_at, 0, rate, 1).1.allowed);
    }
}
