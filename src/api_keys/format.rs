//! What a key looks like: `chk_`, 43 characters of 256 random bits, and 6 of a checksum, so that a scanner that finds
//! one knows it for one, and a mistyped one costs no look-up.

use protocol::secret::Secret;
use zeroize::Zeroizing;

/// What every key begins with.
pub const PREFIX: &str = "chk_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM + CHECKSUM;
/// How much of a key is shown in lists: 208 bits of it stay unknown.
const SHOWN: usize = PREFIX.len() + 8;

/// Writes a number of 256 bits, most significant byte first, as a key.
pub fn write(random: &[u8; 32]) -> Secret {
    let mut number = Zeroizing::new(*random);
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    text.push_str(PREFIX);
    for _ in 0..RANDOM {
        let mut rest = 0;
        for byte in number.iter_mut() {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        text.push(digit(rest));
    }
    let sum = checksum(&text);
    text.extend(sum);
    Secret::new(text.as_str())
}

/// Whether a text has the form of a key and its checksum.
pub fn is_well_formed(text: &str) -> bool {
    if text.len() != LENGTH || !text.starts_with(PREFIX) {
        return false;
    }
    let Some((head, sum)) = text.split_at_checked(LENGTH - CHECKSUM) else {
        return false;
    };
    sum.chars().eq(checksum(head))
}

/// The part of a key that may be shown.
pub fn shown(key: &Secret) -> String {
    key.expose().chars().take(SHOWN).collect()
}

fn digit(value: u32) -> char {
    let index = usize::try_from(value).unwrap_or_default();
    DIGITS.get(index).copied().map_or('0', char::from)
}

/// The CRC-32 of a text (that of ISO-HDLC, as gzip has it), most significant digit first.
fn checksum(text: &str) -> [char; CHECKSUM] {
    let mut sum = crc32fast::hash(text.as_bytes());
    let mut digits = ['0'; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = digit(sum % 62);
        sum /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_form_and_its_checksum() {
        for random in [[0; 32], [0xff; 32], [7; 32]] {
            let key = write(&random);
            let text = key.expose();
            assert_eq!((text.len(), shown(&key).len()), (53, 12), "{text}");
            assert!(text.bytes().skip(4).all(|b| b.is_ascii_alphanumeric()) && is_well_formed(text));
            assert!(text.starts_with(&shown(&key)));
        }
        assert_ne!(write(&[1; 32]).expose(), write(&[2; 32]).expose());
    }

    #[test]
    fn the_checksum_is_that_of_the_characters_before_it() {
        let zeros = format!("chk_{}", "0".repeat(43));
        let mut sum = u64::from(crc32fast::hash(zeros.as_bytes()));
        let mut digits = Vec::new();
        for _ in 0..6 {
            digits.push(char::from(DIGITS[usize::try_from(sum % 62).unwrap()]));
            sum /= 62;
        }
        let sum: String = digits.into_iter().rev().collect();
        assert_eq!(write(&[0; 32]).expose(), format!("{zeros}{sum}"));
    }

    #[test]
    fn what_is_no_key_is_known_without_a_look_up() {
        let good = write(&[9; 32]);
        let good = good.expose();
        let swapped = format!("{}{}{}", &good[..10], "!", &good[11..]);
        let other = if good.ends_with('0') { '1' } else { '0' };
        let wrong_sum = format!("{}{other}", &good[..52]);
        let wrong_digit = format!("chk_{other}{}", &good[5..]);
        for text in [
            "",
            "chk_",
            &good[..52],
            &format!("{good}0"),
            &swapped,
            &wrong_sum,
            &wrong_digit,
            &good.replace("chk_", "CHK_"),
            &format!("chk_{}x", "é".repeat(24)),
        ] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
