//! Keys exchanged for access tokens (RFC 8693).

use protocol::id::ApiKeyId;
use protocol::secret::TokenHash;
use protocol::time::Lifetime;
use serde_json::json;
use store::api_keys::Rotation;
use store::{Conn, Store};

use super::person::{ALICE, API, BOOKS, CLIENTS, Key, exchange, make, revoke, start, token};
use crate::support::{Request, Server, basic};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

#[tokio::test]
async fn a_key_is_exchanged_for_a_short_token_of_its_owner() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let answer = exchange(&server, &key.secret, &[]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store"))
    );
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(600), &json!("books:read books:write"))
    );
    assert_eq!(
        body["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let claims = server.claims(&answer.text("access_token")).await;
    assert_eq!(claims["sub"], json!(server.account_id("alice").await));
    assert_eq!(claims["client_id"], "books");
    assert_eq!(claims["permissions"], json!(["books:write"]));
    assert_eq!(claims["roles"], json!([]));
    // Nobody signed in.
    for name in ["auth_time", "acr", "amr", "sid"] {
        assert!(!claims.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_grant_is_off_unless_it_is_turned_on() {
    let off = Server::start().await;
    off.apply(CLIENTS).await;
    let supported = off.get("/.well-known/openid-configuration").await.json();
    assert!(
        !supported["grant_types_supported"]
            .as_array()
            .unwrap()
            .contains(&json!(GRANT))
    );
    let key = make(&off, json!({})).await;
    for further in [&[][..], &[("subject_token", "")]] {
        let answer = exchange(&off, &key.secret, further).await;
        assert_eq!(answer.refusal(), (400, "unsupported_grant_type".into()));
    }
    let on = start().await;
    let supported = on.get("/.well-known/openid-configuration").await.json();
    assert!(
        supported["grant_types_supported"]
            .as_array()
            .unwrap()
            .contains(&json!(GRANT))
    );
    let key = make(&on, json!({})).await;
    let pairs = [
        ("grant_type", GRANT),
        ("subject_token", key.secret.as_str()),
        ("subject_token_type", "urn:chancery:token-type:api-key"),
    ];
    assert_eq!(
        on.token(&pairs).await.refusal(),
        (400, "unauthorized_client".into())
    );
}

#[tokio::test]
async fn only_a_live_key_is_exchanged() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let away = make(&server, json!({ "networks": ["192.0.2.0/24"] })).await;
    let slow = make(&server, json!({ "rate": "1/1m" })).await;
    let access = "urn:ietf:params:oauth:token-type:access_token";
    let bearer = token(&server, ALICE, "openid").await;
    let made_up = chancery::api_keys::write(&[5; 32]);
    for (secret, further, error) in [
        (
            key.secret.as_str(),
            &[("subject_token", "")][..],
            "invalid_request",
        ),
        (&key.secret, &[("subject_token_type", "")], "invalid_request"),
        (&key.secret, &[("subject_token_type", access)], "invalid_request"),
        (&bearer, &[("subject_token_type", access)], "invalid_request"),
        (&bearer, &[], "invalid_request"),
        (made_up.expose(), &[], "invalid_request"),
        (&away.secret, &[], "invalid_request"),
        (
            &key.secret,
            &[("resource", "https://other.example/")],
            "invalid_target",
        ),
        (&key.secret, &[("audience", "books")], "invalid_target"),
        (&key.secret, &[("scope", "openid account:write")], "invalid_scope"),
        (&key.secret, &[("scope", "accounts:read")], "invalid_scope"),
    ] {
        let answer = exchange(&server, secret, further).await;
        assert_eq!(
            answer.refusal(),
            (400, error.to_owned()),
            "{further:?} {}",
            answer.body
        );
    }
    assert_eq!(exchange(&server, &slow.secret, &[]).await.status, 200);
    let refused = exchange(&server, &slow.secret, &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    revoke(&server, &key).await;
    let refused = exchange(&server, &key.secret, &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_key_in_the_url_is_not_looked_at() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let path = format!("/token?subject_token={}", key.secret);
    let pairs = [
        ("grant_type", GRANT),
        ("subject_token_type", "urn:chancery:token-type:api-key"),
    ];
    let request = Request::form(path, &pairs).header("authorization", basic(BOOKS.0, BOOKS.1));
    assert_eq!(
        server.send(request).await.refusal(),
        (400, "invalid_request".into())
    );
    let path = format!("/introspect?token={}", key.secret);
    let request = Request::form(path, &[]).header("authorization", basic(API.0, API.1));
    assert_eq!(
        server.send(request).await.refusal(),
        (400, "invalid_request".into())
    );
}

#[tokio::test]
async fn a_token_is_no_more_than_client_owner_and_key_have_in_common() {
    let server = start().await;
    let none = make(&server, json!({ "permissions": [] })).await;
    let refused = exchange(&server, &none.secret, &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_scope".into()));
    let key = make(&server, json!({})).await;
    let asked = exchange(&server, &key.secret, &[("scope", "books:write accounts:read")]).await;
    assert_eq!(asked.text("scope"), "books:write");
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = []\n")
        .await;
    let refused = exchange(&server, &key.secret, &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_scope".into()));
}

#[tokio::test]
async fn a_token_ends_with_its_key() {
    let server = start().await;
    let end = server.clock.now() + Lifetime::seconds(100);
    let key = make(&server, json!({ "expires_at": end })).await;
    let answer = exchange(&server, &key.secret, &[]).await;
    assert_eq!(answer.json()["expires_in"], 100);
    let bearer = answer.text("access_token");
    assert_eq!(server.claims(&bearer).await["exp"], json!(end));
    let active = async |token: &str| {
        let request = Request::form("/introspect", &[("token", token)]);
        let request = request.header("authorization", basic(BOOKS.0, BOOKS.1));
        server.send(request).await.json()["active"] == true
    };
    assert!(active(&bearer).await);
    revoke(&server, &key).await;
    assert!(!active(&bearer).await);
    // A new secret without overlap ends what the old one gave; one with overlap does not.
    let key = make(&server, json!({})).await;
    let account = token(&server, ALICE, super::person::KEYS).await;
    for (overlap, stays) in [(60, true), (0, false)] {
        let path = format!("/api-keys/{}/rotate", key.id);
        let given = match overlap {
            60 => exchange(&server, &key.secret, &[]).await,
            _ => {
                let body = json!({ "overlap": 60 });
                let rotated = super::person::call(&server, &account, "POST", &path, Some(body)).await;
                exchange(&server, &rotated.text("secret"), &[]).await
            }
        };
        let bearer = given.text("access_token");
        let body = json!({ "overlap": overlap });
        let rotated = super::person::call(&server, &account, "POST", &path, Some(body)).await;
        assert_eq!(rotated.status, 200, "{}", rotated.body);
        assert_eq!(active(&bearer).await, stays, "{overlap}");
    }
}

/// Gives a key another secret, as a process beside the server does, of which it learns a moment later.
async fn rotate_elsewhere(server: &Server, key: &Key, overlap: Option<u32>) {
    let id = ApiKeyId(key.id.parse().unwrap());
    let now = server.clock.now();
    let elsewhere = Store::open(&server.config.database.url, 1).await.unwrap();
    let rotate = async move |db: &mut Conn| {
        let stored = store::api_keys::find(db, id).await?.unwrap();
        let rotation = Rotation {
            from_prefix: stored.prefix,
            prefix: "chk_another".into(),
            secret: TokenHash::of(&id.0.to_string()),
            previous_expires_at: overlap.map(|seconds| now + Lifetime::seconds(seconds)),
        };
        store::api_keys::rotate(db, id, &rotation, now).await
    };
    assert!(elsewhere.write(rotate).await.unwrap());
    elsewhere.close().await;
}

#[tokio::test]
async fn a_secret_replaced_since_it_was_checked_gives_no_token() {
    let server = start().await;
    for (overlap, outcome) in [(None, (400, None)), (Some(60), (200, Some(60)))] {
        let key = make(&server, json!({})).await;
        let answer = exchange(&server, &key.secret, &[]).await;
        assert_eq!(answer.json()["expires_in"], 600);
        rotate_elsewhere(&server, &key, overlap).await;
        let answer = exchange(&server, &key.secret, &[]).await;
        let lifetime = answer.json()["expires_in"].as_i64();
        assert_eq!((answer.status, lifetime), outcome, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_key_makes_no_keys() {
    let server = start().await;
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n")
        .await;
    let key = make(&server, json!({ "permissions": ["books:write"] })).await;
    for scope in ["account:write", "openid account:write", "account:read"] {
        let answer = exchange(&server, &key.secret, &[("scope", scope)]).await;
        assert_eq!(answer.refusal(), (400, "invalid_scope".into()), "{scope}");
    }
    for header in ["x-api-key", "authorization"] {
        let value = match header {
            "x-api-key" => key.secret.clone(),
            _ => format!("ApiKey {}", key.secret),
        };
        let request = Request::new("POST", "/api/account/v1/api-keys")
            .header(header, value)
            .header("content-type", "application/json")
            .body(json!({ "name": "more", "permissions": ["books:write"] }).to_string());
        let answer = server.send(request).await;
        assert!(matches!(answer.status, 400 | 401), "{}", answer.body);
    }
}
