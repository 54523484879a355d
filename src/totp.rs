//! One-time passwords from authenticator apps (RFC 6238): SHA-1, six digits, 30 seconds.

use protocol::time::Timestamp;
use subtle::ConstantTimeEq as _;
use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

const DIGITS: usize = 6;
const STEP_SECONDS: u64 = 30;

/// The step whose code this is, if it is the present one, the one before or the one after. A step must be
/// accepted once only (RFC 6238 §5.2); the caller keeps it.
pub fn verify(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let code: String = code.chars().filter(|c| *c != ' ').collect();
    if code.len() != DIGITS || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret)
        .build_noncompliant();
    let present = u64::try_from(now.0).ok()? / STEP_SECONDS;
    let mut matched = None;
    // No early end: the time taken must not tell which of the three steps it was.
    for step in present.saturating_sub(1)..=present.saturating_add(1) {
        let expected = Zeroizing::new(totp.generate(step.saturating_mul(STEP_SECONDS)).to_string());
        if bool::from(expected.as_bytes().ct_eq(code.as_bytes())) {
            matched = i64::try_from(step).ok();
        }
    }
    matched
}

/// The code of the step that `now` is in.
pub fn code(secret: &[u8], now: Timestamp) -> String {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret)
        .build_noncompliant()
        .generate(u64::try_from(now.0).unwrap_or_default())
        .to_string()
}

/// Reads a base32 secret as people write it: any case, spaces and hyphens and padding ignored (RFC 4648 §6).
pub fn decode_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text: Zeroizing<String> = Zeroizing::new(
        text.chars()
            .filter(|c| !matches!(c, ' ' | '-' | '='))
            .map(|c| c.to_ascii_uppercase())
            .collect(),
    );
    let secret = Secret::try_from_base32(text.as_str()).ok()?;
    Some(Zeroizing::new(secret.as_bytes().to_vec())).filter(|bytes| !bytes.is_empty())
}

/// Writes a secret as unpadded base32, as authenticator apps read it.
pub fn encode_base32(secret: &[u8]) -> String {
    Secret::from(secret).to_base32().trim_end_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238 appendix B, the last six of eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn the_vectors_of_the_rfc_hold() {
        for (time, expected) in VECTORS {
            assert_eq!(code(SECRET, Timestamp(time)), expected, "{time}");
            assert_eq!(
                verify(SECRET, expected, Timestamp(time)),
                Some(time / 30),
                "{time}"
            );
        }
    }

    #[test]
    fn one_step_of_drift_is_accepted_and_no_more() {
        let step = 59 / 30;
        assert_eq!(verify(SECRET, "287 082", Timestamp(59 + 30)), Some(step));
        assert_eq!(verify(SECRET, "287082", Timestamp(59 - 30)), Some(step));
        assert_eq!(verify(SECRET, "287082", Timestamp(59 + 61)), None);
    }

    #[test]
    fn what_is_not_six_digits_is_refused() {
        for text in [
            "",
            "28708",
            "2870820",
            "28708a",
            "２８７０８２",
            "+87082",
            "287082\n",
        ] {
            assert_eq!(verify(SECRET, text, Timestamp(59)), None, "{text}");
        }
        assert_eq!(verify(SECRET, "287082", Timestamp(-1)), None);
    }

    #[test]
    fn base32_is_read_as_people_write_it() {
        let text = encode_base32(SECRET);
        assert_eq!(text, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            decode_base32("gezd gnbv-GY3T QOJQ GEZDGNBVGY3TQOJQ==")
                .unwrap()
                .as_slice(),
            SECRET
        );
        assert!(decode_base32("not base32 !").is_none());
        assert!(decode_base32("").is_none());
    }
}
