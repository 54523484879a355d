//! Passkeys that were registered with another system: a public key as authenticators give it (RFC 9052 §7), its
//! credential identifier and its counter become the document that the WebAuthn library keeps. They work where the
//! relying party has the same name as there.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webauthn_rs::prelude::SecurityKey;

/// A value in a COSE key.
enum Member<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

type Members<'a> = BTreeMap<i64, Member<'a>>;

/// Bytes of CBOR (RFC 8949), read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The major type of the next item, and its argument.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = *self.take(1)?.first()?;
        let argument = match first & 0x1f {
            small @ 0..=23 => u64::from(small),
            24 => u64::from(*self.take(1)?.first()?),
            25 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?)),
            26 => u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((first >> 5, argument))
    }

    fn member(&mut self) -> Option<Member<'a>> {
        let (major, argument) = self.head()?;
        let number = i64::try_from(argument).ok()?;
        match major {
            0 => Some(Member::Number(number)),
            1 => Some(Member::Number(-1 - number)),
            2 => self.take(usize::try_from(argument).ok()?).map(Member::Bytes),
            _ => None,
        }
    }

    /// A map of few small members, which is all there is.
    fn map(mut self) -> Option<Members<'a>> {
        let (major, count) = self.head()?;
        if major != 5 || count > 8 {
            return None;
        }
        let mut members = Members::new();
        for _ in 0..count {
            let Member::Number(name) = self.member()? else {
                return None;
            };
            let value = self.member()?;
            members.insert(name, value);
        }
        self.0.is_empty().then_some(members)
    }
}

fn number(members: &Members<'_>, name: i64) -> Option<i64> {
    match members.get(&name)? {
        Member::Number(number) => Some(*number),
        Member::Bytes(_) => None,
    }
}

fn bytes<'a>(members: &Members<'a>, name: i64) -> Option<&'a [u8]> {
    match members.get(&name)? {
        Member::Bytes(bytes) => Some(bytes),
        Member::Number(_) => None,
    }
}

fn is_key(algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> bool {
    ParsedPublicKey::new(algorithm, key).is_ok()
}

/// The key as the library writes it; none for what is no key of a kind that is used here, or lies on no curve.
fn key(members: &Members<'_>) -> Option<Value> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match (number(members, 1)?, number(members, 3)?) {
        (2, algorithm @ (-7 | -35)) => {
            let (name, curve, id, length, check): (_, _, _, _, &'static dyn VerificationAlgorithm) =
                match algorithm {
                    -7 => ("ES256", "SECP256R1", 1, 32, &ECDSA_P256_SHA256_ASN1),
                    _ => ("ES384", "SECP384R1", 2, 48, &ECDSA_P384_SHA384_ASN1),
                };
            let (x, y) = (bytes(members, -2)?, bytes(members, -3)?);
            let point = [&[4], x, y].concat();
            let sound = number(members, -1)? == id && x.len() == length && y.len() == length;
            (sound && is_key(check, &point)).then(|| {
                json!({ "type_": name, "key": { "EC_EC2": { "curve": curve, "x": encode(x), "y": encode(y) } } })
            })
        }
        (1, -8) => {
            let x = bytes(members, -2)?;
            (number(members, -1)? == 6 && is_key(&ED25519, x)).then(
                || json!({ "type_": "EDDSA", "key": { "EC_OKP": { "curve": "ED25519", "x": encode(x) } } }),
            )
        }
        (3, -257) => {
            let (n, e) = (bytes(members, -1)?, bytes(members, -2)?);
            let e: [u8; 3] = e.try_into().ok()?;
            (n.len() == 256)
                .then(|| json!({ "type_": "RS256", "key": { "RSA": { "n": encode(n), "e": e } } }))
        }
        _ => None,
    }
}

/// The document of a passkey; none when it cannot be one. It counts as one that does not verify its holder until it
/// shows that it does.
pub(crate) fn document(credential_id: &[u8], public_key: &[u8], counter: u32) -> Option<Value> {
    if !(16..=1023).contains(&credential_id.len()) || public_key.len() > 1024 {
        return None;
    }
    let document = json!({ "cred": {
        "cred_id": URL_SAFE_NO_PAD.encode(credential_id),
        "cred": key(&Reader(public_key).map()?)?,
        "counter": counter,
        "transports": null,
        "user_verified": false,
        "backup_eligible": false,
        "backup_state": false,
        "registration_policy": "preferred",
        "extensions": {},
        "attestation": { "data": "None", "metadata": "None" },
        "attestation_format": "none",
    }});
    let read: SecurityKey = serde_json::from_value(document).ok()?;
    serde_json::to_value(&read).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of P-256: the point G itself.
    fn generator() -> Vec<u8> {
        let hex = "a5010203262001215820\
                   6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                   225820\
                   4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn a_cose_key_becomes_a_document_that_the_library_reads() {
        let document = document(&[7; 32], &generator(), 41).unwrap();
        assert_eq!(document["cred"]["counter"], 41);
        assert_eq!(document["cred"]["cred"]["type_"], "ES256");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = generator();
        let mut off_curve = good.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        let mut long = good.clone();
        long.push(0);
        for wrong in [
            &off_curve[..],
            &long,
            &good[..40],
            &[],
            &[0xbf, 0xff],
            &[0xb9, 0xff, 0xff],
        ] {
            assert!(document(&[7; 32], wrong, 0).is_none(), "{wrong:02x?}");
        }
        assert!(document(&[7; 4], &good, 0).is_none());
    }
}
