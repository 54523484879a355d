//! Refused requests can be looked up by the id that the person or the client was shown.

use serde_json::Value;

use super::{admin, reader, with_reader};
use crate::support::{Answer, Request, Server, basic};

fn id(answer: &Answer) -> String {
    answer.headers["x-request-id"].to_str().unwrap().to_owned()
}

async fn look_up(server: &Server, token: &str, answer: &Answer) -> Value {
    let found = admin(server, token, &format!("/refused-requests/{}", id(answer))).await;
    assert_eq!(found.status, 200, "{}", found.body);
    found.json()
}

#[tokio::test]
async fn each_endpoint_remembers_what_it_refused_and_says_how_to_put_it_right() {
    let (server, token) = with_reader().await;
    let client = basic("web", "web-secret-of-more-than-32-characters");
    let form = |path: &str, pairs: &[(&str, &str)]| {
        Request::form(path.to_owned(), pairs).header("authorization", client.clone())
    };
    for (request, endpoint, error, rule, hint) in [
        (
            form(
                "/token",
                &[
                    ("grant_type", "authorization_code"),
                    ("code", "canary"),
                    ("redirect_uri", "https://app.example/cb"),
                ],
            ),
            "/token",
            "invalid_grant",
            "the code is unknown",
            "percent-decoded once",
        ),
        (
            form("/introspect", &[]),
            "/introspect",
            "invalid_request",
            "token is missing",
            "Compare",
        ),
        (
            form("/revoke", &[]),
            "/revoke",
            "invalid_request",
            "token is missing",
            "Compare",
        ),
        (
            Request::get("/userinfo").bearer("canary"),
            "/userinfo",
            "invalid_token",
            "expired, revoked",
            "Refresh",
        ),
        (
            Request::get("/userinfo"),
            "/userinfo",
            "no_token",
            "no access token",
            "Authorization: Bearer",
        ),
        (
            Request::get("/authorize?client_id=nobody&state=canary"),
            "/authorize",
            "invalid_request",
            "unknown client",
            "Check client_id",
        ),
        (
            Request::get(server.authorize(&[("redirect_uri", "https://other.example/?secret=canary")])),
            "/authorize",
            "invalid_request",
            "redirect_uri is not registered",
            "Register exactly",
        ),
        (
            Request::get(server.authorize(&[("code_challenge", "")])),
            "/authorize",
            "invalid_request",
            "code_challenge is missing",
            "Use PKCE",
        ),
        (
            Request::get(server.authorize(&[("prompt", "none")])),
            "/authorize",
            "login_required",
            "",
            "prompt=none",
        ),
        (
            Request::get("/logout?id_token_hint=canary"),
            "/logout",
            "invalid_request",
            "id_token_hint",
            "id_token_hint",
        ),
    ] {
        let answer = server.send(request).await;
        let found = look_up(&server, &token, &answer).await;
        assert_eq!(found["endpoint"], endpoint, "{found}");
        assert_eq!(found["error"], error, "{found}");
        assert!(found["description"].as_str().unwrap().contains(rule), "{found}");
        assert!(found["hint"].as_str().unwrap().contains(hint), "{found}");
        assert!(!found.to_string().contains("canary"), "{found}");
    }
}

#[tokio::test]
async fn the_page_for_the_person_carries_the_id() {
    let (server, token) = with_reader().await;
    let page = server
        .get("/authorize?client_id=nobody&response_type=code&scope=openid")
        .await;
    assert!(page.body.contains(&id(&page)));
    let found = look_up(&server, &token, &page).await;
    assert_eq!(found["client_id"], "nobody");
    let shown = found["parameters"].as_array().unwrap();
    assert!(
        shown
            .iter()
            .any(|parameter| parameter["name"] == "scope" && parameter["value"] == "openid")
    );
}

#[tokio::test]
async fn why_a_client_was_not_recognised_is_told_to_those_who_run_the_server_alone() {
    let (server, token) = with_reader().await;
    let pairs = [("grant_type", "client_credentials")];
    let mut told = Vec::new();
    for (request, cause, hint) in [
        (
            Request::form("/token", &pairs).header("authorization", basic("web", "wrong")),
            "the secret is wrong",
            "rotate-secret",
        ),
        (
            Request::form("/token", &pairs).header("authorization", basic("nobody", "x")),
            "no client is registered",
            "client_id",
        ),
        (
            Request::form("/token", &pairs).header("authorization", basic("spa", "x")),
            "registered for none",
            "token_endpoint_auth_method",
        ),
    ] {
        let answer = server.send(request).await;
        let found = look_up(&server, &token, &answer).await;
        assert!(found["cause"].as_str().unwrap().contains(cause), "{found}");
        assert!(found["hint"].as_str().unwrap().contains(hint), "{found}");
        assert_eq!(found["authorization"], "Basic");
        told.push(answer.body);
    }
    assert!(told.iter().all(|body| *body == told[0]), "{told:?}");
}

#[tokio::test]
async fn the_latest_are_listed_for_one_client_or_all() {
    let (server, token) = with_reader().await;
    for client in ["web", "web", "nobody"] {
        server.get(&format!("/authorize?client_id={client}")).await;
    }
    let count = async |query: &str| {
        let answer = admin(&server, &token, &format!("/refused-requests{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?client_id=web").await, 2);
    assert_eq!(count("?client_id=web&limit=1").await, 1);
    assert_eq!(count("?client_id=spa").await, 0);
}

#[tokio::test]
async fn what_went_well_and_what_was_never_asked_is_not_found() {
    let (server, token) = with_reader().await;
    let good = server.tokens(&[]).await;
    for unknown in [
        id(&good),
        "0".repeat(32),
        "x".to_owned(),
        "0".repeat(31),
        "%00".repeat(2),
    ] {
        let answer = admin(&server, &token, &format!("/refused-requests/{unknown}")).await;
        assert!(
            [400, 404].contains(&answer.status),
            "{unknown}: {}",
            answer.status
        );
    }
    for wrong in ["?limit=0", "?limit=201", "?cursor=x"] {
        let answer = admin(&server, &token, &format!("/refused-requests{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let less = reader(&server, "statistics:read").await;
    assert_eq!(admin(&server, &less, "/refused-requests").await.status, 403);
}

#[tokio::test]
async fn with_redis_another_node_finds_it_too() {
    let Ok(url) = std::env::var("TEST_REDIS_URL") else {
        return;
    };
    let server = Server::start_with(|config| config.redis.url = Some(url)).await;
    let other = chancery::server::open(server.config.clone(), server.clock.clone())
        .await
        .unwrap();
    let answer = server.get("/authorize?client_id=nobody").await;
    let id = id(&answer);
    // It is on its way, and no answer waits for it.
    let mut found = None;
    for _ in 0..200 {
        found = other.refusals.find(&id).await;
        if found.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(found.unwrap().client_id.as_deref(), Some("nobody"));
    assert!(
        other
            .refusals
            .list(Some("nobody"), 200)
            .await
            .iter()
            .any(|request| request.request_id == id)
    );
}
