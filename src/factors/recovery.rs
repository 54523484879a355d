//! Recovery codes: ten single-use ways in for who has lost everything else, shown once and kept as hashes.

use protocol::id::SessionId;
use protocol::secret::{Secret, TokenHash};
use protocol::time::{Lifetime, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::app::App;
use crate::browser::Current;
use crate::random;
use crate::totp;

const SHOWN: &str = "recovery-codes";

/// How many an account gets.
const COUNT: usize = 10;

/// How long new codes can be looked at and saved.
const LIFETIME: Lifetime = Lifetime::minutes(15);

/// New recovery codes, in clear.
pub struct Codes(Vec<Secret>);

impl Codes {
    /// Makes ten of 120 bits each, in groups of four letters and digits that cannot be mistaken for one another.
    pub fn new() -> Codes {
        Codes((0..COUNT).map(|_| one()).collect())
    }

    /// What the store keeps.
    pub fn hashes(&self) -> Vec<TokenHash> {
        self.0
            .iter()
            .map(|code| super::recovery_hash(code.expose()))
            .collect()
    }

    /// The codes, for the page and the file.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Secret::expose)
    }
}

impl Default for Codes {
    fn default() -> Self {
        Codes::new()
    }
}

fn one() -> Secret {
    let bytes = Zeroizing::new(random::bytes::<15>());
    let plain = Zeroizing::new(totp::encode_base32(bytes.as_slice()).to_ascii_lowercase());
    let mut grouped = Zeroizing::new(String::with_capacity(29));
    for (at, c) in plain.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push('-');
        }
        grouped.push(c);
    }
    Secret::new(grouped.as_str())
}

/// New codes on their way to the page that shows them; sealed, and good in one session only.
#[derive(Serialize, Deserialize)]
struct Shown {
    session: SessionId,
    codes: Vec<String>,
    next: String,
    expires_at: Timestamp,
}

/// Seals new codes for the page that shows them and then leads to `next`.
pub fn seal(app: &App, current: &Current, codes: &Codes, next: &str) -> String {
    let shown = Shown {
        session: current.session.id,
        codes: codes.iter().map(str::to_owned).collect(),
        next: next.to_owned(),
        expires_at: app.now() + LIFETIME,
    };
    let json = Zeroizing::new(serde_json::to_vec(&shown).unwrap_or_default());
    app.sealer.seal_text(SHOWN, &json)
}

/// The codes that were sealed in this session, and where to go on.
pub fn open(app: &App, current: &Current, sealed: &str) -> Option<(Codes, String)> {
    let json = Zeroizing::new(app.sealer.open_text(SHOWN, sealed)?);
    let shown: Shown = serde_json::from_slice(&json).ok()?;
    let ours = shown.session == current.session.id && shown.expires_at > app.now();
    let codes = shown.codes.into_iter().map(Secret::new).collect();
    ours.then_some((Codes(codes), shown.next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_long_and_typable_and_all_different() {
        let codes = Codes::new();
        let mut seen = std::collections::BTreeSet::new();
        for code in codes.iter() {
            assert_eq!(code.len(), 29);
            assert!(code.split('-').all(|group| group.len() == 4));
            assert!(code.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7' | '-')));
            assert!(seen.insert(code.to_owned()));
            assert_eq!(
                super::super::recovery_hash(&code.to_uppercase().replace('-', " ")),
                super::super::recovery_hash(code)
            );
        }
        assert_eq!(seen.len(), 10);
    }
}
