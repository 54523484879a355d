use serde_json::json;

use super::*;
use crate::error::ErrorCode;

const ISSUER: &str = "https://op.example.test";
const ENDPOINT: &str = "https://op.example.test/token";
const NOW: i64 = 1_000_000;

fn claims(changes: &[(&str, Value)]) -> Map<String, Value> {
    let mut claims =
        json!({ "iss": "c", "sub": "c", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "1" })
            .as_object()
            .cloned()
            .unwrap();
    for (name, value) in changes {
        claims.insert((*name).to_owned(), value.clone());
    }
    claims
}

fn check(claims: &Map<String, Value>, endpoints: &[String]) -> Result<AssertionUse, AssertionError> {
    let now = Timestamp(NOW);
    let rules = AssertionRules {
        client_id: "c",
        issuer: ISSUER,
        endpoint_audiences: endpoints,
        alg: None,
        now,
    };
    check_assertion(claims, None, &rules)
}

#[test]
fn each_rule_of_rfc_7523_has_its_refusal() {
    use AssertionError as E;
    for (name, value, refusal) in [
        ("iss", json!("d"), Some(E::Issuer)),
        ("iss", json!(["c"]), Some(E::Issuer)),
        ("sub", json!("d"), Some(E::Subject)),
        ("sub", json!(null), Some(E::Subject)),
        ("aud", json!(ENDPOINT), Some(E::Audience)),
        ("aud", json!([ISSUER]), Some(E::Audience)),
        (
            "aud",
            json!([ISSUER, "https://evil.example.test"]),
            Some(E::Audience),
        ),
        ("aud", json!("https://op.example.test/"), Some(E::Audience)),
        ("aud", json!("https://OP.example.test"), Some(E::Audience)),
        ("aud", json!(null), Some(E::Audience)),
        ("exp", json!(null), Some(E::NoExpiry)),
        ("exp", json!((NOW + 60).to_string()), Some(E::NoExpiry)),
        ("exp", json!(NOW), Some(E::Expired)),
        ("exp", json!(NOW - 1), Some(E::Expired)),
        ("exp", json!(NOW + 1), None),
        ("exp", json!(1_000_030.5), None),
        ("exp", json!(NOW + 310), None),
        ("exp", json!(NOW + 311), Some(E::TooLong)),
        ("exp", json!(NOW + 86_400), Some(E::TooLong)),
        ("exp", json!(1e300), Some(E::TooLong)),
        ("iat", json!(NOW + 8), None),
        ("iat", json!(NOW + 61), Some(E::NotYet)),
        ("iat", json!("now"), Some(E::NotYet)),
        ("nbf", json!(NOW + 10), None),
        ("nbf", json!(NOW + 11), Some(E::NotYet)),
        ("nbf", json!(null), Some(E::NotYet)),
        ("jti", json!(""), Some(E::Identifier)),
        ("jti", json!(7), Some(E::Identifier)),
        ("jti", json!("j".repeat(255)), None),
        ("jti", json!("j".repeat(256)), Some(E::Identifier)),
    ] {
        assert_eq!(
            check(&claims(&[(name, value.clone())]), &[]).err(),
            refusal,
            "{name}: {value}"
        );
    }
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let mut claims = claims(&[]);
        claims.remove(name);
        assert!(check(&claims, &[]).is_err(), "without {name}");
    }
    let mut claims = claims(&[]);
    claims.remove("iat");
    assert!(check(&claims, &[]).is_ok());
}

#[test]
fn the_older_habit_widens_the_audience_to_what_is_ours_and_no_further() {
    let endpoints = [ENDPOINT.to_owned()];
    for (aud, fine) in [
        (json!(ISSUER), true),
        (json!(ENDPOINT), true),
        (json!([ENDPOINT]), true),
        (json!([ISSUER, ENDPOINT]), true),
        (json!([ISSUER, "https://evil.example.test"]), false),
        (json!([]), false),
        (json!([[ISSUER]]), false),
        (json!("https://op.example.test/par"), false),
    ] {
        assert_eq!(
            check(&claims(&[("aud", aud.clone())]), &endpoints).is_ok(),
            fine,
            "{aud}"
        );
    }
    assert!(check(&claims(&[("exp", json!(NOW + 3610))]), &endpoints).is_ok());
    assert!(check(&claims(&[("exp", json!(NOW + 3611))]), &endpoints).is_err());
}

