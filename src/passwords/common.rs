//! The most common passwords, in lower case, each kept as the first five bytes of its SHA-256, in order.

use sha2::{Digest as _, Sha256};

const WIDTH: usize = 5;
static PREFIXES: &[u8] = include_bytes!("common.bin");

/// Whether a password, in lower case, is one of them. One of many millions of others is taken for one.
pub(super) fn contains(password: &str) -> bool {
    let digest = Sha256::digest(password.as_bytes());
    let Some(wanted) = digest.first_chunk::<WIDTH>() else {
        return false;
    };
    let (prefixes, _) = PREFIXES.as_chunks::<WIDTH>();
    prefixes.binary_search(wanted).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_in_order() {
        let (prefixes, rest) = PREFIXES.as_chunks::<WIDTH>();
        assert!(prefixes.len() > 100_000 && rest.is_empty());
        assert!(prefixes.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn common_passwords_are_known_and_random_ones_are_not() {
        for common in [
            "123456",
            "password",
            "qwertyuiop",
            "iloveyou",
            "123456789qwerty",
            "1qaz2wsx3edc4rfv",
            "passwordpassword",
            "qwertyuiop123456789",
        ] {
            assert!(contains(common), "{common}");
        }
        for number in 0..2000 {
            let random = crate::random::secret("");
            assert!(!contains(random.expose()), "{number}");
        }
        assert!(!contains("correct horse battery staple"));
    }

    /// Makes the list anew: from COMMON_PASSWORDS, a file with the most common one first, the first 100 000, and
    /// of the rest those of twelve characters and more.
    #[test]
    #[ignore = "writes a file of the source tree"]
    fn make_the_list() {
        let file = std::env::var("COMMON_PASSWORDS").unwrap();
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).to_lowercase();
        let mut seen = std::collections::HashSet::new();
        let words = text.lines().filter(|word| !word.is_empty() && seen.insert(*word));
        let kept = words
            .enumerate()
            .filter(|(rank, word)| *rank < 100_000 || word.chars().count() >= 12);
        let prefixes: std::collections::BTreeSet<[u8; WIDTH]> = kept
            .map(|(_, word)| *Sha256::digest(word.as_bytes()).first_chunk().unwrap())
            .collect();
        let bytes: Vec<u8> = prefixes.into_iter().flatten().collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/passwords/common.bin");
        std::fs::write(path, bytes).unwrap();
    }
}
