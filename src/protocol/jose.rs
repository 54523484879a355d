//! Signed tokens (RFC 7515, 7517, 7518, 7519): the only place that knows the cryptographic libraries.
//! The algorithm comes from our configuration and the key; a header can only agree with them (RFC 8725 §3.1).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

mod members;
mod parse;
mod rs256;
mod signing;
#[cfg(test)]
mod tests;
mod verification;

pub(crate) use members::{audiences, date, required, text};
pub use parse::{Unverified, parse_unverified};
pub use signing::SigningKey;
pub use verification::{KeySet, VerificationKey, Verified, verify, verify_hs256};

/// A signature algorithm we know (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// EdDSA on Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// HMAC with SHA-256, for assertions made with a client secret only.
    #[serde(rename = "HS256")]
    Hs256,
}

impl Algorithm {
    /// The algorithms that tokens may be signed with.
    pub const SIGNING: [Algorithm; 4] = [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::EdDsa,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Hs256 => "HS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = JoseError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Algorithm::SIGNING
            .into_iter()
            .chain([Algorithm::Hs256])
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or(JoseError::AlgorithmNotAllowed)
    }
}

/// Why a token or key is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// It is no compact JWS in the one form we read.
    #[error("malformed token: {0}")]
    Malformed(&'static str),
    /// The header names an algorithm that is not allowed here.
    #[error("the signature algorithm is not allowed here")]
    AlgorithmNotAllowed,
    /// No key fits the header.
    #[error("no key has the kid and alg of the token")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature does not match")]
    BadSignature,
    /// A key is unfit.
    #[error("unfit key: {0}")]
    InvalidKey(&'static str),
    /// Keys for verifying contain private or symmetric material.
    #[error("a set of public keys holds private or symmetric key material")]
    PrivateKey,
    /// The token is of another kind.
    #[error("the token is of another kind: {0}")]
    WrongKind(&'static str),
    /// A claim is missing, of the wrong type or of the wrong value.
    #[error("claim {0} is missing or wrong")]
    Claim(&'static str),
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// The library could not do its work.
    #[error("signing failed: {0}")]
    Failed(String),
}

/// The thumbprint of a public key, SHA-256 in base64url (RFC 7638 §3).
pub fn thumbprint(jwk: &Value) -> Result<String, JoseError> {
    let member = |name| {
        jwk.get(name)
            .and_then(Value::as_str)
            .ok_or(JoseError::InvalidKey("a member is missing"))
    };
    // The members of each list are in the order of their code points, as §3.3 wants them hashed.
    let names: &[&'static str] = match member("kty")? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        _ => return Err(JoseError::InvalidKey("the kty is unknown")),
    };
    let mut hasher = Sha256::new();
    for (index, &name) in names.iter().enumerate() {
        hasher.update(if index == 0 { "{\"" } else { ",\"" });
        hasher.update(name);
        hasher.update("\":");
        hasher.update(Value::from(member(name)?).to_string());
    }
    hasher.update("}");
    Ok(URL_SAFE_NO_PAD.encode(hasher.finalize()))
}

/// The left half of a hash, as in `at_hash` and `c_hash` (OpenID Connect Core §3.1.3.6).
pub fn half_hash(algorithm: Algorithm, text: &str) -> String {
    match algorithm {
        // Ed25519 hashes with SHA-512 inside; its half is what other providers and libraries expect.
        Algorithm::EdDsa => left_half(&Sha512::digest(text.as_bytes())),
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Hs256 => {
            left_half(&Sha256::digest(text.as_bytes()))
        }
    }
}

fn left_half(hash: &[u8]) -> String {
    let (left, _) = hash.split_at(hash.len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}
