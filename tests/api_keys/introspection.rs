//! Keys at `/introspect`.

use protocol::time::Lifetime;
use serde_json::json;

use super::person::{API, ask, call, events, is_active, make, revoke, start, token};
use crate::support::{Request, Server, basic};

#[tokio::test]
async fn a_resource_server_learns_whose_key_it_is_and_what_it_may() {
    let server = start().await;
    let end = server.clock.now() + Lifetime::days(1);
    let key = make(&server, json!({ "expires_at": end })).await;
    let answer = ask(&server, &key.secret, &[]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let alice = server.account_id("alice").await;
    assert_eq!(
        answer.json(),
        json!({
            "active": true, "token_type": "api_key", "sub": alice, "username": "alice", "jti": key.id,
            "iss": "http://localhost:8080", "iat": server.clock.now(), "exp": end,
            "permissions": ["books:write"], "scope": "books:read books:write",
        })
    );
}

#[tokio::test]
async fn only_a_confidential_client_that_may_introspect_learns_anything() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let pairs = [("token", key.secret.as_str())];
    let web = basic("web", "web-secret-of-more-than-32-characters");
    let answer = server
        .send(Request::form("/introspect", &pairs).header("authorization", web))
        .await;
    assert_eq!(answer.json(), json!({ "active": false }));
    let public = [pairs[0], ("client_id", "spa")];
    assert_eq!(
        server.send(Request::form("/introspect", &public)).await.status,
        401
    );
    assert_eq!(
        server.send(Request::form("/introspect", &pairs)).await.status,
        401
    );
}

#[tokio::test]
async fn what_a_key_carries_follows_its_owner() {
    let server = start().await;
    let [some, all, none] = [
        json!({}),
        json!({ "permissions": ["books:read", "books:write"] }),
        json!({ "permissions": [] }),
    ];
    let (some, all, none) = (
        make(&server, some).await,
        make(&server, all).await,
        make(&server, none).await,
    );
    let carried = async |secret: &str| {
        let answer = ask(&server, secret, &[]).await.json();
        assert_eq!(answer["active"], true);
        answer["permissions"].clone()
    };
    assert_eq!(carried(&some.secret).await, json!(["books:write"]));
    assert_eq!(carried(&all.secret).await, json!(["books:read", "books:write"]));
    assert_eq!(carried(&none.secret).await, json!(null));
    server
        .apply("[[role]]\nname = \"editor\"\npermissions = [\"books:read\"]\n")
        .await;
    assert_eq!(carried(&some.secret).await, json!(null));
    assert_eq!(carried(&all.secret).await, json!(["books:read"]));
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = []\n")
        .await;
    assert_eq!(carried(&all.secret).await, json!(null));
}

#[tokio::test]
async fn a_key_that_ended_is_refused_at_once() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let short = make(
        &server,
        json!({ "expires_at": server.clock.now() + Lifetime::seconds(60) }),
    )
    .await;
    assert!(is_active(&server, &key.secret).await && is_active(&server, &short.secret).await);
    server.advance(Lifetime::seconds(60));
    assert!(is_active(&server, &key.secret).await && !is_active(&server, &short.secret).await);
    revoke(&server, &key).await;
    assert!(!is_active(&server, &key.secret).await);
}

#[tokio::test]
async fn a_key_is_dead_as_long_as_its_owner_is_shut_out_and_for_good_when_they_are_gone() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    assert!(is_active(&server, &key.secret).await);
    for disabled in [true, false] {
        server
            .apply(&format!(
                "[[account]]\nusername = \"alice\"\ndisabled = {disabled}\n"
            ))
            .await;
        assert_eq!(is_active(&server, &key.secret).await, !disabled);
    }
    let alice = server.account_id("alice").await;
    let delete = async move |db: &mut store::Conn| store::accounts::delete(db, alice).await;
    assert!(server.running.app.store.write(delete).await.unwrap());
    assert!(!is_active(&server, &key.secret).await);
}

