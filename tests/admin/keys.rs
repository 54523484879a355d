//! Signing keys and upstream providers over the admin API.

use serde_json::json;

use super::desk::{ANNA, Caller, LIBBY, ROOT, VERA, member, start};

#[tokio::test]
async fn keys_are_shown_without_their_private_halves_and_rotated() {
    let server = start().await;
    let (root, anna) = (Caller::new(&server, ROOT).await, Caller::new(&server, ANNA).await);
    let listed = anna.get("/keys").await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    for private in ["\"d\"", "\"p\"", "\"q\"", "sealed", "PRIVATE"] {
        assert!(!listed.body.contains(private), "{private}: {}", listed.body);
    }
    let active = listed.json()["items"][0].clone();
    assert_eq!(active["state"], "active");
    assert_eq!(anna.post("/keys/rotate", &json!({})).await.status, 403);
    let algorithm = json!({ "algorithm": active["algorithm"] });
    let rotated = root.post("/keys/rotate", &algorithm).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let next = rotated.json()["keys"][0].clone();
    assert_eq!(
        (&next["algorithm"], &next["state"]),
        (&active["algorithm"], &json!("upcoming"))
    );
    assert!(
        server
            .get("/jwks.json")
            .await
            .body
            .contains(next["kid"].as_str().unwrap())
    );
    let events = root.get("/audit?kind=key.rotated").await.json();
    assert_eq!(events["items"][0]["detail"]["kid"], next["kid"]);
    assert_eq!(
        member(&root.post("/keys/rotate", &json!({ "algorithm": "HS256" })).await).0,
        400
    );
    assert_eq!(
        root.post("/keys/rotate", &json!({})).await.status,
        200,
        "all of them at once"
    );
}

#[tokio::test]
async fn an_upstream_is_kept_without_showing_its_secret() {
    let server = start().await;
    let (root, vera) = (Caller::new(&server, ROOT).await, Caller::new(&server, VERA).await);
    let new = json!({
        "name": "corp", "issuer": "https://corp.example", "client_id": "us",
        "client_secret": "what the provider gave us", "trusted_email_domains": ["corp.example"],
    });
    let made = root.post("/upstreams", &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    for path in ["/upstreams", "/upstreams/corp", "/audit?kind=upstream.created"] {
        let shown = vera.get(path).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert!(
            !shown.body.contains("what the provider") && !shown.body.contains("sealed"),
            "{}",
            shown.body
        );
    }
    assert_eq!(root.post("/upstreams", &new).await.status, 409);
    assert_eq!(vera.post("/upstreams", &new).await.status, 403);
    let change = json!({ "title": "Corp", "client_secret": "another one" });
    let changed = root.patch("/upstreams/corp", &change).await;
    assert_eq!(
        (changed.status, &changed.json()["title"]),
        (200, &json!("Corp")),
        "{}",
        changed.body
    );
    let events = root.get("/audit?kind=upstream.updated").await.json();
    assert_eq!(
        events["items"][0]["detail"]["changed"],
        json!(["title", "client_secret"])
    );
    for (body, wrong) in [
        (json!({ "issuer": "javascript:x" }), "issuer"),
        (json!({ "issuer": "http://corp.example" }), "issuer"),
        (json!({ "name": "other" }), "name"),
        (json!({ "client_secret": "" }), "client_secret"),
        (json!({ "client_secret": null }), "client_secret"),
        (json!({ "managed_by": "me" }), "managed_by"),
        (json!({ "trusted_email_domains": ["*"] }), "trusted_email_domains"),
    ] {
        let refused = root.patch("/upstreams/corp", &body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.body);
        assert!(refused.body.contains(wrong), "{body}: {}", refused.body);
    }
    assert_eq!(root.delete("/upstreams/corp").await.status, 204);
    assert_eq!(root.get("/upstreams/corp").await.status, 404);
}

#[tokio::test]
async fn only_who_may_do_everything_trusts_an_upstream_for_addresses() {
    let server = start().await;
    let (root, libby) = (
        Caller::new(&server, ROOT).await,
        Caller::new(&server, LIBBY).await,
    );
    let upstream = |name: &str, domains: &[&str]| {
        json!({
            "name": name, "issuer": "https://idp.example", "client_id": "us", "client_secret": "s",
            "trusted_email_domains": domains,
        })
    };
    assert_eq!(
        libby
            .post("/upstreams", &upstream("evil", &["example.test"]))
            .await
            .status,
        403
    );
    assert_eq!(
        libby.post("/upstreams", &upstream("plain", &[])).await.status,
        201
    );
    let trust = json!({ "trusted_email_domains": ["example.test"] });
    assert_eq!(libby.patch("/upstreams/plain", &trust).await.status, 403);
    assert_eq!(root.patch("/upstreams/plain", &trust).await.status, 200);
    let elsewhere = json!({ "issuer": "https://evil.example" });
    assert_eq!(libby.patch("/upstreams/plain", &elsewhere).await.status, 403);
    assert_eq!(libby.delete("/upstreams/plain").await.status, 403);
}
