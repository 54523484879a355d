//! Clients over the admin API: secrets shown once, the rules of registration, and nobody beyond their own reach.

use protocol::time::Lifetime;
use serde_json::{Value, json};

use super::desk::{Caller, LIBBY, ROOT, VERA, member, start};
use crate::support::{Request, Server, basic};

/// Whether a client gets a token for itself with this secret.
async fn gets_token(server: &Server, id: &str, secret: &str) -> u16 {
    let request = Request::form("/token", &[("grant_type", "client_credentials")]);
    let request = request.header("authorization", basic(id, secret));
    server.send(request).await.status
}

fn robot(id: &str, scope: &str) -> Value {
    json!({ "client_id": id, "grant_types": ["client_credentials"], "scope": scope })
}

#[tokio::test]
async fn a_client_is_registered_with_a_secret_that_is_shown_once() {
    let server = start().await;
    let (root, vera) = (Caller::new(&server, ROOT).await, Caller::new(&server, VERA).await);
    let made = root.post("/clients", &robot("robot", "books:read")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let secret = made.text("client_secret");
    assert!(secret.len() >= 43);
    assert_eq!(gets_token(&server, "robot", &secret).await, 200);
    for path in [
        "/clients/robot",
        "/clients?q=rob",
        "/clients?limit=200",
        "/audit?client=robot",
    ] {
        for caller in [&root, &vera] {
            let shown = caller.get(path).await;
            assert_eq!(shown.status, 200, "{}", shown.body);
            for hidden in [secret.as_str(), "secret_hash", "sealed", "client_secret\""] {
                assert!(
                    !shown.body.contains(hidden),
                    "{path} shows {hidden}: {}",
                    shown.body
                );
            }
        }
    }
    let shown = root.get("/clients/robot").await;
    assert_eq!(shown.header("etag"), made.header("etag"));
    assert_eq!(shown.json()["has_secret"], true);
    assert_eq!(
        root.post("/clients", &robot("robot", "books:read")).await.status,
        409
    );
    assert_eq!(
        vera.post("/clients", &robot("robot2", "books:read")).await.status,
        403
    );
    let named = json!({ "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "none" });
    let public = root.post("/clients", &named).await.json();
    assert!(public["client_id"].as_str().unwrap().len() > 20 && public.get("client_secret").is_none());
}

#[tokio::test]
async fn what_no_client_may_be_is_refused_with_its_member() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let before = root.get("/clients?limit=200").await.body;
    for uri in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:x",
        "java%0ascript:x",
        "https://*.example/cb",
        "https://app.example/*",
        "*",
        "http://app.example/cb",
        "https://app.example/cb#x",
        "https://user@app.example/cb",
    ] {
        let body = json!({ "client_id": "x", "redirect_uris": [uri] });
        assert_eq!(
            member(&root.post("/clients", &body).await),
            (400, "redirect_uris".into()),
            "{uri}"
        );
        let change = json!({ "redirect_uris": ["https://app.example/cb", uri] });
        assert_eq!(
            member(&root.patch("/clients/web", &change).await),
            (400, "redirect_uris".into()),
            "{uri}"
        );
    }
    for (change, wrong) in [
        (json!({ "client_secret": "mine" }), "client_secret"),
        (json!({ "secret_hash": "mine" }), "secret_hash"),
        (json!({ "managed_by": "me" }), "managed_by"),
        (json!({ "disabled": true }), "disabled"),
        (json!({ "has_secret": false }), "has_secret"),
        (json!({ "client_id": "other" }), "client_id"),
        (json!({ "scope": "undefined" }), "scope"),
        (json!({ "resources": ["https://nobody.example/"] }), "resources"),
        (json!({ "grant_types": ["implicit"] }), "grant_types"),
        (json!({ "client_uri": "javascript:alert(1)" }), "client_uri"),
        (json!({ "logo_uri": "data:image/svg+xml,x" }), "logo_uri"),
        (
            json!({ "allowed_origins": ["https://a.example/path"] }),
            "allowed_origins",
        ),
        (json!({ "client_name": "a\nb" }), "client_name"),
        (
            json!({ "jwks": { "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB" }] } }),
            "jwks",
        ),
        (json!({ "mfa": "sometimes" }), "mfa"),
    ] {
        let refused = root.patch("/clients/web", &change).await;
        assert_eq!(refused.status, 400, "{change}: {}", refused.body);
        assert!(refused.body.contains(wrong), "{change}: {}", refused.body);
    }
    assert_eq!(root.get("/clients?limit=200").await.body, before);
}