#[tokio::test]
async fn a_new_secret_replaces_the_old_one_now_or_after_the_overlap() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let path = format!("/api-keys/{}/rotate", key.id);
    let bearer = token(&server, super::person::ALICE, super::person::KEYS).await;
    let rotate = async |body| {
        let answer = call(&server, &bearer, "POST", &path, Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("secret")
    };
    let second = rotate(json!({})).await;
    assert!(!is_active(&server, &key.secret).await && is_active(&server, &second).await);
    let third = rotate(json!({ "overlap": 60 })).await;
    assert!(is_active(&server, &second).await && is_active(&server, &third).await);
    let known = ask(&server, &second, &[]).await.json();
    assert_eq!(known["exp"], json!(server.clock.now() + Lifetime::seconds(60)));
    server.advance(Lifetime::seconds(60));
    assert!(!is_active(&server, &second).await && is_active(&server, &third).await);
    for overlap in [json!(604_801), json!(-1), json!("1h")] {
        let answer = call(
            &server,
            &bearer,
            "POST",
            &path,
            Some(json!({ "overlap": overlap })),
        )
        .await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert!(is_active(&server, &third).await);
}

#[tokio::test]
async fn a_key_is_used_only_from_its_networks() {
    let server = start().await;
    let key = make(&server, json!({ "networks": ["192.0.2.0/24", "2001:db8::/32"] })).await;
    for (address, active) in [
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("2001:db8:1::1", true),
        ("192.0.3.1", false),
        ("::1", false),
    ] {
        let answer = ask(&server, &key.secret, &[("client_address", address)]).await;
        assert_eq!(answer.json()["active"], active, "{address}");
    }
    // Without the caller's address it is the resource server's own that counts.
    assert!(!is_active(&server, &key.secret).await);
    let near = make(&server, json!({ "networks": ["127.0.0.1"] })).await;
    assert!(is_active(&server, &near.secret).await);
    let answer = ask(&server, &key.secret, &[("client_address", "here")]).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn a_key_has_a_rate_of_its_own() {
    let server = start().await;
    let (slow, other) = (
        make(&server, json!({ "rate": "3/1m" })).await,
        make(&server, json!({})).await,
    );
    for _ in 0..3 {
        assert!(is_active(&server, &slow.secret).await);
    }
    let refused = ask(&server, &slow.secret, &[]).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert!(is_active(&server, &other.secret).await);
    server.advance(Lifetime::seconds(20));
    assert!(is_active(&server, &slow.secret).await);
}

#[tokio::test]
async fn whoever_holds_a_key_can_ask_about_it_and_about_nothing_else() {
    let server = start().await;
    let (key, other) = (make(&server, json!({})).await, make(&server, json!({})).await);
    let own = |pairs: &[(&str, &str)]| Request::form("/introspect", pairs);
    let scheme = format!("ApiKey {}", key.secret);
    for request in [
        own(&[]).header("x-api-key", key.secret.as_str()),
        own(&[]).header("authorization", scheme.as_str()),
        own(&[("token", &key.secret)]).header("x-api-key", key.secret.as_str()),
    ] {
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status, answer.json()["jti"].as_str()),
            (200, Some(key.id.as_str()))
        );
    }
    let web = basic(API.0, API.1);
    for (request, status) in [
        (
            own(&[("token", &other.secret)]).header("x-api-key", key.secret.as_str()),
            400,
        ),
        (
            own(&[("client_id", "spa")]).header("x-api-key", key.secret.as_str()),
            400,
        ),
        (
            own(&[])
                .header("x-api-key", key.secret.as_str())
                .header("authorization", web.as_str()),
            400,
        ),
        (
            own(&[])
                .header("x-api-key", key.secret.as_str())
                .header("x-api-key", key.secret.as_str()),
            400,
        ),
        (own(&[]).header("x-api-key", "chk_nothing"), 401),
        (own(&[]).header("authorization", "ApiKey junk"), 401),
    ] {
        let answer = server.send(request.clone()).await;
        assert_eq!(answer.status, status, "{request:?}: {}", answer.body);
        assert!(!answer.body.contains("active"), "{}", answer.body);
        if status == 401 {
            assert_eq!(
                answer.header("www-authenticate"),
                Some("ApiKey realm=\"chancery\"")
            );
        }
    }
    revoke(&server, &key).await;
    let dead = server
        .send(own(&[]).header("x-api-key", key.secret.as_str()))
        .await;
    assert_eq!(dead.refusal(), (401, "invalid_token".into()));
}

#[tokio::test]
async fn a_network_that_tries_made_up_keys_is_not_heard_any_more() {
    let server = Server::start_with(|config| {
        config.rate_limits.client_failures_per_address = "3/1m".parse().unwrap();
    })
    .await;
    for expected in [401, 401, 401, 429] {
        let made_up = chancery::api_keys::write(&chancery::random::bytes());
        let request = Request::form("/introspect", &[]).header("x-api-key", made_up.expose());
        assert_eq!(server.send(request).await.status, expected);
    }
}

#[tokio::test]
async fn a_refused_use_of_a_key_that_exists_is_on_record_once_a_minute() {
    let server = start().await;
    let key = make(&server, json!({ "networks": ["192.0.2.0/24"] })).await;
    for _ in 0..3 {
        assert!(!is_active(&server, &key.secret).await);
    }
    let made_up = chancery::api_keys::write(&[3; 32]);
    assert!(!is_active(&server, made_up.expose()).await);
    let found = events(&server, "api_key.refused").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].account_id, Some(server.account_id("alice").await));
    assert_eq!(found[0].outcome, "failure");
    assert_eq!(found[0].detail, json!({ "api_key": key.id, "reason": "address" }));
    revoke(&server, &key).await;
    assert!(!is_active(&server, &key.secret).await);
    let reasons: Vec<_> = events(&server, "api_key.refused")
        .await
        .into_iter()
        .map(|event| event.detail["reason"].clone())
        .collect();
    assert!(
        reasons.len() == 2 && reasons.contains(&json!("revoked")),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn the_last_use_is_known_without_a_write_for_each_use() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let stored = async || {
        let id = protocol::id::ApiKeyId(key.id.parse().unwrap());
        let find = async move |db: &mut store::Conn| store::api_keys::find(db, id).await;
        server
            .running
            .app
            .store
            .read(find)
            .await
            .unwrap()
            .unwrap()
            .last_used_at
    };
    assert!(is_active(&server, &key.secret).await);
    server.advance(Lifetime::seconds(5));
    assert!(is_active(&server, &key.secret).await);
    assert_eq!(stored().await, None);
    let bearer = token(&server, super::person::ALICE, "account:read").await;
    let listed = call(&server, &bearer, "GET", "/api-keys", None).await.json();
    let now = server.clock.now();
    assert_eq!(listed["api_keys"][0]["last_used_at"], json!(now));
    chancery::api_keys::flush(&server.running.app).await.unwrap();
    assert_eq!(stored().await, Some(now));
}
