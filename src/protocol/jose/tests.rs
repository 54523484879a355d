use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};

use super::*;

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm, "k1").unwrap()
}

fn set(key: &SigningKey) -> KeySet {
    KeySet::new(vec![key.verification_key()])
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A token with any header, signed with any HMAC key.
fn hs256(header: &Value, claims: &str, secret: &[u8]) -> String {
    let input = format!("{}.{}", encode(header.to_string()), encode(claims));
    let key = PKey::hmac(secret).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let tag = signer.sign_oneshot_to_vec(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(tag))
}

/// A token with any header and payload, truly signed with ES256.
fn es256(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    let signer = josekit::jws::ES256.signer_from_der(key.to_pkcs8()).unwrap();
    let input = format!("{}.{}", encode(header), encode(payload));
    let signature = josekit::jws::JwsSigner::sign(&signer, input.as_bytes()).unwrap();
    format!("{input}.{}", encode(signature))
}

#[test]
fn each_algorithm_goes_round() {
    for algorithm in Algorithm::SIGNING {
        let key = key(algorithm);
        let token = key.sign("at+jwt", &json!({ "sub": "ä", "exp": 1 })).unwrap();
        let published = KeySet::from_jwks(&json!({ "keys": [key.public_jwk()] })).unwrap();
        for keys in [set(&key), published] {
            let verified = verify(&token, &keys, &[algorithm]).unwrap();
            assert_eq!((verified.alg, verified.kid.as_deref()), (algorithm, Some("k1")));
            assert_eq!(verified.typ.as_deref(), Some("at+jwt"));
            assert_eq!(Value::Object(verified.claims), json!({ "sub": "ä", "exp": 1 }));
        }
        let restored = SigningKey::from_pkcs8(algorithm, "k1", &key.to_pkcs8()).unwrap();
        assert_eq!(restored.public_jwk(), key.public_jwk());
        let again = restored.sign("odd+jwt", &json!({})).unwrap();
        assert_eq!(
            verify(&again, &set(&key), &[algorithm]).unwrap().typ.as_deref(),
            Some("odd+jwt")
        );
        assert_eq!(
            verify(&token, &set(&self::key(algorithm)), &[algorithm]).unwrap_err(),
            JoseError::BadSignature
        );
        let others: Vec<_> = Algorithm::SIGNING
            .into_iter()
            .filter(|other| *other != algorithm)
            .collect();
        assert_eq!(
            verify(&token, &set(&key), &others).unwrap_err(),
            JoseError::AlgorithmNotAllowed
        );
    }
}

#[test]
fn a_changed_token_is_refused() {
    let key = key(Algorithm::EdDsa);
    let token = key.sign("JWT", &json!({ "sub": "alice" })).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let forged = format!("{header}.{}.{signature}", encode(r#"{"sub":"admin"}"#));
    assert_eq!(
        verify(&forged, &set(&key), &Algorithm::SIGNING).unwrap_err(),
        JoseError::BadSignature
    );
}

#[test]
fn published_keys_are_public_and_named() {
    for algorithm in Algorithm::SIGNING {
        let key = key(algorithm);
        let jwk = key.public_jwk().as_object().unwrap();
        assert_eq!((&jwk["kid"], &jwk["use"]), (&json!("k1"), &json!("sig")));
        assert_eq!(jwk["alg"], json!(algorithm));
        assert!(
            !["d", "p", "q", "dp", "dq", "qi", "k"]
                .iter()
                .any(|name| jwk.contains_key(*name))
        );
        assert!(!format!("{key:?}").contains("d:"));
    }
}

#[test]
fn many_threads_sign_with_one_key() {
    let key = key(Algorithm::Rs256);
    let keys = set(&key);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (key, keys) = (&key, &keys);
            scope.spawn(move || {
                for number in 0..8 {
                    let claims = json!({ "thread": thread, "number": number });
                    let token = key.sign("JWT", &claims).unwrap();
                    let verified = verify(&token, keys, &[Algorithm::Rs256]).unwrap();
                    assert_eq!(Value::Object(verified.claims), claims);
                }
            });
        }
    });
}

