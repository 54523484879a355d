//! The profile and the mail address.

use serde_json::{Value, json};

use super::{ALL, api, problem, start, token, with_json};
use crate::account::person::{ALICE, BOB};

#[tokio::test]
async fn a_profile_is_read_and_patched() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let body = json!({ "nickname": " Ali ", "given_name": null, "zoneinfo": "Europe/Vienna" });
    let patched = server
        .send(with_json("PATCH", "/profile", &body).bearer(&token))
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    let shown = server.send(api("GET", "/profile").bearer(&token)).await;
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    let shown = shown.json();
    assert_eq!(shown, patched.json());
    for (name, value) in [
        ("preferred_username", json!("alice")),
        ("email", json!("alice@example.test")),
        ("email_verified", json!(true)),
        ("name", json!("Alice Example")),
        ("nickname", json!("Ali")),
        ("given_name", Value::Null),
        ("zoneinfo", json!("Europe/Vienna")),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_the_holders_to_set_is_refused() {
    let server = start().await;
    let token = token(&server, ALICE, ALL).await;
    let before = server.send(api("GET", "/profile").bearer(&token)).await.json();
    for body in [
        json!({ "nickname": "x", "is_admin": true }),
        json!({ "roles": ["admin"] }),
        json!({ "groups": [] }),
        json!({ "permissions": ["all"] }),
        json!({ "tenant_id": "1" }),
        json!({ "id": "1" }),
        json!({ "sub": "1" }),
        json!({ "preferred_username": "root" }),
        json!({ "password_hash": "x" }),
        json!({ "email": "x@new.example" }),
        json!({ "email_verified": true }),
        json!({ "mfa": "off" }),
        json!({ "created_at": 1 }),
        json!({ "updated_at": 1 }),
        json!({ "nickname": 1 }),
        json!({ "nickname": ["x"] }),
        json!({ "website": "javascript:alert(1)" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "a\u{0}b" }),
        json!([]),
        json!("x"),
    ] {
        let answer = server
            .send(with_json("PATCH", "/profile", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
    for body in ["", "{", "nonsense", "{\"nickname\":\"\\ud800\"}"] {
        let request = api("PATCH", "/profile").header("content-type", "application/json");
        let answer = server.send(request.body(body).bearer(&token)).await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
    assert_eq!(
        server.send(api("GET", "/profile").bearer(&token)).await.json(),
        before
    );
}

#[tokio::test]
async fn an_address_is_changed_by_way_of_the_mailboxes() {
    let server = start().await;
    let token = token(&server, BOB, ALL).await;
    let request = with_json("POST", "/email", &json!({ "email": "bob@new.example" }));
    assert_eq!(server.send(request.bearer(&token)).await.status, 202);
    assert!(
        server
            .mail_to("bob@new.example")
            .await
            .link()
            .starts_with("/account/email/confirm?t=")
    );
    for body in [
        json!({ "email": "nonsense" }),
        json!({ "email": "bob@example.test" }),
        json!({}),
        json!({ "email": "a@new.example", "email_verified": true }),
    ] {
        let answer = server
            .send(with_json("POST", "/email", &body).bearer(&token))
            .await;
        assert_eq!(problem(&answer).0, 400, "{body}");
    }
}
