use super::*;

fn read(document: &Value) -> Vec<Row> {
    rows(&document.to_string()).unwrap().map(Result::unwrap).collect()
}

fn one(user: Value) -> Candidate {
    let mut rows = read(&json!({ "realm": "r", "users": [user] }));
    rows.remove(0).candidate.unwrap()
}

/// A password hashed as Keycloak 24 does by default; `p` has 64 bytes of output.
fn pbkdf2(algorithm: &str) -> Value {
    json!({
        "type": "password",
        "secretData": json!({ "value": "A".repeat(86) + "==", "salt": "c2FsdHNhbHRzYWx0c2FsdA==", "additionalParameters": {} }).to_string(),
        "credentialData": json!({ "hashIterations": 210000, "algorithm": algorithm, "additionalParameters": {} }).to_string(),
    })
}

#[test]
fn a_user_becomes_an_account() {
    let candidate = one(json!({
        "id": "4f1ed7b2-5b1e-4a9e-8a32-0e5f5c3d2b10", "username": "ada", "email": "ada@example.test",
        "emailVerified": true, "enabled": false, "firstName": "Ada", "lastName": "Lovelace",
        "attributes": { "locale": ["de"], "shoe_size": ["38"] },
        "realmRoles": ["default-roles-r", "offline_access", "editor"],
        "clientRoles": { "shop": ["buyer"] }, "groups": ["/staff/old hands"],
        "requiredActions": ["UPDATE_PASSWORD"], "credentials": [pbkdf2("pbkdf2-sha512")],
    }));
    let entry = &candidate.entry;
    assert_eq!((entry.username.as_str(), entry.disabled), ("ada", Some(true)));
    assert_eq!(entry.email_verified, Some(true));
    assert_eq!(entry.must_change_password, Some(true));
    let claims = entry.claims.as_ref().unwrap();
    assert_eq!(
        (&claims["name"], &claims["locale"]),
        (&json!("Ada Lovelace"), &json!("de"))
    );
    assert_eq!(Vec::from_iter(entry.roles.clone().unwrap()), ["editor"]);
    assert_eq!(candidate.groups, ["old hands"]);
    assert!(candidate.id.is_some() && candidate.lenient);
    let notes = candidate.notes.join("\n");
    assert!(notes.contains("shoe_size") && notes.contains("shop"), "{notes}");
    let crate::declarative::PasswordSource::Hash(hash) = entry.password.as_ref().unwrap() else {
        panic!("no hash");
    };
    assert!(hash.starts_with("$pbkdf2-sha512$210000$"), "{hash}");
}

#[test]
fn each_kind_of_hash_is_known_or_told() {
    let argon2 = |parameters: Value| {
        json!({
            "type": "password",
            "secretData": json!({ "value": "A".repeat(43) + "=", "salt": "c2FsdHNhbHRzYWx0c2FsdA==" }).to_string(),
            "credentialData": json!({ "hashIterations": 5, "algorithm": "argon2", "additionalParameters": parameters }).to_string(),
        })
    };
    let usual = json!({ "hashLength": ["32"], "memory": ["7168"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"] });
    let costly = json!({ "memory": ["99999999"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"] });
    let old = json!({ "type": "password", "hashedSaltedValue": "A".repeat(43) + "=", "salt": "c2FsdHNhbHRzYWx0c2FsdA==", "hashIterations": 20000, "algorithm": "pbkdf2" });
    for (credential, known) in [
        (pbkdf2("pbkdf2-sha256"), true),
        (pbkdf2("pbkdf2"), true),
        (argon2(usual), true),
        (old, true),
        (pbkdf2("md5"), false),
        (argon2(costly), false),
        (argon2(json!({})), false),
        (json!({ "type": "password", "secretData": "{" }), false),
        (json!({ "type": "kerberos" }), false),
    ] {
        let candidate = one(json!({ "username": "a", "credentials": [credential] }));
        assert_eq!(candidate.entry.password.is_some(), known, "{credential}");
        assert_eq!(candidate.notes.is_empty(), known, "{:?}", candidate.notes);
        assert!(!candidate.notes.join("").contains("AAAA"));
    }
}

#[test]
fn generators_are_taken_with_the_key_that_the_app_has() {
    let otp = |value: &str, public: Value| json!({ "type": "otp", "secretData": json!({ "value": value }).to_string(), "credentialData": public.to_string() });
    let usual =
        json!({ "subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1" });
    let candidate = one(json!({ "username": "a", "credentials": [otp("12345678901234567890", usual)] }));
    let Some(crate::declarative::SecretSource::Text(secret)) = &candidate.entry.totp else {
        panic!("no secret");
    };
    assert_eq!(secret.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    for wrong in [
        json!({ "subType": "hotp", "digits": 6 }),
        json!({ "subType": "totp", "digits": 8 }),
        json!({ "subType": "totp", "algorithm": "HmacSHA256" }),
    ] {
        let candidate = one(json!({ "username": "a", "credentials": [otp("12345678901234567890", wrong)] }));
        assert!(candidate.entry.totp.is_none() && candidate.notes[0].contains("generator"));
    }
}

#[test]
fn what_is_no_export_is_refused_and_a_bad_user_is_skipped_alone() {
    let twice = r#"{"users":[{"username":"a","username":"b"}]}"#;
    for text in ["", "[1]", "{}", "{\"users\": 5}", twice, &"[".repeat(10_000)] {
        assert!(rows(text).is_err());
    }
    let rows = read(&json!({ "users": [
        { "username": 5 },
        { "username": "a", "serviceAccountClientId": "shop" },
        { "username": "" },
        { "username": "good" },
    ]}));
    let good: Vec<bool> = rows.iter().map(|row| row.candidate.is_ok()).collect();
    assert_eq!(good, [false, false, false, true]);
}
