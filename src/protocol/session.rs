//! What a sign-in proved: factors, their `amr` values and the `acr` they reach.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, SessionId};
use crate::time::Timestamp;

/// One proof of identity, named as in RFC 8176.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Factor {
    /// A password.
    #[serde(rename = "pwd")]
    Password,
    /// A one-time password of RFC 6238.
    #[serde(rename = "otp")]
    Totp,
    /// A single-use recovery code. RFC 8176 has no name of its own for it.
    #[serde(rename = "recovery")]
    RecoveryCode,
    /// A passkey whose authenticator verified its holder: two factors in one.
    #[serde(rename = "passkey")]
    Passkey,
    /// A passkey whose authenticator only noticed that somebody was there.
    #[serde(rename = "security_key")]
    SecurityKey,
    /// A sign-in at an upstream provider. What that provider asked for is not known, so it counts as one factor.
    #[serde(rename = "fed")]
    Upstream,
}

impl Factor {
    /// Whether it can begin a sign-in but does not finish one that must have two.
    pub const fn is_first(self) -> bool {
        matches!(self, Factor::Password | Factor::Upstream)
    }
}

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MfaPolicy {
    /// Only when a request asks for it.
    Off,
    /// Where the account has one.
    IfEnrolled,
    /// Always; an account without one must enrol first.
    Required,
}

impl MfaPolicy {
    /// The name in files and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            MfaPolicy::Off => "off",
            MfaPolicy::IfEnrolled => "if-enrolled",
            MfaPolicy::Required => "required",
        }
    }

    /// The policy of that name.
    pub fn parse(text: &str) -> Option<MfaPolicy> {
        [MfaPolicy::Off, MfaPolicy::IfEnrolled, MfaPolicy::Required]
            .into_iter()
            .find(|policy| policy.as_str() == text)
    }

    /// The strictest that an account, its roles and a client state; `default` where none states any.
    pub fn effective(stated: impl IntoIterator<Item = Option<MfaPolicy>>, default: MfaPolicy) -> MfaPolicy {
        stated.into_iter().flatten().max().unwrap_or(default)
    }
}

/// Authentication context classes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Acr {
    /// One factor.
    #[serde(rename = "1")]
    SingleFactor,
    /// Two different factors.
    #[serde(rename = "2")]
    MultiFactor,
}

impl Acr {
    /// All classes, as `acr_values_supported`.
    pub const ALL: [Acr; 2] = [Acr::SingleFactor, Acr::MultiFactor];

    /// The value in the `acr` claim.
    pub const fn as_str(self) -> &'static str {
        match self {
            Acr::SingleFactor => "1",
            Acr::MultiFactor => "2",
        }
    }

    /// The class named by an `acr_values` entry, when we know it.
    pub fn parse(text: &str) -> Option<Acr> {
        Acr::ALL.into_iter().find(|acr| acr.as_str() == text)
    }
}

/// A browser session as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The identifier clients see as `sid`.
    pub id: SessionId,
    /// Whose session it is.
    pub account_id: AccountId,
    /// When the account holder last proved the first factor; a second one alone does not renew it.
    pub auth_time: Timestamp,
    /// The factors proved, each once.
    pub factors: Vec<Factor>,
    /// When the browser was first seen in this session.
    pub created_at: Timestamp,
    /// When it was last seen, within a minute.
    pub last_seen_at: Timestamp,
}

impl Session {
    /// The class the proved factors reach.
    pub fn acr(&self) -> Acr {
        acr_of(&self.factors)
    }
}

/// The class that a set of factors reaches.
pub fn acr_of(factors: &[Factor]) -> Acr {
    let second = |f: &Factor| matches!(f, Factor::Totp | Factor::RecoveryCode | Factor::SecurityKey);
    let two = factors.iter().any(|factor| factor.is_first()) && factors.iter().any(second);
    if two || factors.contains(&Factor::Passkey) {
        Acr::MultiFactor
    } else {
        Acr::SingleFactor
    }
}

/// The `amr` values of a set of factors; `mfa` is added for two (RFC 8176 §2).
pub fn amr_of(factors: &[Factor]) -> Vec<&'static str> {
    let mut amr: Vec<&'static str> = factors
        .iter()
        .map(|factor| match factor {
            Factor::Password => "pwd",
            Factor::Totp => "otp",
            Factor::RecoveryCode => "recovery",
            // Possession of a key is all that is known without an attestation.
            Factor::Passkey | Factor::SecurityKey => "pop",
            Factor::Upstream => "fed",
        })
        .collect();
    amr.dedup();
    if factors.contains(&Factor::Passkey) {
        amr.push("user");
    }
    if acr_of(factors) == Acr::MultiFactor {
        amr.push("mfa");
    }
    amr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factors_reach_the_second_class() {
        use Factor::{Password, RecoveryCode, Totp, Upstream};
        for (factors, acr, amr) in [
            (vec![Password], Acr::SingleFactor, vec!["pwd"]),
            (vec![Password, Totp], Acr::MultiFactor, vec!["pwd", "otp", "mfa"]),
            (
                vec![Password, RecoveryCode],
                Acr::MultiFactor,
                vec!["pwd", "recovery", "mfa"],
            ),
            (vec![Upstream], Acr::SingleFactor, vec!["fed"]),
            (vec![Password, Upstream], Acr::SingleFactor, vec!["pwd", "fed"]),
            (vec![Upstream, Totp], Acr::MultiFactor, vec!["fed", "otp", "mfa"]),
            (
                vec![Totp, RecoveryCode],
                Acr::SingleFactor,
                vec!["otp", "recovery"],
            ),
        ] {
            assert_eq!((acr_of(&factors), amr_of(&factors)), (acr, amr));
        }
    }
}
