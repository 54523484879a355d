//! Public keys and what is verified with them. Keys named or carried by a header are never used.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{ES256, EdDSA, JwsVerifier, PS256, RS256};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::parse::{Parsed, Unverified, parse};
use super::{Algorithm, JoseError};

/// The most keys we take from one set.
const MAX_KEYS: usize = 64;
/// Larger moduli only cost time.
const RSA_BITS: std::ops::RangeInclusive<i32> = 2048..=8192;
/// RFC 7518 §3.2 wants a key no shorter than the hash.
const MIN_SECRET_BYTES: usize = 32;
/// Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key for one algorithm, with its ready verifier.
#[derive(Clone)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithm: Algorithm,
    verifier: Arc<dyn JwsVerifier>,
}

impl VerificationKey {
    /// The name it is published under.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn from_jwk(jwk: &Value, algorithm: Algorithm) -> Result<VerificationKey, JoseError> {
        let kid = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(JoseError::InvalidKey("kid is no string")),
        };
        Ok(VerificationKey {
            kid,
            algorithm,
            verifier: verifier(jwk, algorithm)?,
        })
    }

    /// Takes the public half of one of our own keys as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(super) fn from_spki(
        kid: &str,
        algorithm: Algorithm,
        der: &[u8],
    ) -> Result<VerificationKey, JoseError> {
        let verifier: Result<Arc<dyn JwsVerifier>, _> = match algorithm {
            Algorithm::Rs256 => RS256.verifier_from_der(der).map(|made| Arc::new(made) as _),
            Algorithm::Ps256 => PS256.verifier_from_der(der).map(|made| Arc::new(made) as _),
            Algorithm::Es256 => ES256.verifier_from_der(der).map(|made| Arc::new(made) as _),
            Algorithm::EdDsa => EdDSA.verifier_from_der(der).map(|made| Arc::new(made) as _),
            Algorithm::Hs256 => return Err(JoseError::AlgorithmNotAllowed),
        };
        Ok(VerificationKey {
            kid: Some(kid.to_owned()),
            algorithm,
            verifier: verifier.map_err(|_| JoseError::InvalidKey("it makes no verifier"))?,
        })
    }

    fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        // Neither half of an ECDSA signature may be zero (CVE-2022-21449); say so before any library is asked.
        if self.algorithm == Algorithm::Es256 {
            let Some((r, s)) = signature.split_at_checked(32) else {
                return false;
            };
            if s.len() != 32 || [r, s].iter().any(|half| half.iter().all(|byte| *byte == 0)) {
                return false;
            }
        }
        self.verifier.verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({}, {:?})", self.algorithm, self.kid)
    }
}

/// Public keys of one party, ours or a client's.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<VerificationKey>);

impl KeySet {
    /// A set of ready keys.
    pub fn new(keys: Vec<VerificationKey>) -> KeySet {
        KeySet(keys)
    }

    /// Reads a JWK Set (RFC 7517 §5). Keys for other uses and of unknown types are passed over; unfit
    /// ones, and private or symmetric ones, refuse the whole set.
    pub fn from_jwks(jwks: &Value) -> Result<KeySet, JoseError> {
        let keys = jwks
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(JoseError::InvalidKey("no array of keys"))?;
        if keys.len() > MAX_KEYS {
            return Err(JoseError::InvalidKey("more than 64 keys in a set"));
        }
        let mut ready = Vec::new();
        for jwk in keys {
            if !jwk.is_object() {
                return Err(JoseError::InvalidKey("not an object"));
            }
            if member(jwk, "kty") == Some("oct") || PRIVATE_MEMBERS.iter().any(|name| jwk.get(name).is_some())
            {
                return Err(JoseError::PrivateKey);
            }
            for &algorithm in algorithms_of(jwk) {
                ready.push(VerificationKey::from_jwk(jwk, algorithm)?);
            }
        }
        Ok(KeySet(ready))
    }

    /// Whether no key is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tries the key a header names, or each of its algorithm when it names none.
    fn check(&self, parsed: &Parsed<'_>, algorithm: Algorithm) -> Result<(), JoseError> {
        let kid = parsed.content.kid.as_deref();
        let mut refusal = JoseError::UnknownKey;
        for key in self.0.iter().filter(|key| key.algorithm == algorithm) {
            if kid.is_some() && key.kid() != kid {
                continue;
            }
            if key.accepts(parsed.signing_input.as_bytes(), &parsed.signature) {
                return Ok(());
            }
            refusal = JoseError::BadSignature;
        }
        Err(refusal)
    }
}

fn member<'a>(jwk: &'a Value, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

/// The algorithms a key may be used with: its own, or those of its type when it names none.
fn algorithms_of(jwk: &Value) -> &'static [Algorithm] {
    let verifies = |operations: &Value| {
        operations
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name.as_str() == Some("verify")))
    };
    if jwk.get("use").is_some_and(|usage| usage.as_str() != Some("sig"))
        || jwk.get("key_ops").is_some_and(|operations| !verifies(operations))
    {
        return &[];
    }
    let of_type: &'static [Algorithm] = match (member(jwk, "kty"), member(jwk, "crv")) {
        (Some("RSA"), _) => &[Algorithm::Rs256, Algorithm::Ps256],
        (Some("EC"), Some("P-256")) => &[Algorithm::Es256],
        (Some("OKP"), Some("Ed25519")) => &[Algorithm::EdDsa],
        _ => &[],
    };
    let Some(named) = jwk.get("alg") else {
        return of_type;
    };
    let of_name: &'static [Algorithm] = match named.as_str() {
        Some("RS256") => &[Algorithm::Rs256],
        Some("PS256") => &[Algorithm::Ps256],
        Some("ES256") => &[Algorithm::Es256],
        // The full name of RFC 9864 for what RFC 8037 called EdDSA.
        Some("EdDSA" | "Ed25519") => &[Algorithm::EdDsa],
        _ => &[],
    };
    if of_name.iter().all(|algorithm| of_type.contains(algorithm)) {
        of_name
    } else {
        &[]
    }
}