#[tokio::test]
async fn nobody_registers_or_changes_a_client_that_reaches_beyond_them() {
    let server = start().await;
    let (root, libby) = (
        Caller::new(&server, ROOT).await,
        Caller::new(&server, LIBBY).await,
    );
    assert_eq!(
        root.post("/clients", &robot("admin-robot", "accounts:read"))
            .await
            .status,
        201
    );
    let reader = json!({ "client_id": "board", "redirect_uris": ["https://b.example/cb"], "scope": "openid audit:read" });
    assert_eq!(root.post("/clients", &reader).await.status, 201);
    let before = root.get("/clients?limit=200").await.body;
    let people = |scope: &str| json!({ "redirect_uris": ["https://evil.example/cb"], "scope": scope });
    for (method, path, body) in [
        ("POST", "/clients", robot("x", "accounts:read")),
        ("POST", "/clients", people("openid audit:read")),
        ("POST", "/clients", people("openid account:write")),
        ("POST", "/clients", people("openid account:read")),
        (
            "PATCH",
            "/clients/post",
            json!({ "scope": "books:read keys:rotate" }),
        ),
        ("PATCH", "/clients/admin-robot", json!({ "client_name": "mine" })),
        (
            "PATCH",
            "/clients/board",
            json!({ "redirect_uris": ["https://evil.example/cb"] }),
        ),
        ("PATCH", "/clients/desk", json!({ "scope": "openid" })),
        ("POST", "/clients/admin-robot/rotate-secret", json!({})),
        ("POST", "/clients/admin-robot/disable", json!({})),
        ("DELETE", "/clients/admin-robot", json!({})),
    ] {
        let refused = libby.with_body(method, path, &body, &[]).await;
        assert_eq!(refused.status, 403, "{method} {path} {body}: {}", refused.body);
    }
    assert_eq!(root.get("/clients?limit=200").await.body, before);
    assert_eq!(
        libby
            .post("/clients", &robot("writer", "books:write"))
            .await
            .status,
        201
    );
    assert_eq!(
        libby.post("/clients", &people("openid books:read")).await.status,
        201
    );
    let mut asking = people("openid account:read");
    asking["require_consent"] = json!(true);
    assert_eq!(libby.post("/clients", &asking).await.status, 201);
}

#[tokio::test]
async fn a_former_secret_is_good_for_as_long_as_was_said() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let first = root
        .post("/clients", &robot("robot", "books:read"))
        .await
        .text("client_secret");
    let rotated = root
        .post("/clients/robot/rotate-secret", &json!({ "overlap": 3600 }))
        .await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let second = rotated.text("client_secret");
    assert_eq!(
        rotated.json()["previous_secret_expires_at"],
        server.clock.now().0 + 3600
    );
    assert_ne!(first, second);
    for secret in [&first, &second] {
        assert_eq!(gets_token(&server, "robot", secret).await, 200);
    }
    server.advance(Lifetime::seconds(3600));
    assert_eq!(gets_token(&server, "robot", &first).await, 401);
    assert_eq!(gets_token(&server, "robot", &second).await, 200);
    let root = Caller::new(&server, ROOT).await;
    let third = root
        .post("/clients/robot/rotate-secret", &json!({}))
        .await
        .text("client_secret");
    assert_eq!(gets_token(&server, "robot", &second).await, 401);
    assert_eq!(gets_token(&server, "robot", &third).await, 200);
    for overlap in [-1, 2_592_001] {
        let refused = root
            .post("/clients/robot/rotate-secret", &json!({ "overlap": overlap }))
            .await;
        assert_eq!(member(&refused), (400, "overlap".into()));
    }
    let public = root.post("/clients/spa/rotate-secret", &json!({})).await;
    assert_eq!(public.status, 400, "{}", public.body);
}

