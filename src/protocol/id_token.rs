//! ID Tokens (OpenID Connect Core §2) and what we read from one that comes back as a hint.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::id::SessionId;
use crate::jose::{self, Algorithm, JoseError, KeySet};
use crate::session::Acr;
use crate::time::Timestamp;

/// The `typ` of an ID Token.
pub const TYP: &str = "JWT";

/// Claims that are never taken from the account, whatever a client asks for.
const RESERVED: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "sid",
    "events",
];

/// The claims of an ID Token (OpenID Connect Core §2).
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// Whom it is about.
    pub sub: &'a str,
    /// The client, alone; so there is no `azp`.
    pub aud: &'a str,
    /// Until when.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// When the account holder proved a factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// The `nonce` of the authentication request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The class reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// The factors proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<&'static str>,
    /// The half hash of the access token beside it (§3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The half hash of the code beside it (§3.3.2.11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_hash: Option<String>,
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The claims asked for one by one (§5.5). Names that mean something above are left out.
    #[serde(flatten, serialize_with = "without_reserved")]
    pub requested: Map<String, Value>,
}

fn without_reserved<S: Serializer>(requested: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        requested
            .iter()
            .filter(|(name, _)| !RESERVED.contains(&name.as_str())),
    )
}

/// What an `id_token_hint` tells (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// Whom it was about.
    pub sub: String,
    /// The client it was for.
    pub aud: Vec<String>,
    /// The browser session it was issued in.
    pub sid: Option<String>,
}

/// Checks that a hint is an ID Token of ours. One that has expired will do.
pub fn verify_hint(token: &str, keys: &KeySet, issuer: &str) -> Result<IdTokenHint, JoseError> {
    let verified = jose::verify(token, keys, &Algorithm::SIGNING)?;
    if verified.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case(TYP)) {
        return Err(JoseError::WrongKind("not an ID Token"));
    }
    let claims = verified.claims;
    // A logout token has this member and an ID Token must not (Back-Channel Logout §2.4).
    if claims.contains_key("events") {
        return Err(JoseError::WrongKind("a logout token"));
    }
    if jose::text(&claims, "iss")? != Some(issuer) {
        return Err(JoseError::Claim("iss"));
    }
    for name in ["exp", "iat"] {
        jose::required(jose::date(&claims, name)?, name)?;
    }
    Ok(IdTokenHint {
        sub: jose::required(jose::text(&claims, "sub")?, "sub")?.to_owned(),
        aud: jose::audiences(&claims)?,
        sid: jose::text(&claims, "sid")?.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const ISSUER: &str = "https://op.example.test";

    fn claims() -> Value {
        json!({ "iss": ISSUER, "sub": "s", "aud": "c", "exp": 20, "iat": 10, "sid": "x" })
    }

    #[test]
    fn requested_claims_stand_beside_but_never_replace_ours() {
        let requested = json!({ "email": "a@example.test", "sub": "mallory", "nonce": "n2", "aud": ["d"] });
        let claims = IdTokenClaims {
            iss: ISSUER,
            sub: "s",
            aud: "c",
            exp: Timestamp(20),
            iat: Timestamp(10),
            auth_time: Some(Timestamp(5)),
            nonce: Some("n1"),
            acr: Some(Acr::SingleFactor),
            amr: vec!["pwd"],
            at_hash: None,
            c_hash: None,
            sid: None,
            requested: requested.as_object().cloned().unwrap(),
        };
        let text = serde_json::to_string(&claims).unwrap();
        assert_eq!(text.matches("\"sub\"").count(), 1, "{text}");
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "iss": ISSUER, "sub": "s", "aud": "c", "exp": 20, "iat": 10, "auth_time": 5, "nonce": "n1",
                "acr": "1", "amr": ["pwd"], "email": "a@example.test",
            })
        );
    }

    #[test]
    fn an_expired_id_token_is_a_good_hint() {
        let key = SigningKey::generate(Algorithm::EdDsa, "k1").unwrap();
        let keys = KeySet::new(vec![key.verification_key()]);
        let hint = verify_hint(&key.sign(TYP, &claims()).unwrap(), &keys, ISSUER).unwrap();
        assert_eq!(
            hint,
            IdTokenHint {
                sub: "s".into(),
                aud: vec!["c".into()],
                sid: Some("x".into())
            }
        );
    }

    #[test]
    fn what_is_no_id_token_of_ours_is_no_hint() {
        let key = SigningKey::generate(Algorithm::EdDsa, "k1").unwrap();
        let other = SigningKey::generate(Algorithm::EdDsa, "k1").unwrap();
        let keys = KeySet::new(vec![key.verification_key()]);
        let refused = |key: &SigningKey, typ: &str, claims: &Value| {
            verify_hint(&key.sign(typ, claims).unwrap(), &keys, ISSUER).is_err()
        };
        for typ in ["at+jwt", "application/at+jwt", "logout+jwt", ""] {
            assert!(refused(&key, typ, &claims()), "{typ}");
        }
        assert!(refused(&other, TYP, &claims()));
        for (name, value) in [
            ("iss", json!("https://other.example.test")),
            ("events", json!({})),
            ("events", json!(null)),
            ("sub", json!(null)),
            ("aud", json!(null)),
            ("exp", json!("20")),
            ("iat", json!(true)),
            ("sid", json!(1)),
        ] {
            let mut changed = claims();
            changed[name] = value;
            assert!(refused(&key, TYP, &changed), "{name}");
        }
        assert!(verify_hint("a.b.c", &keys, ISSUER).is_err());
    }
}
