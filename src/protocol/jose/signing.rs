//! Our own keys. A signer is built once and shared: building it costs more than a signature.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jws::{ES256, EdDSA, JwsSigner, PS256};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::rs256::Rs256;
use super::{Algorithm, JoseError, VerificationKey};

/// The kinds of token we sign; their headers are encoded once per key.
const KINDS: [&str; 3] = ["at+jwt", "JWT", "logout+jwt"];

/// The length of the RSA keys we make, and the least that signs (RFC 7518 §3.3).
const RSA_BITS: u32 = 2048;

/// A private key with its ready signer. Never printed, wiped when dropped.
pub struct SigningKey {
    algorithm: Algorithm,
    kid: String,
    signer: Signer,
    pkcs8: Zeroizing<Vec<u8>>,
    public_jwk: Value,
    verification: VerificationKey,
    headers: Vec<(&'static str, String)>,
}

impl SigningKey {
    /// Makes a new key: RSA with 2048 bits, P-256 or Ed25519.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Result<SigningKey, JoseError> {
        let pkcs8 = generate(algorithm)
            .map_err(failed)?
            .ok_or(JoseError::AlgorithmNotAllowed)?;
        SigningKey::from_pkcs8(algorithm, kid, &pkcs8)
    }

    /// Takes a key as PKCS #8 (RFC 5958).
    pub fn from_pkcs8(algorithm: Algorithm, kid: &str, der: &[u8]) -> Result<SigningKey, JoseError> {
        let key = PKey::private_key_from_pkcs8(der).map_err(|_| JoseError::InvalidKey("not PKCS #8"))?;
        let fits = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => key.id() == Id::RSA && key.bits() >= RSA_BITS,
            Algorithm::Es256 => key.id() == Id::EC,
            Algorithm::EdDsa => key.id() == Id::ED25519,
            Algorithm::Hs256 => return Err(JoseError::AlgorithmNotAllowed),
        };
        if !fits {
            return Err(JoseError::InvalidKey(
                "of another type or shorter than its algorithm wants",
            ));
        }
        let public = key.public_key_to_der().map_err(failed)?;
        Ok(SigningKey {
            algorithm,
            kid: kid.to_owned(),
            signer: Signer::new(algorithm, &key, der)?,
            pkcs8: Zeroizing::new(der.to_vec()),
            public_jwk: public_jwk(&key, algorithm, kid)?,
            verification: VerificationKey::from_spki(kid, algorithm, &public)?,
            headers: KINDS
                .into_iter()
                .map(|typ| (typ, header(algorithm, kid, typ)))
                .collect(),
        })
    }

    /// The key as PKCS #8, for the one place that seals it.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The name it is published under.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half with `kid`, `alg` and `use` (RFC 7517 §4).
    pub fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// The public half, ready to verify with.
    pub fn verification_key(&self) -> VerificationKey {
        self.verification.clone()
    }

    /// Signs claims as a compact JWS of the kind `typ` (RFC 7515 §3.1).
    pub fn sign<C: Serialize + ?Sized>(&self, typ: &str, claims: &C) -> Result<String, JoseError> {
        let mut payload = Vec::with_capacity(768);
        serde_json::to_writer(&mut payload, claims).map_err(|error| JoseError::Failed(error.to_string()))?;
        let made;
        let header = match self.headers.iter().find(|(kind, _)| *kind == typ) {
            Some((_, header)) => header,
            None => {
                made = header(self.algorithm, &self.kid, typ);
                &made
            }
        };
        // A third more for base64, an RSA-4096 signature and a point at most: one allocation.
        let mut token = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + 700);
        token.push_str(header);
        URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        let signature = self.signer.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {})", self.algorithm, self.kid)
    }
}

fn failed(error: ErrorStack) -> JoseError {
    JoseError::Failed(error.to_string())
}

fn generate(algorithm: Algorithm) -> Result<Option<Zeroizing<Vec<u8>>>, ErrorStack> {
    let key = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => PKey::from_rsa(Rsa::generate(RSA_BITS)?)?,
        Algorithm::Es256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)?
        }
        Algorithm::EdDsa => PKey::generate_ed25519()?,
        Algorithm::Hs256 => return Ok(None),
    };
    key.private_key_to_pkcs8().map(Zeroizing::new).map(Some)
}

/// What makes signatures of one algorithm.
enum Signer {
    /// Most tokens are signed with it, so it has a way of its own.
    Rs256(Rs256),
    Other(Box<dyn JwsSigner>),
}

impl Signer {
    fn new(algorithm: Algorithm, key: &PKey<Private>, pkcs8: &[u8]) -> Result<Signer, JoseError> {
        let other: Result<Box<dyn JwsSigner>, _> = match algorithm {
            Algorithm::Rs256 => return Rs256::new(key.clone()).map(Signer::Rs256).map_err(failed),
            Algorithm::Ps256 => PS256.signer_from_der(pkcs8).map(|signer| Box::new(signer) as _),
            Algorithm::Es256 => ES256.signer_from_der(pkcs8).map(|signer| Box::new(signer) as _),
            Algorithm::EdDsa => EdDSA.signer_from_der(pkcs8).map(|signer| Box::new(signer) as _),
            Algorithm::Hs256 => return Err(JoseError::AlgorithmNotAllowed),
        };
        other
            .map(Signer::Other)
            .map_err(|_| JoseError::InvalidKey("it makes no signer"))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        match self {
            Signer::Rs256(signer) => signer.sign(message).map_err(failed),
            Signer::Other(signer) => signer
                .sign(message)
                .map_err(|error| JoseError::Failed(error.to_string())),
        }
    }
}

fn public_jwk(key: &PKey<Private>, algorithm: Algorithm, kid: &str) -> Result<Value, JoseError> {
    let mut jwk = match algorithm {
        Algorithm::Es256 => ec_jwk(key).map_err(failed)?,
        Algorithm::EdDsa => {
            let x = key.raw_public_key().map_err(failed)?;
            json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(x) })
        }
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Hs256 => {
            let rsa = key.rsa().map_err(failed)?;
            let number = |n: Vec<u8>| URL_SAFE_NO_PAD.encode(n);
            json!({ "kty": "RSA", "n": number(rsa.n().to_vec()), "e": number(rsa.e().to_vec()) })
        }
    };
    if let Some(members) = jwk.as_object_mut() {
        members.insert("kid".to_owned(), kid.into());
        members.insert("alg".to_owned(), algorithm.as_str().into());
        members.insert("use".to_owned(), "sig".into());
    }
    Ok(jwk)
}

fn ec_jwk(key: &PKey<Private>) -> Result<Value, ErrorStack> {
    let ec = key.ec_key()?;
    let mut context = BigNumContext::new()?;
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    ec.public_key()
        .affine_coordinates(ec.group(), &mut x, &mut y, &mut context)?;
    // A coordinate keeps its leading zeros (RFC 7518 §6.2.1.2).
    let (x, y) = (x.to_vec_padded(32)?, y.to_vec_padded(32)?);
    let crv = if ec.group().curve_name() == Some(Nid::X9_62_PRIME256V1) {
        "P-256"
    } else {
        "another"
    };
    Ok(json!({ "kty": "EC", "crv": crv, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) }))
}

/// The encoded header and the point behind it.
fn header(algorithm: Algorithm, kid: &str, typ: &str) -> String {
    let json = json!({ "alg": algorithm.as_str(), "kid": kid, "typ": typ }).to_string();
    let mut header = URL_SAFE_NO_PAD.encode(json);
    header.push('.');
    header
}