#[test]
fn only_two_kinds_of_token_are_assertions() {
    let rules = AssertionRules {
        client_id: "c",
        issuer: ISSUER,
        endpoint_audiences: &[],
        alg: Some(Algorithm::Ps256),
        now: Timestamp(NOW),
    };
    for (typ, fine) in [
        (None, true),
        (Some("JWT"), true),
        (Some("client-authentication+jwt"), true),
        (Some("at+jwt"), false),
        (Some("dpop+jwt"), false),
        (Some(""), false),
    ] {
        assert_eq!(
            check_assertion(&claims(&[]), typ, &rules).is_ok(),
            fine,
            "{typ:?}"
        );
    }
    assert_eq!(rules.algorithms(), [Algorithm::Ps256]);
}

#[test]
fn replay_keys_tell_clients_and_identifiers_apart() {
    assert_eq!(replay_key("c", "1"), replay_key("c", "1"));
    for (client_id, jti) in [("c", "2"), ("d", "1"), ("c:1", ""), ("", "c:1")] {
        assert_ne!(replay_key("c", "1"), replay_key(client_id, jti));
    }
    assert_ne!(replay_key("a:b", "c"), replay_key("a", "b:c"));
}

fn header(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[test]
fn basic_credentials_are_form_decoded() {
    for (text, id, secret) in [
        ("c:s", "c", "s"),
        ("c:a:b", "c", "a:b"),
        ("https%3A%2F%2Fc:a+b%2B%25", "https://c", "a b+%"),
        ("c%C3%A4:", "c\u{e4}", ""),
    ] {
        match presented(Some(&header(text)), None, None, None, None) {
            Ok(Presented::Basic {
                client_id,
                secret: sent,
            }) => {
                assert_eq!((client_id.as_str(), sent.expose()), (id, secret));
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let lower = header("c:s").replace("Basic", "bAsIc");
    assert!(matches!(
        presented(Some(&lower), Some("c"), None, None, None),
        Ok(Presented::Basic { .. })
    ));
}

#[test]
fn malformed_basic_credentials_are_no_client() {
    let unpadded = header("cc:s").trim_end_matches('=').to_owned();
    for text in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic Yzpz Yzpz",
        "Bearer abc",
        &unpadded[..unpadded.len() - 1],
        &header("no-colon"),
        &header(":s"),
        &header("c:%"),
        &header("c:%4"),
        &header("c:%zz"),
        &header("c:%+1"),
        &header("c%00:s"),
        &header("c:%ff"),
        &format!("Basic {}", STANDARD.encode([0xff, b':', b's'])),
    ] {
        let error = presented(Some(text), None, None, None, None).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidClient, "{text}");
    }
}

#[test]
fn exactly_one_method_is_used() {
    let basic = header("c:s");
    let (basic, kind) = (Some(basic.as_str()), Some(ASSERTION_TYPE));
    for (authorization, id, secret, kind, assertion) in [
        (basic, None, Some("s"), None, None),
        (basic, Some("c"), Some("s"), None, None),
        (basic, None, None, kind, Some("a")),
        (basic, Some("d"), None, None, None),
        (None, Some("c"), Some("s"), kind, Some("a")),
        (None, None, Some("s"), None, None),
        (None, Some("c"), None, kind, None),
        (None, Some("c"), None, None, Some("a")),
        (
            None,
            Some("c"),
            None,
            Some("urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
            Some("a"),
        ),
    ] {
        let error = presented(authorization, id, secret, kind, assertion).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
    }
    let form = |id, secret, kind, assertion| presented(None, id, secret, kind, assertion).unwrap();
    assert!(matches!(
        form(Some("c"), Some("s"), None, None),
        Presented::Post { .. }
    ));
    assert!(matches!(
        form(Some("c"), Some(""), None, None),
        Presented::Public { .. }
    ));
    assert!(matches!(
        form(None, None, kind, Some("a")),
        Presented::Assertion { client_id: None, .. }
    ));
    assert!(matches!(
        form(Some("c"), None, kind, Some("a")),
        Presented::Assertion {
            client_id: Some(_),
            ..
        }
    ));
    assert!(matches!(form(None, None, None, None), Presented::Missing));
}
