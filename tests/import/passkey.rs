//! Passkeys that were registered with another system.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{counts, import, start};
use crate::support::{Authenticator, Browser, PasskeyBox, Server};

/// bcrypt of `U*U`, the first vector of crypt_blowfish.
const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

async fn proves(server: &Server, name: &str, authenticator: &mut Authenticator) -> bool {
    let mut browser = Browser::new(server);
    let page = browser.sign_in("/account", name, "U*U").await;
    assert!(!page.body.contains("account-nav"), "{}", page.body);
    let answer = PasskeyBox::of(&page).sign(&mut browser, authenticator).await;
    answer.body.contains("account-nav")
}

#[tokio::test]
async fn a_passkey_from_a_file_proves_the_second_factor() {
    let (server, token) = start("super_admin").await;
    let (mut key, counter) = (Authenticator::new(), 7);
    key.counter = counter;
    let (id, public) = (URL_SAFE_NO_PAD.encode(&key.id), STANDARD.encode(key.public_key()));
    let text = format!(
        "[[account]]\nusername = \"ada\"\npassword_hash = \"{HASH}\"\n\
         passkeys = [{{ credential_id = \"{id}\", public_key = \"{public}\", counter = {counter}, name = \"Blue key\" }}]\n"
    );
    let report = import(&server, &token, "application/toml", "", &text).await;
    assert_eq!(counts(&report), json!([1, 0, 0]), "{report}");
    assert!(!proves(&server, "ada", &mut key.clone().with_other_key()).await);
    let mut cloned = key.clone();
    cloned.counter = 2;
    assert!(
        !proves(&server, "ada", &mut cloned).await,
        "the counter came with the key"
    );
    assert!(proves(&server, "ada", &mut key).await);
    // Another account cannot have the same one, by an import or by a file.
    let stolen = text.replace("\"ada\"", "\"eve\"");
    let report = import(&server, &token, "application/toml", "", &stolen).await;
    assert_eq!(counts(&report), json!([0, 0, 1]), "{report}");
}

#[tokio::test]
async fn an_apply_gives_passkeys_too_and_a_wrong_key_is_refused_with_its_line() {
    let (server, _) = start("super_admin").await;
    let mut key = Authenticator::new();
    let (id, public) = (STANDARD.encode(&key.id), URL_SAFE_NO_PAD.encode(key.public_key()));
    let text = format!(
        "[[account]]\nusername = \"ada\"\npassword_hash = \"{HASH}\"\n\
         passkeys = [{{ credential_id = \"{id}\", public_key = \"{public}\" }}]\n"
    );
    server.apply(&text).await;
    server.apply(&text).await;
    assert!(proves(&server, "ada", &mut key).await);
    let wrong = chancery::declarative::File::parse(&text.replace(&public, "AAAA")).unwrap_err();
    assert_eq!(wrong.line, Some(4), "{wrong}");
    assert!(wrong.to_string().contains("COSE key"), "{wrong}");
}

#[tokio::test]
async fn a_passkey_of_a_keycloak_realm_proves_the_second_factor() {
    let (server, token) = start("super_admin").await;
    let mut key = Authenticator::new();
    let data = json!({
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "credentialId": STANDARD.encode(&key.id),
        "counter": 0,
        "credentialPublicKey": STANDARD.encode(key.public_key()),
        "attestationStatementFormat": "none",
    });
    let realm = json!({ "users": [{ "username": "ada", "credentials": [
        { "type": "password", "secretData": json!({ "value": HASH, "salt": "" }).to_string(),
          "credentialData": json!({ "algorithm": "bcrypt", "hashIterations": 5 }).to_string() },
        { "type": "webauthn", "userLabel": "Blue key", "secretData": "{}", "credentialData": data.to_string() },
    ]}]});
    let report = import(&server, &token, "application/json", "", &realm.to_string()).await;
    assert_eq!(counts(&report), json!([1, 0, 0]), "{report}");
    assert!(proves(&server, "ada", &mut key).await);
}
