//! Asks a range service whether a password is known from a breach. Only five hexadecimal digits of its SHA-1 leave the
//! house; the service answers with all the rest it knows that begin so.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use protocol::secret::Secret;

use super::policy::normal;
use crate::fetch::Fetch;

/// Bytes of an answer; the longest have some 60 000.
const MAX_BYTES: usize = 512 * 1024;
/// Hexadecimal digits that are sent.
const SENT: usize = 5;

/// Whether the service at this URL knows the password. One that cannot be asked knows nothing.
pub(crate) async fn is_breached(fetch: &Fetch, url: &str, password: &Secret) -> bool {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, normal(password.expose()).as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    let (sent, kept) = hex.split_at(SENT);
    match fetch.get_text(&format!("{url}{sent}"), MAX_BYTES).await {
        Ok(answer) => holds(&answer, kept),
        Err(error) => {
            tracing::warn!(%error, "the password range service did not answer; the password was let through");
            false
        }
    }
}

/// Looks for a line `SUFFIX:COUNT`; padding has a count of zero.
fn holds(answer: &str, suffix: &str) -> bool {
    answer
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .any(|(known, count)| known.eq_ignore_ascii_case(suffix) && count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_rest_of_the_hash_counts() {
        let answer = "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n003D68EB55068C33ACE09247EE4C639306B:3\r\n\
            00000000000000000000000000000000000:0\r\n";
        assert!(holds(answer, "003D68EB55068C33ACE09247EE4C639306B"));
        assert!(holds(answer, "003d68eb55068c33ace09247ee4c639306b"));
        for other in [
            "003D68EB55068C33ACE09247EE4C639306",
            "00000000000000000000000000000000000",
            "",
        ] {
            assert!(!holds(answer, other), "{other}");
        }
    }
}
