//! Hashes that other systems made. They are verified, bounded in what they may cost, and replaced at sign-in.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use password_hash::PasswordVerifier as _;
use sha_crypt::ShaCrypt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Each step doubles the work; this many take about a second.
const MAX_BCRYPT_COST: u32 = 14;
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;
const MAX_SHA_CRYPT_ROUNDS: u32 = 500_000;
/// Blocks of scrypt, N × r: 128 MiB.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 20;
const MAX_SCRYPT_PASSES: u32 = 4;
/// Shorter hashes are matched by chance.
const LEAST_OUTPUT: usize = 16;

/// A hash of another kind than ours.
pub(super) enum Foreign {
    /// bcrypt, as it stands.
    Bcrypt(String),
    /// PBKDF2 (RFC 8018 §5.2) as Django, Keycloak and passlib keep it.
    Pbkdf2 {
        algorithm: pbkdf2::Algorithm,
        iterations: NonZeroU32,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    /// scrypt (RFC 7914).
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        output: Vec<u8>,
    },
    /// scrypt as Firebase uses it: the hash is the project's key, encrypted with what scrypt gives.
    Firebase {
        params: scrypt::Params,
        salt: Vec<u8>,
        signer_key: Vec<u8>,
        output: Vec<u8>,
    },
    /// SHA-crypt, as it stands.
    ShaCrypt(String),
}

impl Foreign {
    /// `None` for what is unknown, malformed, or would cost too much to check.
    pub(super) fn parse(text: &str) -> Option<Foreign> {
        if text.len() > 1024 {
            return None;
        }
        if let Some(django) = text.strip_prefix("pbkdf2_sha256$") {
            return Foreign::django(django);
        }
        let (scheme, rest) = text.strip_prefix('$')?.split_once('$')?;
        match scheme {
            "2a" | "2b" | "2y" => Foreign::bcrypt(text),
            "5" | "6" => Foreign::sha_crypt(text, rest),
            "pbkdf2" | "pbkdf2-sha1" => Foreign::pbkdf2(PBKDF2_HMAC_SHA1, rest),
            "pbkdf2-sha256" | "keycloak-pbkdf2-sha256" => Foreign::pbkdf2(PBKDF2_HMAC_SHA256, rest),
            "pbkdf2-sha512" | "keycloak-pbkdf2-sha512" => Foreign::pbkdf2(PBKDF2_HMAC_SHA512, rest),
            "scrypt" => Foreign::scrypt(rest),
            "firebase-scrypt" => Foreign::firebase(rest),
            _ => None,
        }
    }

    fn bcrypt(text: &str) -> Option<Foreign> {
        let parts: bcrypt::HashParts = text.parse().ok()?;
        (4..=MAX_BCRYPT_COST)
            .contains(&parts.get_cost())
            .then(|| Foreign::Bcrypt(text.to_owned()))
    }

    fn sha_crypt(text: &str, rest: &str) -> Option<Foreign> {
        let mut fields: Vec<&str> = rest.split('$').collect();
        if let Some(rounds) = fields.first()?.strip_prefix("rounds=") {
            let rounds: u32 = rounds.parse().ok()?;
            if !(1_000..=MAX_SHA_CRYPT_ROUNDS).contains(&rounds) {
                return None;
            }
            fields.remove(0);
        }
        let [salt, output] = fields.as_slice() else {
            return None;
        };
        let length = if text.starts_with("$5$") { 43 } else { 86 };
        (!salt.is_empty() && salt.len() <= 16 && output.len() == length)
            .then(|| Foreign::ShaCrypt(text.to_owned()))
    }

    /// `pbkdf2_sha256$ITERATIONS$SALT$HASH`, where the salt is taken as text.
    fn django(rest: &str) -> Option<Foreign> {
        let mut fields = rest.split('$');
        let (iterations, salt, output) = (fields.next()?, fields.next()?, fields.next()?);
        let salt = Some(salt.as_bytes().to_vec());
        let none_left = fields.next().is_none();
        Foreign::of_pbkdf2(PBKDF2_HMAC_SHA256, iterations, salt, output).filter(|_| none_left)
    }

    /// `i=ITERATIONS,…$SALT$HASH`, or the bare number in place of the parameters.
    fn pbkdf2(algorithm: pbkdf2::Algorithm, rest: &str) -> Option<Foreign> {
        let [params, salt, output] = three(rest)?;
        let iterations = param(params, "i").unwrap_or(params);
        Foreign::of_pbkdf2(algorithm, iterations, base64(salt), output)
    }

