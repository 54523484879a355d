//! `/introspect` (RFC 7662) and `/revoke` (RFC 7009).

use protocol::time::Lifetime;
use serde_json::{Value, json};

use crate::support::{Answer, Request, Server, basic};

const WEB: (&str, &str) = ("web", "web-secret-of-more-than-32-characters");
const WEB2: (&str, &str) = ("web2", "web2-secret-of-more-than-32-characters");
const API: (&str, &str) = ("api", "api-secret-of-more-than-32-characters");

async fn call(server: &Server, path: &str, client: (&str, &str), token: &str) -> Answer {
    let request = Request::form(path, &[("token", token)]).header("authorization", basic(client.0, client.1));
    server.send(request).await
}

async fn ask(server: &Server, client: (&str, &str), token: &str) -> Value {
    let answer = call(server, "/introspect", client, token).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store")),
        "{}",
        answer.body
    );
    answer.json()
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn a_client_learns_what_its_token_is() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let (token, now) = (tokens.text("access_token"), server.clock.now().0);
    let claims = server.claims(&token).await;
    let answer = ask(&server, WEB, &token).await;
    for name in [
        "sub",
        "aud",
        "iss",
        "jti",
        "client_id",
        "scope",
        "exp",
        "iat",
        "acr",
        "auth_time",
    ] {
        assert_eq!(answer[name], claims[name], "{name}");
    }
    assert_eq!(
        (&answer["active"], &answer["token_type"]),
        (&true.into(), &"Bearer".into())
    );
    assert_eq!(answer["exp"], now + 600);
}

#[tokio::test]
async fn a_refresh_token_is_known_to_its_client() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("refresh_token");
    let answer = ask(&server, WEB, &token).await;
    assert_eq!(
        (&answer["active"], &answer["client_id"]),
        (&true.into(), &"web".into())
    );
    assert_eq!(answer["username"], "alice");
    assert_eq!(answer.get("token_type"), None);
    for other in [WEB2, API] {
        assert_eq!(ask(&server, other, &token).await, inactive());
    }
    server.refresh(&token).await;
    assert_eq!(ask(&server, WEB, &token).await, inactive());
}

#[tokio::test]
async fn the_caller_must_authenticate() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("access_token");
    let plain = [("token", token.as_str())];
    for (request, what) in [
        (Request::form("/introspect", &plain), "nobody"),
        (
            Request::form("/introspect", &[plain[0], ("client_id", "spa")]),
            "public client",
        ),
        (
            Request::form("/introspect", &plain).header("authorization", basic("web", "wrong")),
            "wrong secret",
        ),
        (
            Request::form("/introspect", &plain).header("authorization", basic("nope", "wrong")),
            "unknown client",
        ),
        (
            Request::form("/introspect", &plain).bearer(&token),
            "the token itself",
        ),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.status, 401, "{what}");
        assert!(answer.header("www-authenticate").is_some(), "{what}");
        assert!(!answer.body.contains("active"), "{what}: {}", answer.body);
    }
    let wrong = call(&server, "/introspect", ("web", "wrong"), &token).await;
    assert_eq!(wrong.refusal(), (401, "invalid_client".into()));
    let nothing = Request::form("/introspect", &[]).header("authorization", basic(WEB.0, WEB.1));
    assert_eq!(
        server.send(nothing).await.refusal(),
        (400, "invalid_request".into())
    );
}

#[tokio::test]
async fn only_a_post_is_answered() {
    let server = Server::start().await;
    for path in ["/introspect", "/revoke"] {
        assert_eq!(server.get(path).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_resource_server_sees_the_tokens_meant_for_it() {
    let server = Server::start().await;
    server
        .apply(
            r#"
            [[resource]]
            identifier = "https://rs2.example/"
            scopes = []

            [[client]]
            client_id = "rs2"
            client_secret = "rs2-secret-of-more-than-32-characters"
            grant_types = ["client_credentials"]
            resources = ["https://rs2.example/"]
            may_introspect = true
            "#,
        )
        .await;
    let rs2 = ("rs2", "rs2-secret-of-more-than-32-characters");
    let for_api = server
        .tokens(&[("resource", "https://api.example/")])
        .await
        .text("access_token");
    assert_eq!(ask(&server, API, &for_api).await["active"], true);
    assert_eq!(ask(&server, API, &for_api).await["aud"], "https://api.example/");
    let for_both = server.tokens(&[]).await.text("access_token");
    let for_us = server.tokens(&[("scope", "openid")]).await.text("access_token");
    assert_eq!(ask(&server, API, &for_both).await["active"], true);
    assert_eq!(ask(&server, API, &for_us).await, inactive());
    for token in [for_api, for_both, for_us] {
        assert_eq!(ask(&server, rs2, &token).await, inactive());
        assert_eq!(ask(&server, WEB2, &token).await, inactive());
        assert_eq!(ask(&server, WEB, &token).await["active"], true);
    }
}

#[tokio::test]
async fn each_token_that_is_not_good_is_answered_alike() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    for token in [
        "junk",
        "a.b.c",
        "rt_unknown",
        &tokens.text("id_token"),
        &format!("{access}x"),
    ] {
        assert_eq!(ask(&server, WEB, token).await, inactive(), "{token}");
    }
    server.advance(Lifetime::seconds(661));
    assert_eq!(ask(&server, WEB, &access).await, inactive());
    assert_eq!(ask(&server, WEB, &refresh).await["active"], true);
    server.advance(Lifetime::days(14));
    assert_eq!(ask(&server, WEB, &refresh).await, inactive());
}

#[tokio::test]
async fn a_revoked_access_token_is_inactive_at_once_and_alone() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    assert_eq!(ask(&server, WEB, &access).await["active"], true);
    for _ in 0..2 {
        assert_eq!(call(&server, "/revoke", WEB, &access).await.status, 200);
        assert_eq!(ask(&server, WEB, &access).await, inactive());
        assert_eq!(ask(&server, API, &access).await, inactive());
    }
    assert_eq!(server.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn another_client_cannot_revoke() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    for token in [tokens.text("access_token"), tokens.text("refresh_token")] {
        for other in [WEB2, API] {
            assert_eq!(call(&server, "/revoke", other, &token).await.status, 200);
        }
        let public = Request::form("/revoke", &[("token", &token), ("client_id", "spa")]);
        assert_eq!(server.send(public).await.status, 200);
        assert_eq!(ask(&server, WEB, &token).await["active"], true);
    }
}

#[tokio::test]
async fn an_unknown_token_is_revoked_already() {
    let server = Server::start().await;
    for token in ["junk", "a.b.c", "rt_unknown"] {
        assert_eq!(call(&server, "/revoke", WEB, token).await.status, 200, "{token}");
    }
    let wrong = call(&server, "/revoke", ("web", "wrong"), "junk").await;
    assert_eq!(wrong.refusal(), (401, "invalid_client".into()));
}