#[test]
fn hs256_signs_nothing_here_and_a_key_fits_its_algorithm() {
    assert!(SigningKey::generate(Algorithm::Hs256, "k").is_err());
    let rsa = key(Algorithm::Rs256);
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Hs256] {
        assert!(SigningKey::from_pkcs8(algorithm, "k", &rsa.to_pkcs8()).is_err());
    }
    assert!(SigningKey::from_pkcs8(Algorithm::Rs256, "k", b"junk").is_err());
    for bits in [1024, 2047] {
        let short = PKey::from_rsa(openssl::rsa::Rsa::generate(bits).unwrap()).unwrap();
        let short = short.private_key_to_pkcs8().unwrap();
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            assert!(
                SigningKey::from_pkcs8(algorithm, "k", &short).is_err(),
                "{bits} bits"
            );
        }
    }
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP384R1).unwrap();
    let p384 = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    assert!(SigningKey::from_pkcs8(Algorithm::Es256, "k", &p384.private_key_to_pkcs8().unwrap()).is_err());
}

#[test]
fn alg_none_is_refused_in_each_spelling() {
    let keys = set(&key(Algorithm::Es256));
    let all = [Algorithm::SIGNING.as_slice(), &[Algorithm::Hs256]].concat();
    for alg in [
        "none", "None", "NONE", "nOnE", "", " none", "es256", "ES256 ", "ES384", "HS256", "HS512",
    ] {
        let input = format!("{}.{}", encode(json!({ "alg": alg }).to_string()), encode("{}"));
        for token in [
            format!("{input}."),
            format!("{input}.{}", encode("junk")),
            input.clone(),
        ] {
            assert!(verify(&token, &keys, &all).is_err(), "{alg}");
            assert!(verify_hs256(&token, &[7; 32]).is_err(), "{alg}");
        }
    }
    for alg in [json!(null), json!(["ES256"]), json!(1)] {
        let token = hs256(&json!({ "alg": alg }), "{}", &[7; 32]);
        assert!(verify(&token, &keys, &all).is_err() && verify_hs256(&token, &[7; 32]).is_err());
    }
    assert!(verify(&hs256(&json!({ "typ": "JWT" }), "{}", &[7; 32]), &keys, &all).is_err());
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let key = key(Algorithm::Rs256);
    let rsa = PKey::private_key_from_pkcs8(&key.to_pkcs8()).unwrap();
    let pem = rsa.public_key_to_pem().unwrap();
    let all = [Algorithm::SIGNING.as_slice(), &[Algorithm::Hs256]].concat();
    for secret in [
        rsa.public_key_to_der().unwrap(),
        pem.clone(),
        pem.trim_ascii_end().to_vec(),
        key.public_jwk().to_string().into_bytes(),
    ] {
        for alg in ["HS256", "HS384", "RS256"] {
            let token = hs256(&json!({ "alg": alg, "kid": "k1" }), "{}", &secret);
            assert!(verify(&token, &set(&key), &all).is_err(), "{alg}");
        }
    }
}