    fn of_pbkdf2(
        algorithm: pbkdf2::Algorithm,
        iterations: &str,
        salt: Option<Vec<u8>>,
        output: &str,
    ) -> Option<Foreign> {
        let iterations: NonZeroU32 = iterations.parse().ok()?;
        let (salt, output) = (salt?, base64(output)?);
        let sound = iterations.get() <= MAX_PBKDF2_ITERATIONS && !salt.is_empty();
        // Each further block of output costs all iterations again.
        let fits = (LEAST_OUTPUT..=64).contains(&output.len());
        (sound && fits).then_some(Foreign::Pbkdf2 {
            algorithm,
            iterations,
            salt,
            output,
        })
    }

    /// `ln=LOG_N,r=R,p=P$SALT$HASH`
    fn scrypt(rest: &str) -> Option<Foreign> {
        let [params, salt, output] = three(rest)?;
        let passes = param(params, "p")?;
        let params = scrypt_params(param(params, "ln")?, param(params, "r")?, passes)?;
        let (salt, output) = (base64(salt)?, base64(output)?);
        (LEAST_OUTPUT..=64)
            .contains(&output.len())
            .then_some(Foreign::Scrypt { params, salt, output })
    }

    /// `n=MEMORY_COST,r=ROUNDS,sep=SALT_SEPARATOR,key=SIGNER_KEY$SALT$HASH`
    fn firebase(rest: &str) -> Option<Foreign> {
        let [params, salt, output] = three(rest)?;
        let mut salt = base64(salt)?;
        salt.extend(base64(param(params, "sep")?)?);
        let signer_key = base64(param(params, "key")?)?;
        let output = base64(output)?;
        let params = scrypt_params(param(params, "n")?, param(params, "r")?, "1")?;
        let sound = signer_key.len() == output.len() && (32..=256).contains(&output.len());
        sound.then_some(Foreign::Firebase {
            params,
            salt,
            signer_key,
            output,
        })
    }

    /// Whether the password is the one that was hashed.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            Foreign::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Foreign::ShaCrypt(text) => ShaCrypt::default()
                .verify_password(password, text.as_str())
                .is_ok(),
            Foreign::Pbkdf2 {
                algorithm,
                iterations,
                salt,
                output,
            } => pbkdf2::verify(*algorithm, *iterations, salt, password, output).is_ok(),
            Foreign::Scrypt { params, salt, output } => {
                derive(password, salt, params, output.len()).is_some_and(|out| out.ct_eq(output).into())
            }
            Foreign::Firebase {
                params,
                salt,
                signer_key,
                output,
            } => derive(password, salt, params, 64)
                .and_then(|key| encrypt(key.get(..32)?, signer_key))
                .is_some_and(|out| out.ct_eq(output).into()),
        }
    }
}

fn derive(
    password: &[u8],
    salt: &[u8],
    params: &scrypt::Params,
    length: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(vec![0; length]);
    scrypt::scrypt(password, salt, params, &mut out).ok()?;
    Some(out)
}

/// AES-256 in counter mode from zero, which encrypts and decrypts alike.
fn encrypt(key: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let key = DecryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let mut text = plain.to_vec();
    let zero = DecryptionContext::Iv128(FixedLength::from([0; 16]));
    key.decrypt(&mut text, zero).ok()?;
    Some(text)
}

fn scrypt_params(log_n: &str, r: &str, p: &str) -> Option<scrypt::Params> {
    let (log_n, r, p): (u8, u32, u32) = (log_n.parse().ok()?, r.parse().ok()?, p.parse().ok()?);
    let blocks = 1_u64.checked_shl(log_n.into())?.checked_mul(r.into())?;
    if log_n == 0 || log_n > 20 || blocks > MAX_SCRYPT_BLOCKS || p > MAX_SCRYPT_PASSES {
        return None;
    }
    scrypt::Params::new(log_n, r, p).ok()
}

fn three(text: &str) -> Option<[&str; 3]> {
    let fields: Vec<&str> = text.split('$').collect();
    fields.try_into().ok()
}

fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Base64 of either alphabet, padded or not; passlib writes a dot for the plus.
fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' | '.' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD.decode(plain).ok()
}

#[cfg(test)]
mod tests;
