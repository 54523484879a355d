use serde_json::{Map, Value, json};

use super::*;
use crate::account::check_username;
use crate::time::Timestamp;

const ISSUER: &str = "https://corp.example.test";

fn upstream() -> Upstream {
    Upstream::new("corp".into(), ISSUER.into(), "c".into())
}

#[test]
fn what_cannot_work_or_is_not_safe_is_not_registered() {
    assert_eq!(upstream().check(), Ok(()));
    let wrong = |change: &dyn Fn(&mut Upstream)| {
        let mut upstream = upstream();
        change(&mut upstream);
        upstream.check().err().map(|error| error.0)
    };
    for name in ["", "Corp", "a/b", "a b", "ö", &"a".repeat(51)] {
        assert_eq!(wrong(&|u| u.name = name.into()), Some("name"), "{name}");
    }
    for issuer in [
        "http://corp.example.test",
        "corp.example.test",
        "https://corp.example.test?x",
        "https://corp.example.test#x",
        "https://u:p@corp.example.test",
        "javascript:alert(1)",
        "",
    ] {
        assert_eq!(wrong(&|u| u.issuer = issuer.into()), Some("issuer"), "{issuer}");
    }
    assert_eq!(wrong(&|u| u.issuer = "http://127.0.0.1:9/x".into()), None);
    assert_eq!(wrong(&|u| u.title = Some("a\nb".into())), Some("title"));
    assert_eq!(wrong(&|u| u.client_id = "a b".into()), Some("client_id"));
    assert_eq!(wrong(&|u| u.scope = "email".parse().unwrap()), Some("scope"));
    for method in [
        ClientAuthMethod::None,
        ClientAuthMethod::PrivateKeyJwt,
        ClientAuthMethod::ClientSecretJwt,
    ] {
        assert_eq!(
            wrong(&|u| u.token_endpoint_auth_method = method),
            Some("token_endpoint_auth_method")
        );
    }
    for domain in [
        "Example.org",
        "localhost",
        "@example.org",
        "example..org",
        "*.example.org",
    ] {
        let domains = || BTreeSet::from([domain.to_owned()]);
        assert_eq!(
            wrong(&|u| u.trusted_email_domains = domains()),
            Some("trusted_email_domains"),
            "{domain}"
        );
    }
}

#[test]
fn an_upstream_vouches_for_its_own_domains_and_no_others() {
    let upstream = Upstream {
        trusted_email_domains: BTreeSet::from(["example.test".to_owned()]),
        ..upstream()
    };
    assert!(upstream.vouches_for("alice@example.test") && upstream.vouches_for("alice@EXAMPLE.test"));
    for address in [
        "alice@sub.example.test",
        "alice@example.test.evil.test",
        "alice@evilexample.test",
        "alice@example.test@evil.test",
        "example.test",
        "",
    ] {
        assert!(!upstream.vouches_for(address), "{address}");
    }
}

#[test]
fn endpoints_are_safe_to_send_to() {
    for (endpoint, fine) in [
        ("https://corp.example.test/token?x=1", true),
        ("http://localhost:8080/token", true),
        ("http://corp.example.test/token", false),
        ("https://corp.example.test/jwks#x", false),
        ("https://u:p@corp.example.test/token", false),
        ("javascript:alert(1)", false),
        ("file:///etc/passwd", false),
        ("/token", false),
    ] {
        assert_eq!(is_endpoint(endpoint), fine, "{endpoint}");
    }
}

#[test]
fn a_response_names_its_issuer_where_that_was_promised() {
    for (promised, iss, fine) in [
        (false, None, true),
        (false, Some(ISSUER), true),
        (false, Some("https://evil.test"), false),
        (false, Some("https://corp.example.test/"), false),
        (true, None, false),
        (true, Some(ISSUER), true),
        (true, Some("https://evil.test"), false),
    ] {
        assert_eq!(may_have_sent(ISSUER, promised, iss), fine, "{promised} {iss:?}");
    }
}

fn expected() -> Expected<'static> {
    Expected {
        client_id: "c",
        authenticated_since: None,
        now: Timestamp(1000),
    }
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "iss": ISSUER, "sub": "s", "aud": "c", "exp": 1100, "iat": 990, "nonce": "n", "auth_time": 900,
        "email": "Alice@Example.test", "email_verified": true, "preferred_username": "alice", "name": "Alice\u{202e} E",
    });
    claims.as_object().unwrap().clone()
}

#[test]
fn a_good_id_token_tells_who_it_is() {
    let person = read_person(&claims(), &expected()).unwrap();
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), (ISSUER, "s"));
    assert_eq!(person.email.as_deref(), Some("Alice@example.test"));
    assert!(person.email_verified);
    assert_eq!(person.authenticated_at(), Timestamp(900));
    assert_eq!(person.name.as_deref(), Some("Alice E"));
}