#[test]
fn keys_in_a_header_are_not_used() {
    let (ours, theirs) = (key(Algorithm::Es256), key(Algorithm::Es256));
    for (name, value) in [
        ("jwk", theirs.public_jwk().clone()),
        ("jku", json!("https://evil.example.test/jwks.json")),
        ("x5u", json!("https://evil.example.test/chain.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = json!({ "alg": "ES256", "kid": "k1", name: value }).to_string();
        let token = es256(&theirs, &header, b"{}");
        assert_eq!(
            verify(&token, &set(&ours), &Algorithm::SIGNING).unwrap_err(),
            JoseError::BadSignature
        );
    }
}

#[test]
fn ecdsa_edge_values_are_refused() {
    let key = key(Algorithm::Es256);
    let token = key.sign("JWT", &json!({})).unwrap();
    let (input, good) = token.rsplit_once('.').unwrap();
    let good = URL_SAFE_NO_PAD.decode(good).unwrap();
    let (r, s) = good.split_at(32);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let integer = |half: &[u8]| [&[2, 33, 0], half].concat();
    let der = [&[0x30, 70][..], &integer(r), &integer(s)].concat();
    for signature in [
        vec![0; 64],
        [&[0; 32], s].concat(),
        [r, &[0; 32]].concat(),
        [order, order].concat(),
        [&order, s].concat(),
        [r, &order].concat(),
        vec![0xff; 64],
        der,
        [&[0], &good[..]].concat(),
        [&good[..], &[0]].concat(),
        good[..63].to_vec(),
        vec![1],
        [&[0; 32], r, &[0; 32], s].concat(),
    ] {
        let token = format!("{input}.{}", encode(&signature));
        let error = verify(&token, &set(&key), &Algorithm::SIGNING).unwrap_err();
        assert_eq!(error, JoseError::BadSignature, "{signature:?}");
    }
    assert!(verify(&token, &set(&key), &Algorithm::SIGNING).is_ok());
}

#[test]
fn broken_structures_are_refused() {
    let key = key(Algorithm::Es256);
    let token = key.sign("JWT", &json!({ "a": 1 })).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("{token}")
    };
    // The last character of 64 bytes carries four bits that must be zero.
    let last = signature.chars().last().unwrap();
    let (stem, alphabet) = (
        &signature[..85],
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    );
    let at = alphabet.find(last).unwrap();
    let stray = format!("{stem}{}", &alphabet[at + 1..at + 2]);
    for broken in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "a.b".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}.{signature}"),
        format!("{token}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{stray}"),
        format!("{header}=.{payload}.{signature}"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{header}.{payload}.{signature}+/"),
        json!({ "payload": payload, "protected": header, "signature": signature }).to_string(),
        json!({ "payload": payload, "signatures": [] }).to_string(),
        "a".repeat(20_000),
        format!("{header}.{}.{signature}", "A".repeat(20_000)),
    ] {
        assert!(
            matches!(
                verify(&broken, &set(&key), &Algorithm::SIGNING),
                Err(JoseError::Malformed(_))
            ),
            "{broken}"
        );
        assert!(parse_unverified(&broken).is_err(), "{broken}");
    }
}

