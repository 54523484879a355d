//! Scopes (RFC 6749 §3.3): a set of tokens whose order means nothing but is kept.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Tokens that a text may name: far more than a client may be registered for.
const MAX_TOKENS: usize = 1000;

/// A set of scope tokens in the order they were first named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

/// Why a text is no scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a scope is a list of at most 1000 tokens of printable ASCII, without quotes or backslashes, separated by single spaces"
)]
pub struct InvalidScope;

impl Scope {
    /// The empty scope.
    pub const fn empty() -> Scope {
        Scope(Vec::new())
    }

    /// Whether no token is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` is in it.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|held| held == token)
    }

    /// Whether each token is also in `other`.
    pub fn is_within(&self, other: &Scope) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The tokens for which `keep` holds.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Scope {
        Scope(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }

    /// The tokens of both, each once.
    #[must_use]
    pub fn union(&self, other: &Scope) -> Scope {
        self.iter().chain(other.iter()).collect()
    }
}

fn is_scope_token(token: &str) -> bool {
    !token.is_empty()
        && token
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl<'a> FromIterator<&'a str> for Scope {
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let mut named = HashSet::new();
        let distinct = tokens.into_iter().filter(|token| named.insert(*token));
        Scope(distinct.map(str::to_owned).collect())
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Scope::empty());
        }
        if text.split(' ').nth(MAX_TOKENS).is_some() || !text.split(' ').all(is_scope_token) {
            return Err(InvalidScope);
        }
        Ok(text.split(' ').collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_once_and_order_is_kept() {
        let scope: Scope = "openid profile openid".parse().unwrap_or_default();
        assert_eq!(scope.to_string(), "openid profile");
    }

    #[test]
    fn what_the_grammar_forbids_is_refused() {
        for text in [" openid", "openid ", "a  b", "a\"b", "a\\b", "a\tb", "ä", "a\nb"] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_scope_has_an_end() {
        let named = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert!(named(MAX_TOKENS).parse::<Scope>().is_ok());
        assert!(named(MAX_TOKENS + 1).parse::<Scope>().is_err());
    }
}