#[test]
fn what_an_id_token_says_beyond_is_checked() {
    let check = |name: &str, value: Value, expected: &Expected<'_>| {
        let mut claims = claims();
        match value {
            Value::Null => claims.remove(name),
            value => claims.insert(name.to_owned(), value),
        };
        read_person(&claims, expected)
    };
    for (name, value, fine) in [
        ("aud", json!(["c"]), true),
        ("aud", json!(["c", "d"]), false),
        ("aud", json!([]), false),
        ("aud", json!(null), false),
        ("azp", json!("c"), true),
        ("azp", json!("d"), false),
        ("azp", json!(7), false),
        ("iat", json!(1060), true),
        ("iat", json!(1061), false),
        ("iat", json!(null), false),
        ("nbf", json!(1060), true),
        ("nbf", json!(2000), false),
        ("nbf", json!("0"), false),
        ("iss", json!(null), false),
        ("sub", json!(null), false),
        ("sub", json!(""), false),
        ("sub", json!("a\u{0}b"), false),
        ("sub", json!("s".repeat(256)), false),
        ("sub", json!(7), false),
        ("events", json!({}), false),
    ] {
        let result = check(name, value.clone(), &expected());
        assert_eq!(result.is_ok(), fine, "{name} {value}: {result:?}");
    }
    let mut shared = claims();
    shared.insert("aud".into(), json!(["c", "d"]));
    shared.insert("azp".into(), json!("c"));
    assert!(read_person(&shared, &expected()).is_ok());
    let since = |at| Expected {
        authenticated_since: Some(Timestamp(at)),
        ..expected()
    };
    assert!(check("auth_time", json!(900), &since(960)).is_ok());
    assert!(check("auth_time", json!(900), &since(961)).is_err());
    assert!(check("auth_time", json!(null), &since(0)).is_err());
    assert!(check("auth_time", json!(5000), &since(900)).is_err());
}

#[test]
fn when_somebody_signed_in_is_told_by_our_clock_or_not_known() {
    for (claim, since, at) in [
        (json!(900), None, 900),
        (json!(900.9), None, 900),
        (json!(1060), None, 1000),
        (json!(900), Some(960), 960),
        (json!(970), Some(960), 970),
        (json!(1060), Some(960), 1000),
        // Not known, and so never fresh.
        (json!(1061), None, 0),
        (json!("900"), None, 0),
        (json!(null), None, 0),
    ] {
        let mut claims = claims();
        claims.insert("auth_time".into(), claim.clone());
        let expected = Expected {
            authenticated_since: since.map(Timestamp),
            ..expected()
        };
        let person = read_person(&claims, &expected).unwrap();
        assert_eq!(person.authenticated_at(), Timestamp(at), "{claim} {since:?}");
    }
    let mut silent = claims();
    silent.remove("auth_time");
    let person = read_person(&silent, &expected()).unwrap();
    assert_eq!(person.authenticated_at(), Timestamp(0));
}

#[test]
fn userinfo_speaks_of_the_same_person_or_not_at_all() {
    let person = Person {
        issuer: ISSUER.into(),
        subject: "s".into(),
        ..Person::default()
    };
    let mut described = person.clone();
    let document = json!({ "sub": "s", "email": "a@b.test", "email_verified": "true" });
    check_userinfo(&mut described, &document).unwrap();
    assert_eq!(
        (described.email.as_deref(), described.email_verified),
        (Some("a@b.test"), false)
    );
    // What another document says of another address does not verify this one.
    let later = json!({ "sub": "s", "email": "victim@b.test", "email_verified": true });
    check_userinfo(&mut described, &later).unwrap();
    assert_eq!(
        (described.email.as_deref(), described.email_verified),
        (Some("a@b.test"), false)
    );
    for document in [json!({ "sub": "t" }), json!({}), json!([]), json!({ "sub": 1 })] {
        assert!(
            check_userinfo(&mut person.clone(), &document).is_err(),
            "{document}"
        );
    }
}

#[test]
fn only_verified_ground_connects_without_asking() {
    let ask = |may_create| Verdict::Ask { may_create };
    let good = Local {
        email_verified: true,
        disabled: false,
        has_identity_there: false,
    };
    let unverified = Local {
        email_verified: false,
        ..good
    };
    let disabled = Local {
        disabled: true,
        ..good
    };
    let taken = Local {
        has_identity_there: true,
        ..good
    };
    for (known_disabled, vouched, local, create_accounts, verdict) in [
        // Issuer and subject decide, whatever the address says.
        (Some(false), false, None, false, Verdict::SignIn),
        (Some(false), true, Some(good), true, Verdict::SignIn),
        (Some(true), true, Some(good), true, Verdict::Refuse),
        // Both sides have verified the address.
        (None, true, Some(good), false, Verdict::Link),
        (None, true, Some(good), true, Verdict::Link),
        // One side has not.
        (None, false, Some(good), false, ask(false)),
        (None, false, Some(good), true, ask(true)),
        (None, true, Some(unverified), false, ask(false)),
        (None, true, Some(unverified), true, ask(true)),
        // The address has changed hands, or the account is shut.
        (None, true, Some(taken), true, ask(true)),
        (None, true, Some(disabled), true, ask(true)),
        // Nobody has the address; the same is asked as when somebody has it.
        (None, false, None, false, ask(false)),
        (None, false, None, true, ask(true)),
        (None, true, None, false, ask(false)),
        (None, true, None, true, Verdict::Create),
    ] {
        let facts = LinkingFacts {
            known_disabled,
            vouched,
            local,
            create_accounts,
        };
        assert_eq!(decide(&facts), verdict, "{facts:?}");
    }
}

#[test]
fn user_names_are_made_to_fit() {
    for (preferred, email, made) in [
        (Some("Alice.Example"), None, Some("alice-example")),
        (Some("alice@corp.test"), None, Some("alice")),
        (Some("--a   b--"), None, Some("a-b")),
        (Some("Ünïcode"), Some("u.code@x.test"), Some("n-code")),
        (Some("李"), Some("li.wei@x.test"), Some("li-wei")),
        (Some("admin"), Some("root@x.test"), None),
        (Some("boss"), Some("carol@x.test"), Some("carol")),
        (Some("x"), None, None),
        (None, None, None),
    ] {
        let person = Person {
            preferred_username: preferred.map(str::to_owned),
            email: email.map(str::to_owned),
            ..Person::default()
        };
        let name = username_candidate(&person, &["boss".to_owned()]);
        assert_eq!(name.as_deref(), made, "{preferred:?} {email:?}");
        assert!(name.is_none_or(|name| check_username(&name).is_ok()));
    }
}