#[tokio::test]
async fn both_secrets_sign_assertions_during_the_overlap() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let mut robot = robot("signer", "books:read");
    robot["token_endpoint_auth_method"] = json!("client_secret_jwt");
    let first = root.post("/clients", &robot).await.text("client_secret");
    let rotated = root
        .post("/clients/signer/rotate-secret", &json!({ "overlap": 60 }))
        .await;
    let second = rotated.text("client_secret");
    for (secret, status) in [
        (&first, 200),
        (&second, 200),
        (&"another secret of more than 32 characters".to_owned(), 400),
    ] {
        assert_eq!(signs_in(&server, "signer", secret).await, status);
    }
    server.advance(Lifetime::seconds(61));
    assert_eq!(signs_in(&server, "signer", &first).await, 400);
    assert_eq!(signs_in(&server, "signer", &second).await, 200);
}

/// Whether a client gets a token by an assertion that it signs with this secret.
async fn signs_in(server: &Server, id: &str, secret: &str) -> u16 {
    use josekit::jws::{HS256, JwsHeader};
    let now = server.clock.now().0;
    let mut header = JwsHeader::new();
    header.set_token_type("JWT");
    let claims = json!({
        "iss": id, "sub": id, "aud": "http://localhost:8080", "iat": now, "exp": now + 60,
        "jti": chancery::random::uuid(),
    });
    let signer = HS256.signer_from_bytes(secret.as_bytes()).unwrap();
    let assertion = josekit::jws::serialize_compact(claims.to_string().as_bytes(), &header, &signer).unwrap();
    let pairs = [
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
    ];
    server.send(Request::form("/token", &pairs)).await.status
}

#[tokio::test]
async fn a_disabled_or_deleted_client_is_refused_at_once_and_what_it_was_given_ends() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let tokens = server
        .tokens(&[("scope", "openid offline_access books:read")])
        .await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    assert_eq!(server.introspect(&access).await["active"], true);
    assert_eq!(
        root.post("/clients/web/disable", &json!({})).await.json()["disabled"],
        true
    );
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (401, "invalid_client".into())
    );
    assert_eq!(
        root.post("/clients/web/enable", &json!({})).await.json()["disabled"],
        false
    );
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (400, "invalid_grant".into())
    );
    assert_eq!(server.introspect(&access).await["active"], false);
    assert_eq!(root.delete("/clients/web").await.status, 204);
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (401, "invalid_client".into())
    );
    assert_eq!(root.get("/clients/web").await.status, 404);
    let kinds = root.kinds("client=web").await;
    for kind in ["client.deleted", "client.enabled", "client.disabled"] {
        assert!(kinds.iter().any(|each| each == kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let before = root.get("/clients/third").await;
    let change = json!({ "client_name": null, "mfa": "required", "default_max_age": 60 });
    let stale = [("if-match", "\"x\"")];
    assert_eq!(
        root.with_body("PATCH", "/clients/third", &change, &stale)
            .await
            .status,
        412
    );
    let seen = [("if-match", before.header("etag").unwrap())];
    let changed = root.with_body("PATCH", "/clients/third", &change, &seen).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert!(changed.json().get("client_secret").is_none());
    let shown = root.get("/clients/third").await;
    assert_eq!(
        (shown.header("etag"), &shown.body),
        (changed.header("etag"), &changed.body)
    );
    let (mut expected, shown) = (before.json(), shown.json());
    expected.as_object_mut().unwrap().remove("client_name");
    expected["mfa"] = json!("required");
    expected["default_max_age"] = json!(60);
    assert_eq!(shown, expected);
    // A way to authenticate that needs the secret in clear needs another secret.
    let jwt = json!({ "token_endpoint_auth_method": "client_secret_jwt" });
    let changed = root.patch("/clients/third", &jwt).await;
    assert!(changed.text("client_secret").len() >= 43, "{}", changed.body);
    let none = json!({ "token_endpoint_auth_method": "none" });
    assert_eq!(
        root.patch("/clients/third", &none).await.json()["has_secret"],
        false
    );
}

#[tokio::test]
async fn clients_are_listed_in_pieces_with_filters() {
    let server = start().await;
    let vera = Caller::new(&server, VERA).await;
    let (mut ids, mut path) = (Vec::new(), "/clients?limit=5&sort=-client_id".to_owned());
    loop {
        let page = vera.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|client| client["client_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/clients?limit=5&sort=-client_id&cursor={next}");
    }
    assert_eq!(ids.len(), 12, "{ids:?}");
    assert!(ids.iter().rev().is_sorted(), "{ids:?}");
    let page = vera.get("/clients?q=web&disabled=false").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        vera.get("/clients?q=%25").await.json()["items"],
        json!([]),
        "a prefix is no pattern"
    );
    assert_eq!(vera.get("/clients?name=x").await.status, 400);
}

#[tokio::test]
async fn no_client_is_named_as_an_account_is() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let id = server.account_id("root").await.to_string();
    let refused = root.post("/clients", &robot(&id, "books:read")).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(refused.json()["member"], "client_id");
}

