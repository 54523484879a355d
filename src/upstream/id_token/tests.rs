use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::jose::{Algorithm, SigningKey, half_hash};
use protocol::time::Timestamp;
use serde_json::Value;

use super::*;

const ISSUER: &str = "https://corp.example.test";

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, "k").unwrap()
}

fn published(jwks: &[Value]) -> CoreJsonWebKeySet {
    fit(&serde_json::from_value(json!({ "keys": jwks })).unwrap())
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "s", "aud": "c", "exp": 1100, "iat": 990, "nonce": "n",
        "email": "alice@example.test", "email_verified": true, "name": "Alice E",
    })
}

/// What comes of a token response with this ID Token.
fn check(id_token: &str, keys: &CoreJsonWebKeySet) -> Result<Person, UpstreamError> {
    let answer = json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token });
    let answer: CoreTokenResponse = serde_json::from_value(answer).map_err(|_| UpstreamError::Response)?;
    let issuer = IssuerUrl::new(ISSUER.to_owned()).unwrap();
    let expected = Expected {
        client_id: "c",
        authenticated_since: None,
        now: Timestamp(1000),
    };
    verify(&answer, keys, &issuer, "n", &expected)
}

#[test]
fn each_allowed_algorithm_is_believed_with_its_hash_of_the_access_token() {
    for algorithm in Algorithm::SIGNING {
        let key = key(algorithm);
        let keys = published(&[key.public_jwk().clone()]);
        let mut claims = claims();
        claims["at_hash"] = half_hash(algorithm, "at").into();
        let person = check(&key.sign("JWT", &claims).unwrap(), &keys).unwrap();
        assert_eq!((person.issuer.as_str(), person.subject.as_str()), (ISSUER, "s"));
        assert_eq!(person.email.as_deref(), Some("alice@example.test"));
        assert!(person.email_verified);
        assert_eq!(person.name.as_deref(), Some("Alice E"));
        claims["at_hash"] = half_hash(algorithm, "other").into();
        assert!(check(&key.sign("JWT", &claims).unwrap(), &keys).is_err());
    }
}

#[test]
fn each_claim_is_checked() {
    let key = key(Algorithm::Es256);
    let keys = published(&[key.public_jwk().clone()]);
    for (name, value, fine) in [
        ("iss", json!("https://evil.test"), false),
        ("iss", json!("https://corp.example.test/"), false),
        ("iss", json!(null), false),
        ("aud", json!("d"), false),
        ("aud", json!(["c"]), true),
        ("aud", json!(["c", "d"]), false),
        ("aud", json!([]), false),
        ("aud", json!(null), false),
        ("azp", json!("c"), true),
        ("azp", json!("d"), false),
        ("exp", json!(1001), true),
        ("exp", json!(1000), false),
        ("exp", json!(null), false),
        ("iat", json!(1061), false),
        ("iat", json!(null), false),
        ("nbf", json!(2000), false),
        ("nonce", json!("other"), false),
        ("nonce", json!(""), false),
        ("nonce", json!(null), false),
        ("sub", json!(null), false),
        ("sub", json!("a\u{0}b"), false),
        ("events", json!({}), false),
    ] {
        let mut claims = claims();
        match value.clone() {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
        };
        let result = check(&key.sign("JWT", &claims).unwrap(), &keys);
        assert_eq!(result.is_ok(), fine, "{name} {value}: {result:?}");
    }
    let mut shared = claims();
    (shared["aud"], shared["azp"]) = (json!(["c", "d"]), json!("c"));
    assert!(check(&key.sign("JWT", &shared).unwrap(), &keys).is_ok());
}

#[test]
fn other_keys_kinds_and_algorithms_are_refused() {
    let (key, other) = (key(Algorithm::Es256), key(Algorithm::Es256));
    let keys = published(&[key.public_jwk().clone()]);
    let strange = check(&other.sign("JWT", &claims()).unwrap(), &keys).unwrap_err();
    assert!(wants_other_keys(&strange), "{strange:?}");
    let unknown = SigningKey::generate(Algorithm::Es256, "k2").unwrap();
    let unknown = check(&unknown.sign("JWT", &claims()).unwrap(), &keys).unwrap_err();
    assert!(wants_other_keys(&unknown), "{unknown:?}");
    for typ in ["at+jwt", "logout+jwt"] {
        let kind = check(&key.sign(typ, &claims()).unwrap(), &keys).unwrap_err();
        assert!(!wants_other_keys(&kind), "{kind:?}");
    }
    let token = key.sign("JWT", &claims()).unwrap();
    let (_, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    for algorithm in [
        "none", "HS256", "RS384", "RS512", "PS512", "ES384", "A128GCM", "x",
    ] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm, "kid": "k" }).to_string());
        for signature in ["", signature] {
            let refusal = check(&format!("{header}.{payload}.{signature}"), &keys).unwrap_err();
            assert!(!wants_other_keys(&refusal), "{algorithm}: {refusal:?}");
        }
    }
}

#[test]
fn keys_that_our_own_rules_refuse_are_passed_over() {
    for algorithm in Algorithm::SIGNING {
        let jwk = key(algorithm).public_jwk().clone();
        assert_eq!(published(std::slice::from_ref(&jwk)).keys().len(), 1, "{jwk}");
        for (name, value) in [("use", json!("enc")), ("d", json!("AA")), ("alg", json!("HS256"))] {
            let mut unfit = jwk.clone();
            unfit[name] = value;
            assert!(published(&[unfit]).keys().is_empty(), "{algorithm} {name}");
        }
    }
    let rsa = key(Algorithm::Rs256).public_jwk().clone();
    let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
    for (name, value) in [("n", json!(short)), ("e", json!("AQ")), ("n", json!(null))] {
        let mut weak = rsa.clone();
        weak[name] = value;
        assert!(published(&[weak]).keys().is_empty(), "{name}");
    }
    assert!(
        published(&[json!({ "kty": "oct", "k": "c2VjcmV0" }), json!(7)])
            .keys()
            .is_empty()
    );
}
