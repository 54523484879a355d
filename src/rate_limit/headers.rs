//! What answers say about limits: the fields `RateLimit-Policy` and `RateLimit`
//! (draft-ietf-httpapi-ratelimit-headers-11 §3, §4).

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Limit, Verdict};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Adds the policy and how it stands. Whoever sent more than it allows is told when there is something again,
/// everybody else when everything is there again.
pub(super) fn add(headers: &mut HeaderMap, limit: Limit, verdict: &Verdict) {
    let (name, rate) = (limit.name(), verdict.rate);
    let policy = format!("\"{name}\";q={};w={}", rate.count, rate.per.as_secs());
    let (remaining, within) = match verdict.allowed {
        true => (verdict.remaining, verdict.reset_after),
        false => (0, verdict.retry_after),
    };
    let state = format!("\"{name}\";r={remaining};t={within}");
    for (field, value) in [(POLICY, policy), (LIMIT, state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(field, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::bucket;

    #[test]
    fn fields_are_structured_as_the_draft_has_them() {
        let rate = "3/1m".parse().unwrap();
        let mut headers = HeaderMap::new();
        let (full_at, first) = bucket::take(0, 0, rate, 1);
        add(&mut headers, Limit::TokenPerClient, &first);
        assert_eq!(headers["ratelimit-policy"], "\"token\";q=3;w=60");
        assert_eq!(headers["ratelimit"], "\"token\";r=2;t=20");
        let refused = bucket::take(full_at, 0, rate, 3).1;
        let mut headers = HeaderMap::new();
        add(&mut headers, Limit::TokenPerClient, &refused);
        assert_eq!(headers["ratelimit"], "\"token\";r=0;t=20");
    }
}
