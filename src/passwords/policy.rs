//! Which passwords are fit to be chosen (NIST SP 800-63B-4 §3.1.1.2).

use protocol::secret::Secret;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{MAX_BYTES, common};
use crate::config::CharacterKind;

/// The most characters a new password may have.
pub const MAX_LENGTH: usize = 256;
/// The length that is enough where a second factor is required.
pub const LENGTH_WITH_SECOND_FACTOR: usize = 8;
/// Strength is estimated from so many characters.
const ESTIMATED: usize = 100;
/// Shorter words about the holder occur in any phrase.
const SHORTEST_WORD: usize = 4;

/// Why a password was not taken. The page says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakness {
    /// It has too few characters.
    TooShort,
    /// It has too many characters.
    TooLong,
    /// It holds a NUL, which programs take for an end.
    Nul,
    /// It is one of the most common passwords.
    Common,
    /// It holds a name or address of its holder, or the name of the service.
    Personal,
    /// It is easily guessed.
    Guessable,
    /// It has no small letter, where one is demanded.
    NoLower,
    /// It has no capital letter, where one is demanded.
    NoUpper,
    /// It has no digit, where one is demanded.
    NoDigit,
    /// It has no other character, where one is demanded.
    NoSymbol,
    /// The account has it or had it not long ago.
    Used,
    /// It is known from a breach.
    Breached,
}

impl Weakness {
    /// All of them.
    pub const ALL: [Weakness; 12] = [
        Weakness::TooShort,
        Weakness::TooLong,
        Weakness::Nul,
        Weakness::Common,
        Weakness::Personal,
        Weakness::Guessable,
        Weakness::NoLower,
        Weakness::NoUpper,
        Weakness::NoDigit,
        Weakness::NoSymbol,
        Weakness::Used,
        Weakness::Breached,
    ];

    /// What is wrong, for the command line and the declarative file.
    pub const fn says(self) -> &'static str {
        match self {
            Weakness::TooShort => "is too short",
            Weakness::TooLong => "is longer than 256 characters",
            Weakness::Nul => "holds a NUL character",
            Weakness::Common => "is one of the most common passwords",
            Weakness::Personal => "holds a name or address of the account or the name of the service",
            Weakness::Guessable => "is easily guessed; a few unrelated words make a better one",
            Weakness::NoLower => "needs a small letter",
            Weakness::NoUpper => "needs a capital letter",
            Weakness::NoDigit => "needs a digit",
            Weakness::NoSymbol => "needs a character that is neither letter nor digit",
            Weakness::Used => "is or was the password of this account",
            Weakness::Breached => "is known from a breach",
        }
    }
}

/// What a new password must be like.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The fewest characters.
    pub min_length: usize,
    /// The lowest strength estimate, 0 to 4.
    pub min_strength: u32,
    /// Kinds of characters it must hold.
    pub must_contain: Vec<CharacterKind>,
    /// Words about its holder and the service, see [`words`].
    pub words: Vec<String>,
}

/// The form in which passwords are hashed and compared (Unicode NFC, RFC 8265 §4.2). Nothing else is changed.
pub fn normal(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

/// The parts of names and addresses that a password should not be built from.
pub fn words<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut words = Vec::new();
    for name in names {
        let name = name.nfc().collect::<String>().to_lowercase();
        let halves = name.split('@').map(|half| half.split('.').next().unwrap_or(half));
        let local = name.split('@').next().map(str::to_owned);
        let mut found: Vec<String> = halves.map(str::to_owned).chain(local).collect();
        found.push(name.split_whitespace().collect());
        found.push(name);
        words.extend(found);
    }
    words.retain(|word| word.chars().count() > 2);
    words.sort();
    words.dedup();
    words
}

/// Judges a new password by itself; whether it was used before or breached is asked elsewhere.
pub fn judge(password: &Secret, rules: &Rules) -> Result<(), Weakness> {
    let text = password.expose();
    if text.len() > MAX_BYTES {
        return Err(Weakness::TooLong);
    }
    let text = normal(text);
    let length = text.chars().count();
    if text.contains('\0') {
        return Err(Weakness::Nul);
    }
    if length < rules.min_length {
        return Err(Weakness::TooShort);
    }
    if length > MAX_LENGTH || text.len() > MAX_BYTES {
        return Err(Weakness::TooLong);
    }
    let small = Zeroizing::new(text.to_lowercase());
    if common::contains(&small) {
        return Err(Weakness::Common);
    }
    let long_enough = |word: &&String| word.chars().count() >= SHORTEST_WORD;
    if rules
        .words
        .iter()
        .filter(long_enough)
        .any(|word| small.contains(word.as_str()))
    {
        return Err(Weakness::Personal);
    }
    composition(&text, &rules.must_contain)?;
    let start: Zeroizing<String> = Zeroizing::new(text.chars().take(ESTIMATED).collect());
    let inputs: Vec<&str> = rules.words.iter().map(String::as_str).collect();
    let score = u32::from(u8::from(zxcvbn::zxcvbn(&start, &inputs).score()));
    if score < rules.min_strength {
        return Err(Weakness::Guessable);
    }
    Ok(())
}

fn composition(text: &str, must_contain: &[CharacterKind]) -> Result<(), Weakness> {
    for kind in must_contain {
        let (found, missing) = match kind {
            CharacterKind::Lower => (text.chars().any(char::is_lowercase), Weakness::NoLower),
            CharacterKind::Upper => (text.chars().any(char::is_uppercase), Weakness::NoUpper),
            CharacterKind::Digit => (text.chars().any(char::is_numeric), Weakness::NoDigit),
            CharacterKind::Symbol => (text.chars().any(is_symbol), Weakness::NoSymbol),
        };
        if !found {
            return Err(missing);
        }
    }
    Ok(())
}

fn is_symbol(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace()
}

#[cfg(test)]
mod tests;