fn verifier(jwk: &Value, algorithm: Algorithm) -> Result<Arc<dyn JwsVerifier>, JoseError> {
    let (kty, crv, names): (_, _, &[&str]) = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => ("RSA", None, &["n", "e"]),
        Algorithm::Es256 => ("EC", Some("P-256"), &["x", "y"]),
        Algorithm::EdDsa => ("OKP", Some("Ed25519"), &["x"]),
        Algorithm::Hs256 => return Err(JoseError::AlgorithmNotAllowed),
    };
    if member(jwk, "kty") != Some(kty) || member(jwk, "crv") != crv {
        return Err(JoseError::InvalidKey("of another type than its algorithm wants"));
    }
    // Only what makes the key goes on to the library, so no other member can change its mind.
    let mut bare = Map::from_iter([("kty".to_owned(), Value::from(kty))]);
    if let Some(crv) = crv {
        bare.insert("crv".to_owned(), crv.into());
    }
    for &name in names {
        let text = member(jwk, name).ok_or(JoseError::InvalidKey("a member is missing"))?;
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| JoseError::InvalidKey("not base64url"))?;
        check_number(name, &bytes)?;
        bare.insert(name.to_owned(), text.into());
    }
    let unfit = |_| JoseError::InvalidKey("it makes no verifier");
    let bare = Jwk::from_map(bare).map_err(unfit)?;
    let verifier: Result<Arc<dyn JwsVerifier>, _> = match algorithm {
        Algorithm::Rs256 => RS256
            .verifier_from_jwk(&bare)
            .map(|verifier| Arc::new(verifier) as _),
        Algorithm::Ps256 => PS256
            .verifier_from_jwk(&bare)
            .map(|verifier| Arc::new(verifier) as _),
        Algorithm::Es256 => ES256
            .verifier_from_jwk(&bare)
            .map(|verifier| Arc::new(verifier) as _),
        Algorithm::EdDsa => EdDSA
            .verifier_from_jwk(&bare)
            .map(|verifier| Arc::new(verifier) as _),
        Algorithm::Hs256 => return Err(JoseError::AlgorithmNotAllowed),
    };
    verifier.map_err(unfit)
}

fn check_number(name: &str, bytes: &[u8]) -> Result<(), JoseError> {
    let number = BigNum::from_slice(bytes).map_err(|_| JoseError::InvalidKey("not a number"))?;
    let fits = match name {
        "n" => RSA_BITS.contains(&number.num_bits()) && number.is_bit_set(0),
        // With e = 1 any message is its own signature.
        "e" => (2..=64).contains(&number.num_bits()) && number.is_bit_set(0),
        _ => bytes.len() == 32,
    };
    if fits {
        Ok(())
    } else {
        Err(JoseError::InvalidKey(
            "too weak, too large or of the wrong length",
        ))
    }
}

/// A token whose signature is right.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The kind of token named in the header.
    pub typ: Option<String>,
    /// The algorithm it was verified with.
    pub alg: Algorithm,
    /// The key named in the header.
    pub kid: Option<String>,
    /// The claims, unchecked.
    pub claims: Map<String, Value>,
}

impl Verified {
    fn new(content: Unverified, alg: Algorithm) -> Verified {
        Verified {
            typ: content.typ,
            alg,
            kid: content.kid,
            claims: content.claims,
        }
    }
}

/// Verifies a compact JWS with one of `keys` and one of the `allowed` algorithms (RFC 7515 §5.2).
pub fn verify(token: &str, keys: &KeySet, allowed: &[Algorithm]) -> Result<Verified, JoseError> {
    let parsed = parse(token)?;
    let alg: Algorithm = parsed.content.alg.parse()?;
    if !allowed.contains(&alg) || !Algorithm::SIGNING.contains(&alg) {
        return Err(JoseError::AlgorithmNotAllowed);
    }
    keys.check(&parsed, alg)?;
    Ok(Verified::new(parsed.content, alg))
}

/// Verifies a compact JWS made with a shared secret: the tag is made again and compared in constant time.
pub fn verify_hs256(token: &str, secret: &[u8]) -> Result<Verified, JoseError> {
    let Parsed {
        content,
        signing_input,
        signature,
    } = parse(token)?;
    if content.alg != Algorithm::Hs256.as_str() {
        return Err(JoseError::AlgorithmNotAllowed);
    }
    if secret.len() < MIN_SECRET_BYTES {
        return Err(JoseError::InvalidKey("a secret for HS256 has at least 32 bytes"));
    }
    let tag = PKey::hmac(secret)
        .and_then(|key| {
            Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(signing_input.as_bytes())
        })
        .map_err(|error| JoseError::Failed(error.to_string()))?;
    if !bool::from(tag.ct_eq(&signature)) {
        return Err(JoseError::BadSignature);
    }
    Ok(Verified::new(content, Algorithm::Hs256))
}