#[tokio::test]
async fn where_codes_go_is_part_of_what_was_agreed_to() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let app = json!({
        "client_id": "app", "redirect_uris": ["https://app.example/cb"], "require_consent": true,
        "scope": "openid account:write",
    });
    assert_eq!(root.post("/clients", &app).await.status, 201);
    let (who, client) = (
        server.account_id("libby").await,
        protocol::id::ClientId("app".into()),
    );
    let (scope, now) = ("openid account:write".parse().unwrap(), server.clock.now());
    let agree =
        async move |db: &mut store::Conn| store::consents::record(db, who, &client, &scope, now).await;
    server.running.app.store.write(agree).await.unwrap();
    assert!(agreed(&server).await);
    let moved = json!({ "redirect_uris": ["https://elsewhere.example/cb"] });
    assert_eq!(root.patch("/clients/app", &moved).await.status, 200);
    assert!(!agreed(&server).await);
}

/// Whether libby's consent to the app is remembered.
async fn agreed(server: &Server) -> bool {
    let who = server.account_id("libby").await;
    let find = async move |db: &mut store::Conn| store::consents::find(db, who, &"app".into()).await;
    server.running.app.store.read(find).await.unwrap().is_some()
}

#[tokio::test]
async fn tokens_of_a_client_that_was_shut_out_or_had_its_name_stay_dead() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let made = root.post("/clients", &robot("robot-2", "books:read")).await;
    let secret = made.text("client_secret");
    let ask = async |secret: &str| {
        let pairs = [("grant_type", "client_credentials"), ("scope", "books:read")];
        server
            .token_as("robot-2", secret, &pairs)
            .await
            .text("access_token")
    };
    let is_active = async |secret: &str, token: &str| {
        let request = Request::form("/introspect", &[("token", token)]);
        let answer = server
            .send(request.header("authorization", basic("robot-2", secret)))
            .await;
        answer.json()["active"].clone()
    };
    let held = ask(&secret).await;
    assert_eq!(is_active(&secret, &held).await, true);
    root.post("/clients/robot-2/disable", &json!({})).await;
    root.post("/clients/robot-2/enable", &json!({})).await;
    assert_eq!(is_active(&secret, &held).await, false);
    server.advance(Lifetime::seconds(1));
    let again = ask(&secret).await;
    assert_eq!(is_active(&secret, &again).await, true);

    assert_eq!(root.delete("/clients/robot-2").await.status, 204);
    server.advance(Lifetime::seconds(30));
    let made = root.post("/clients", &robot("robot-2", "books:read")).await;
    let secret = made.text("client_secret");
    assert_eq!(is_active(&secret, &again).await, false);
    let own = ask(&secret).await;
    assert_eq!(is_active(&secret, &own).await, true);
}