#[test]
fn headers_and_payloads_say_each_thing_once_in_json() {
    let key = key(Algorithm::Es256);
    let fine = r#"{"alg":"ES256","kid":"k1"}"#;
    for (header, payload) in [
        (r#"{"alg":"ES256","alg":"ES256"}"#, &b"{}"[..]),
        (r#"{"alg":"none","alg":"ES256"}"#, b"{}"),
        (r#"{"alg":"ES256","x":{"a":1,"a":1}}"#, b"{}"),
        (r#"{"alg":"ES256","\u0061lg":"ES256"}"#, b"{}"),
        (r#"{"alg":"ES256","crit":[]}"#, b"{}"),
        (r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, b"{}"),
        (r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, b"{}"),
        (r#"{"alg":"ES256","b64":true}"#, b"{}"),
        (r#"{"alg":"ES256","kid":1}"#, b"{}"),
        (r#"{"alg":"ES256","kid":null}"#, b"{}"),
        (r#"{"alg":"ES256","typ":[]}"#, b"{}"),
        (r#"["ES256"]"#, b"{}"),
        (r#"{"alg":"ES256"} {}"#, b"{}"),
        (r#"{"alg":"ES256",}"#, b"{}"),
        (fine, br#"{"sub":"a","sub":"b"}"#),
        (fine, br#"{"a":[{"b":1,"b":2}]}"#),
        (fine, b"[]"),
        (fine, b"null"),
        (fine, b"text"),
        (fine, b"{\"a\":\"\xff\"}"),
        (fine, b"\xef\xbb\xbf{}"),
        (fine, br#"{"a":"\ud800"}"#),
        (fine, br#"{"a":NaN}"#),
        (fine, &[b'['; 9000]),
    ] {
        let token = es256(&key, header, payload);
        let error = verify(&token, &set(&key), &Algorithm::SIGNING).unwrap_err();
        assert!(matches!(error, JoseError::Malformed(_)), "{header}: {error}");
    }
    assert!(verify(&es256(&key, fine, b" { } "), &set(&key), &Algorithm::SIGNING).is_ok());
}

#[test]
fn a_kid_matches_exactly_and_none_tries_all() {
    let (one, two) = (
        key(Algorithm::Es256),
        SigningKey::generate(Algorithm::Es256, "k2").unwrap(),
    );
    let keys = KeySet::new(vec![one.verification_key(), two.verification_key()]);
    for (kid, result) in [
        ("k2", Ok(())),
        ("k1", Err(JoseError::BadSignature)),
        ("K2", Err(JoseError::UnknownKey)),
        ("../k2", Err(JoseError::UnknownKey)),
        ("", Err(JoseError::UnknownKey)),
    ] {
        let token = es256(&two, &json!({ "alg": "ES256", "kid": kid }).to_string(), b"{}");
        assert_eq!(
            verify(&token, &keys, &Algorithm::SIGNING).map(|_| ()),
            result,
            "{kid}"
        );
    }
    assert!(
        verify(
            &es256(&two, r#"{"alg":"ES256"}"#, b"{}"),
            &keys,
            &Algorithm::SIGNING
        )
        .is_ok()
    );
    assert!(
        verify(
            &es256(&two, r#"{"alg":"ES256"}"#, b"{}"),
            &KeySet::default(),
            &Algorithm::SIGNING
        )
        .is_err()
    );
}

#[test]
fn the_algorithm_of_a_key_binds() {
    let key = key(Algorithm::Ps256);
    let token = key.sign("JWT", &json!({})).unwrap();
    let mut jwk = key.public_jwk().clone();
    let verifies = |jwk: &Value| {
        let keys = KeySet::from_jwks(&json!({ "keys": [jwk] })).unwrap();
        verify(&token, &keys, &Algorithm::SIGNING).is_ok()
    };
    assert!(verifies(&jwk));
    for (alg, fine) in [
        ("RS256", false),
        ("RSA-OAEP", false),
        ("ES256", false),
        ("PS256", true),
    ] {
        jwk["alg"] = json!(alg);
        assert_eq!(verifies(&jwk), fine, "{alg}");
    }
    jwk.as_object_mut().unwrap().remove("alg");
    assert!(verifies(&jwk));
    jwk["use"] = json!("enc");
    assert!(!verifies(&jwk));
    jwk.as_object_mut().unwrap().remove("use");
    for (operations, fine) in [
        (json!(["verify"]), true),
        (json!(["encrypt"]), false),
        (json!("verify"), false),
    ] {
        jwk["key_ops"] = operations;
        assert_eq!(verifies(&jwk), fine);
    }
}

#[test]
fn ed25519_keys_may_bear_their_newer_name() {
    let key = key(Algorithm::EdDsa);
    let mut jwk = key.public_jwk().clone();
    jwk["alg"] = json!("Ed25519");
    let keys = KeySet::from_jwks(&json!({ "keys": [jwk] })).unwrap();
    assert!(verify(&key.sign("JWT", &json!({})).unwrap(), &keys, &Algorithm::SIGNING).is_ok());
}

#[test]
fn sets_with_unfit_keys_are_refused_and_foreign_ones_passed_over() {
    let good = key(Algorithm::Es256).public_jwk().clone();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let rsa = key(Algorithm::Rs256).public_jwk().clone();
    let exponent = |e: &str| {
        let mut jwk = rsa.clone();
        jwk["e"] = json!(e);
        jwk
    };
    let short = openssl::rsa::Rsa::generate(1024).unwrap();
    for jwk in [
        with("d", json!("AQ")),
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "RSA", "n": encode(short.n().to_vec()), "e": "AQAB" }),
        exponent("AQ"),
        exponent("Ag"),
        exponent(""),
        exponent("AQAB="),
        with("x", json!(encode([1; 32]))),
        with("x", json!(encode([0; 31]))),
        with("x", json!(1)),
        with("y", json!("")),
        with("kid", json!(1)),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encode([1; 33]) }),
        json!("text"),
    ] {
        assert!(KeySet::from_jwks(&json!({ "keys": [jwk] })).is_err(), "{jwk}");
    }
    for jwks in [
        json!({}),
        json!([]),
        json!({ "keys": {} }),
        json!({ "keys": vec![good.clone(); 65] }),
    ] {
        assert!(KeySet::from_jwks(&jwks).is_err());
    }
    for jwk in [
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" }),
        json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "AA" }),
        with("use", json!("enc")),
        with("alg", json!("ECDH-ES")),
    ] {
        assert!(
            KeySet::from_jwks(&json!({ "keys": [jwk] })).unwrap().is_empty(),
            "{jwk}"
        );
    }
}

#[test]
fn hs256_wants_the_right_secret_and_a_long_one() {
    let secret = [7; 32];
    let token = hs256(
        &json!({ "alg": "HS256", "typ": "JWT" }),
        r#"{"sub":"c"}"#,
        &secret,
    );
    let verified = verify_hs256(&token, &secret).unwrap();
    assert_eq!(
        (verified.alg, verified.typ.as_deref()),
        (Algorithm::Hs256, Some("JWT"))
    );
    assert_eq!(
        verify_hs256(&token, &[8; 32]).unwrap_err(),
        JoseError::BadSignature
    );
    let (input, tag) = token.rsplit_once('.').unwrap();
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
    for cut in [&tag[..31], &tag[..1], &[tag.as_slice(), &[0]].concat()] {
        assert!(verify_hs256(&format!("{input}.{}", encode(cut)), &secret).is_err());
    }
    for short in [&b""[..], b"secret", &[7; 31]] {
        assert!(PKey::hmac(short).is_err() || verify_hs256(&token, short).is_err());
    }
    assert!(verify(&token, &KeySet::default(), &[Algorithm::Hs256]).is_err());
}

#[test]
fn what_is_unverified_is_read_all_the_same() {
    let token = hs256(&json!({ "alg": "HS512", "kid": "x" }), r#"{"iss":"c"}"#, &[7; 32]);
    let unverified = parse_unverified(&token).unwrap();
    assert_eq!(
        (unverified.alg.as_str(), unverified.kid.as_deref(), unverified.typ),
        ("HS512", Some("x"), None)
    );
    assert_eq!(unverified.claims["iss"], "c");
}

#[test]
fn the_vector_of_rfc_7638_matches() {
    let jwk = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    });
    assert_eq!(
        thumbprint(&jwk).as_deref(),
        Ok("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    );
    // RFC 8037, appendix A.3.
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(
        thumbprint(&jwk).as_deref(),
        Ok("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    );
    assert!(thumbprint(&json!({ "kty": "oct", "k": "AAAA" })).is_err());
    assert!(thumbprint(&json!({ "kty": "RSA", "n": "AQAB" })).is_err());
}

#[test]
fn the_example_hashes_of_openid_connect_match() {
    // OpenID Connect Core, appendix A.3 and A.4.
    assert_eq!(
        half_hash(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
    assert_eq!(
        half_hash(
            Algorithm::Es256,
            "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
        ),
        "LDktKdoQak3Pk0cnXxCltA"
    );
    assert_eq!(half_hash(Algorithm::EdDsa, "abc").len(), 43);
}

#[test]
fn names_of_algorithms_are_exact() {
    for algorithm in Algorithm::SIGNING.into_iter().chain([Algorithm::Hs256]) {
        assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        assert_eq!(json!(algorithm), json!(algorithm.as_str()));
        assert_eq!(
            serde_json::from_value::<Algorithm>(json!(algorithm.as_str())).unwrap(),
            algorithm
        );
    }
    assert!("rs256".parse::<Algorithm>().is_err() && "none".parse::<Algorithm>().is_err());
}
