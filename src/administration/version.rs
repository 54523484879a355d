//! Versions of what is shown, so that nobody overwrites what they have not seen (RFC 9110 §8.8.3, §13.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Refused;

/// The strong entity tag of a representation, with its quotes.
pub(crate) fn tag(shown: &impl Serialize) -> Result<String, serde_json::Error> {
    let hash = Sha256::digest(serde_json::to_vec(shown)?);
    let (half, _) = hash.split_at(16);
    Ok(format!("\"{}\"", URL_SAFE_NO_PAD.encode(half)))
}

/// The versions that a change may be made to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Whichever there is.
    #[default]
    Any,
    /// One of these tags.
    OneOf(Vec<String>),
}

impl Expected {
    /// Refuses when what is there now, read in the transaction of the change, is none of them.
    pub(crate) fn check(&self, shown: &impl Serialize) -> Result<(), Refused> {
        match self {
            Expected::Any => Ok(()),
            // What cannot be written as JSON cannot have been shown.
            Expected::OneOf(tags) => match tag(shown) {
                Ok(now) if tags.contains(&now) => Ok(()),
                _ => Err(Refused::Stale),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_for_what_was_seen() {
        let seen = tag(&["a"]).unwrap();
        assert_eq!(Expected::Any.check(&["b"]), Ok(()));
        let expected = Expected::OneOf(vec!["\"x\"".to_owned(), seen]);
        assert_eq!(expected.check(&["a"]), Ok(()));
        assert_eq!(expected.check(&["b"]), Err(Refused::Stale));
    }
}
