//! JWT access tokens (RFC 9068): what they claim, how their identifiers lead back to a grant, how we check our own.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::id::{GrantId, SessionId};
use crate::jose::{self, Algorithm, JoseError, KeySet};
use crate::scope::Scope;
use crate::session::Acr;
use crate::time::Timestamp;

/// The `typ` of an access token (RFC 9068 §2.1).
pub const TYP: &str = "at+jwt";

/// The claims of an access token (RFC 9068 §2.2). For client credentials `sub` is the client (§2.2).
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    /// Who issued it.
    pub iss: &'a str,
    /// Whose authority it carries.
    pub sub: &'a str,
    /// The resource servers it is for.
    pub aud: Audience<'a>,
    /// To whom it was issued.
    pub client_id: &'a str,
    /// When.
    pub iat: Timestamp,
    /// Until when.
    pub exp: Timestamp,
    /// Its identifier.
    pub jti: &'a TokenId,
    /// What it allows.
    #[serde(skip_serializing_if = "no_scope")]
    pub scope: &'a Scope,
    /// When the account holder proved a factor (§2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// The class reached (§2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// The factors proved (§2.2.1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<&'static str>,
    /// The browser session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The account's roles, for clients that want them (§2.2.3.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<&'a BTreeSet<String>>,
    /// The account's permissions, for clients that want them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<&'a BTreeSet<String>>,
}

fn no_scope(scope: &&Scope) -> bool {
    scope.is_empty()
}

/// An `aud`: a string when there is one, an array when there are several (RFC 7519 §4.1.3).
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a>(pub &'a [String]);

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => serializer.serialize_str(one),
            several => serializer.collect_seq(several),
        }
    }
}

/// A `jti`. That of a token under a grant begins with the grant's identifier, so that a resource
/// server's question about it can be answered without a row for each token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenId {
    text: String,
    grant: Option<GrantId>,
}

impl TokenId {
    /// An identifier under a grant.
    pub fn for_grant(grant: GrantId, random: [u8; 16]) -> TokenId {
        let mut bytes = [0; 32];
        let (head, tail) = bytes.split_at_mut(16);
        head.copy_from_slice(grant.0.as_bytes());
        tail.copy_from_slice(&random);
        TokenId {
            text: URL_SAFE_NO_PAD.encode(bytes),
            grant: Some(grant),
        }
    }

    /// An identifier of a token that hangs on no grant (RFC 6749 §4.4).
    pub fn without_grant(random: [u8; 16]) -> TokenId {
        TokenId {
            text: URL_SAFE_NO_PAD.encode(random),
            grant: None,
        }
    }

    /// Takes an identifier that has one of the two forms.
    pub fn parse(text: &str) -> Option<TokenId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let grant = match bytes.len() {
            16 => None,
            32 => Some(GrantId(Uuid::from_slice(bytes.get(..16)?).ok()?)),
            _ => return None,
        };
        Some(TokenId {
            text: text.to_owned(),
            grant,
        })
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The grant it hangs on.
    pub fn grant_id(&self) -> Option<GrantId> {
        self.grant
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// An access token of ours that is genuine and has not ended. Whether it was revoked is for the store to say.
#[derive(Clone, Debug)]
pub struct VerifiedAccessToken {
    /// Whose authority it carries.
    pub sub: String,
    /// To whom it was issued.
    pub client_id: String,
    /// The resource servers it is for.
    pub aud: Vec<String>,
    /// What it allows.
    pub scope: Scope,
    /// When it was issued.
    pub iat: Timestamp,
    /// When it ends.
    pub exp: Timestamp,
    /// Its identifier.
    pub jti: TokenId,
    /// The class reached.
    pub acr: Option<Acr>,
    /// When the account holder proved a factor.
    pub auth_time: Option<Timestamp>,
    /// All claims.
    pub raw: Map<String, Value>,
}

impl VerifiedAccessToken {
    /// Checks a token as a resource server must (RFC 9068 §4), but for its audience.
    pub fn verify(
        token: &str,
        keys: &KeySet,
        issuer: &str,
        now: Timestamp,
    ) -> Result<VerifiedAccessToken, JoseError> {
        let verified = jose::verify(token, keys, &Algorithm::SIGNING)?;
        let is_access_token = |typ: &String| {
            [TYP, "application/at+jwt"]
                .iter()
                .any(|name| typ.eq_ignore_ascii_case(name))
        };
        if !verified.typ.as_ref().is_some_and(is_access_token) {
            return Err(JoseError::WrongKind("not an access token"));
        }
        let claims = verified.claims;
        let text = |name| jose::text(&claims, name);
        if text("iss")? != Some(issuer) {
            return Err(JoseError::Claim("iss"));
        }
        let exp = jose::required(jose::date(&claims, "exp")?, "exp")?;
        if exp <= now {
            return Err(JoseError::Expired);
        }
        let scope = text("scope")?
            .unwrap_or_default()
            .parse()
            .map_err(|_| JoseError::Claim("scope"))?;
        let acr = match text("acr")? {
            Some(name) => Some(Acr::parse(name).ok_or(JoseError::Claim("acr"))?),
            None => None,
        };
        Ok(VerifiedAccessToken {
            sub: jose::required(text("sub")?, "sub")?.to_owned(),
            client_id: jose::required(text("client_id")?, "client_id")?.to_owned(),
            aud: jose::audiences(&claims)?,
            scope,
            iat: jose::required(jose::date(&claims, "iat")?, "iat")?,
            exp,
            jti: jose::required(text("jti")?.and_then(TokenId::parse), "jti")?,
            acr,
            auth_time: jose::date(&claims, "auth_time")?,
            raw: claims,
        })
    }

    /// Whether `resource` is its only audience, so that nobody else gets to see it.
    pub fn is_only_for(&self, resource: &str) -> bool {
        self.is_for(resource) && self.aud.iter().all(|audience| audience == resource)
    }

    /// Whether `resource` is one of its audiences.
    pub fn is_for(&self, resource: &str) -> bool {
        self.aud.iter().any(|audience| audience == resource)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const ISSUER: &str = "https://op.example.test";
    const NOW: Timestamp = Timestamp(1_000_000);

    fn key() -> SigningKey {
        SigningKey::generate(Algorithm::Es256, "k1").unwrap()
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "sub": "s", "aud": "https://api.example.test/", "client_id": "c", "iat": 999_990,
            "exp": 1_000_600, "jti": TokenId::without_grant([7; 16]), "scope": "a b", "acr": "2",
            "auth_time": 999_000,
        })
    }

    fn check(key: &SigningKey, typ: &str, claims: &Value) -> Result<VerifiedAccessToken, JoseError> {
        let token = key.sign(typ, claims).unwrap();
        VerifiedAccessToken::verify(&token, &KeySet::new(vec![key.verification_key()]), ISSUER, NOW)
    }

    #[test]
    fn the_claims_are_those_of_rfc_9068() {
        let jti = TokenId::without_grant([0; 16]);
        let scope: Scope = "a b".parse().unwrap();
        let one = ["https://api.example.test/".to_owned()];
        let mut claims = AccessTokenClaims {
            iss: ISSUER,
            sub: "s",
            aud: Audience(&one),
            client_id: "c",
            iat: Timestamp(1),
            exp: Timestamp(2),
            jti: &jti,
            scope: &scope,
            auth_time: Some(Timestamp(3)),
            acr: Some(Acr::MultiFactor),
            amr: vec!["pwd", "otp", "mfa"],
            sid: None,
            roles: None,
            permissions: None,
        };
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            json!({
                "iss": ISSUER, "sub": "s", "aud": "https://api.example.test/", "client_id": "c", "iat": 1, "exp": 2,
                "jti": "AAAAAAAAAAAAAAAAAAAAAA", "scope": "a b", "auth_time": 3, "acr": "2",
                "amr": ["pwd", "otp", "mfa"],
            })
        );
        let two = ["a:1".to_owned(), "a:2".to_owned()];
        let nothing = Scope::empty();
        claims.aud = Audience(&two);
        claims.scope = &nothing;
        let value = serde_json::to_value(&claims).unwrap();
        assert_eq!(
            (value.get("aud"), value.get("scope")),
            (Some(&json!(["a:1", "a:2"])), None)
        );
    }

