//! Points in time and lengths of time, in whole seconds as in `NumericDate` (RFC 7519 §2).

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds passed since `earlier`; negative when `earlier` lies ahead.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Lifetime> for Timestamp {
    type Output = Timestamp;
    fn add(self, lifetime: Lifetime) -> Timestamp {
        Timestamp(self.0.saturating_add(lifetime.as_secs()))
    }
}

impl Sub<Lifetime> for Timestamp {
    type Output = Timestamp;
    fn sub(self, lifetime: Lifetime) -> Timestamp {
        Timestamp(self.0.saturating_sub(lifetime.as_secs()))
    }
}

/// A length of time in seconds, written `30s`, `10m`, `24h` or `90d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(u32);

impl Lifetime {
    /// A length of `secs` seconds.
    pub const fn seconds(secs: u32) -> Lifetime {
        Lifetime(secs)
    }

    /// A length of `minutes` minutes.
    pub const fn minutes(minutes: u32) -> Lifetime {
        Lifetime(minutes * 60)
    }

    /// A length of `hours` hours.
    pub const fn hours(hours: u32) -> Lifetime {
        Lifetime(hours * 3600)
    }

    /// A length of `days` days.
    pub const fn days(days: u32) -> Lifetime {
        Lifetime(days * 86_400)
    }

    /// The length in seconds.
    pub const fn as_secs(self) -> i64 {
        self.0 as i64
    }

    /// The length as the standard library has it.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0 as u64)
    }
}

/// Why a text is not a lifetime.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a lifetime is a whole number and a unit, like 30s, 10m, 24h or 90d (at most 36500d)")]
pub struct InvalidLifetime;

impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let split = text.len().checked_sub(1).ok_or(InvalidLifetime)?;
        let (number, unit) = text.split_at_checked(split).ok_or(InvalidLifetime)?;
        let factor: u32 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(InvalidLifetime),
        };
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidLifetime);
        }
        let number: u32 = number.parse().map_err(|_| InvalidLifetime)?;
        let secs = number.checked_mul(factor).ok_or(InvalidLifetime)?;
        if secs > 36_500 * 86_400 {
            return Err(InvalidLifetime);
        }
        Ok(Lifetime(secs))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "0s"),
            s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
            s if s % 3600 == 0 => write!(f, "{}h", s / 3600),
            s if s % 60 == 0 => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
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
    fn lifetimes_are_read_and_written() {
        for (text, secs) in [
            ("30s", 30),
            ("10m", 600),
            ("24h", 86_400),
            ("90d", 7_776_000),
            ("0s", 0),
        ] {
            assert_eq!(
                text.parse::<Lifetime>().map(Lifetime::as_secs),
                Ok(secs),
                "{text}"
            );
        }
        assert_eq!(Lifetime::seconds(86_400).to_string(), "1d");
        assert_eq!(Lifetime::seconds(5400).to_string(), "90m");
    }

    #[test]
    fn what_is_no_lifetime_is_refused() {
        for text in [
            "",
            "m",
            "10",
            "-1m",
            "+1m",
            "1.5h",
            "10 m",
            "36501d",
            "9999999999d",
            "10M",
            "1é",
        ] {
            assert!(text.parse::<Lifetime>().is_err(), "{text}");
        }
    }
}
