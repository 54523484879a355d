//! The export of a Keycloak realm.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use serde_json::{Value, json};

use super::{counts, import, signs_in, start};

const PASSWORD: &str = "passwörter sind schön";
const ID: &str = "4f1ed7b2-5b1e-4a9e-8a32-0e5f5c3d2b10";

/// What Keycloak keeps of a password: PBKDF2 of 64 bytes.
fn hashed() -> Value {
    let (salt, mut output) = ([5; 16], [0; 64]);
    openssl::pkcs5::pbkdf2_hmac(
        PASSWORD.as_bytes(),
        &salt,
        1000,
        MessageDigest::sha512(),
        &mut output,
    )
    .unwrap();
    json!({
        "type": "password",
        "secretData": json!({ "value": STANDARD.encode(output), "salt": STANDARD.encode(salt), "additionalParameters": {} }).to_string(),
        "credentialData": json!({ "hashIterations": 1000, "algorithm": "pbkdf2-sha512", "additionalParameters": {} }).to_string(),
    })
}

fn realm() -> String {
    json!({
        "realm": "old", "enabled": true, "clients": [{ "clientId": "ignored" }],
        "users": [
            { "id": ID, "username": "ada", "email": "ada@example.org", "emailVerified": true, "enabled": true,
              "firstName": "Ada", "lastName": "Lovelace", "credentials": [hashed()],
              "realmRoles": ["default-roles-old", "editor", "gone"], "groups": ["/staff"] },
            { "username": "forced", "enabled": true, "credentials": [hashed()], "requiredActions": ["UPDATE_PASSWORD"] },
            { "username": "off", "enabled": false, "credentials": [hashed()] },
            { "username": "service-account-shop", "serviceAccountClientId": "shop" },
        ],
    })
    .to_string()
}

#[tokio::test]
async fn people_keep_their_passwords_their_identifiers_and_known_roles() {
    let (server, token) = start("super_admin").await;
    let report = import(&server, &token, "application/json", "", &realm()).await;
    assert_eq!(counts(&report), json!([3, 0, 1]), "{report}");
    assert_eq!(server.account_id("ada").await.to_string(), ID);
    let notes = report["lines"].to_string();
    assert!(notes.contains("gone") && notes.contains("staff"), "{notes}");
    assert!(
        signs_in(&server, "ada@example.org", PASSWORD)
            .await
            .body
            .contains("account-nav")
    );
    let forced = signs_in(&server, "forced", PASSWORD).await;
    assert!(forced.body.contains("new_password"), "{}", forced.body);
    assert!(
        !signs_in(&server, "off", PASSWORD)
            .await
            .body
            .contains("account-nav")
    );
    let (id, now) = (server.account_id("ada").await, server.clock.now());
    let roles = async move |db: &mut store::Conn| store::roles::account_roles(db, id, now).await;
    let roles = server.running.app.store.read(roles).await.unwrap();
    assert_eq!(Vec::from_iter(roles), ["editor"]);
    let again = import(&server, &token, "application/json", "", &realm()).await;
    assert_eq!(counts(&again), json!([0, 3, 1]), "{again}");
}

#[tokio::test]
async fn only_who_may_do_everything_brings_in_old_identifiers() {
    let (server, token) = start("assigner").await;
    let report = import(&server, &token, "application/json", "", &realm()).await;
    assert_eq!(counts(&report), json!([3, 0, 1]), "{report}");
    assert_ne!(server.account_id("ada").await.to_string(), ID);
    assert!(
        report["lines"][0]["notes"].to_string().contains("new identifier"),
        "{report}"
    );
}