    #[test]
    fn an_identifier_leads_back_to_its_grant() {
        let grant = GrantId(Uuid::from_u128(0x1234_5678_9abc_def0_1234_5678_9abc_def0));
        let id = TokenId::for_grant(grant, [0xff; 16]);
        assert_eq!(id.as_str().len(), 43);
        assert_eq!(TokenId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(id.grant_id(), Some(grant));
        let id = TokenId::without_grant([1; 16]);
        assert_eq!(id.as_str().len(), 22);
        assert_eq!(TokenId::parse(id.as_str()).map(|id| id.grant_id()), Some(None));
        for text in [
            "",
            "abc",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "a/b+",
        ] {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_genuine_token_is_read() {
        let token = check(&key(), TYP, &claims()).unwrap();
        assert_eq!((token.sub.as_str(), token.client_id.as_str()), ("s", "c"));
        assert_eq!(
            (token.scope.to_string().as_str(), token.acr),
            ("a b", Some(Acr::MultiFactor))
        );
        assert!(token.is_for("https://api.example.test/") && !token.is_for("https://api.example.test"));
        let key = key();
        for typ in ["AT+JWT", "application/at+jwt"] {
            assert!(check(&key, typ, &claims()).is_ok(), "{typ}");
        }
    }

    #[test]
    fn no_other_kind_of_token_passes_for_an_access_token() {
        let key = key();
        for typ in ["JWT", "logout+jwt", "", "at+jwt ", "dpop+jwt"] {
            let error = check(&key, typ, &claims()).unwrap_err();
            assert_eq!(error, JoseError::WrongKind("not an access token"), "{typ}");
        }
    }

    #[test]
    fn wrong_claims_are_refused_and_wrong_types_are_not_taken_for_absent() {
        let key = key();
        for (name, value) in [
            ("iss", json!("https://op.example.test/")),
            ("iss", json!([ISSUER])),
            ("exp", json!(1_000_000)),
            ("exp", json!("1000600")),
            ("exp", json!(null)),
            ("iat", json!("999990")),
            ("sub", json!(1)),
            ("aud", json!([])),
            ("aud", json!([1])),
            ("aud", json!({})),
            ("client_id", json!(null)),
            ("jti", json!("not ours")),
            ("scope", json!(["a"])),
            ("auth_time", json!(null)),
            ("auth_time", json!("999000")),
            ("acr", json!(2)),
        ] {
            let mut changed = claims();
            changed[name] = value.clone();
            assert!(check(&key, TYP, &changed).is_err(), "{name}: {value}");
        }
        for name in ["iss", "exp", "iat", "sub", "aud", "client_id", "jti"] {
            let mut changed = claims();
            changed.as_object_mut().unwrap().remove(name);
            assert!(check(&key, TYP, &changed).is_err(), "without {name}");
        }
    }
}
