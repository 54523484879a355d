//! `/account/identities`: what is connected, connecting more, and taking it away.

use protocol::time::Lifetime;
use serde_json::json;
use store::Conn;

use super::provider::{Provider, Trip, got_code, link, visit};
use crate::support::{Answer, Browser, Form, Request, Server, VERIFIER, query_of};

const TRUSTED: &str = "trusted_email_domains = [\"example.test\"]";
const PASSWORD: &str = "correct horse battery staple";
const PAGE: &str = "/account/identities";
const CONSOLE: &str = r#"
[[client]]
client_id = "console"
client_secret = "console-secret-of-more-than-32-characters"
redirect_uris = ["https://console.example/cb"]
grant_types = ["authorization_code", "password"]
scope = "openid account:read account:write"
"#;
const CONSOLE_SECRET: &str = "console-secret-of-more-than-32-characters";

async fn connections(server: &Server, name: &str) -> usize {
    let id = server.account_id(name).await;
    let list = async move |db: &mut Conn| store::upstream_identities::list(db, id).await;
    server.running.app.store.read(list).await.unwrap().len()
}

/// Alice, connected with her address, in front of the page.
async fn connected<'a>(server: &'a Server, provider: &Provider) -> (Browser<'a>, Answer) {
    let now = server.clock.now().0;
    let claims = json!({ "email": "alice@example.test", "email_verified": true, "auth_time": now });
    let (mut browser, answer) = visit(server, provider, claims).await;
    assert!(got_code(&answer), "{}", answer.body);
    let page = browser.open(PAGE).await;
    assert!(
        page.body.contains("<bdi>Corporate</bdi>"),
        "{} {}",
        page.status,
        page.body
    );
    (browser, page)
}

#[tokio::test]
async fn a_connection_is_shown_and_taken_away() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, page) = connected(&server, &provider).await;
    let (mut elsewhere, _) = connected(&server, &provider).await;
    let form = Form::at(&page.body, "/account/identities/end");
    let done = browser.send(form.filled(&[])).await;
    assert_eq!(
        (done.status, done.location()),
        (303, "/account/identities?done=identity-ended")
    );
    assert_eq!(connections(&server, "alice").await, 0);
    assert_eq!(server.mails().await.len(), 2);
    assert_eq!(browser.send(form.filled(&[])).await.status, 404);
    let sent_out = elsewhere.open(PAGE).await;
    assert!(sent_out.body.contains("name=\"password\""), "{}", sent_out.body);
    let page = browser.open(PAGE).await;
    assert!(!page.body.contains("/account/identities/end"), "{}", page.body);
}

#[tokio::test]
async fn the_only_way_in_is_not_taken_away() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on(&format!("create_accounts = true\n{TRUSTED}"))
        .await;
    let now = server.clock.now().0;
    let claims = json!({ "email": "carol@example.test", "email_verified": true, "auth_time": now });
    let (mut browser, answer) = visit(&server, &provider, claims).await;
    assert!(got_code(&answer), "{}", answer.body);
    let page = browser.open(PAGE).await;
    let form = Form::at(&page.body, "/account/identities/end");
    let refused = browser.send(form.filled(&[])).await;
    assert_eq!(refused.location(), "/account/identities?done=identity-last");

    server.apply(CONSOLE).await;
    let path = server.authorize(&[
        ("client_id", "console"),
        ("redirect_uri", "https://console.example/cb"),
        ("scope", "openid account:read account:write"),
    ]);
    let answer = browser.open(&path).await;
    let code = query_of(answer.location(), "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://console.example/cb"),
        ("code_verifier", VERIFIER),
    ];
    let token = server
        .token_as("console", CONSOLE_SECRET, &pairs)
        .await
        .text("access_token");
    let api =
        |method, path: &str| Request::new(method, format!("/api/account/v1/identities{path}")).bearer(&token);
    let listed = server.send(api("GET", "")).await.json();
    let one = format!("/{}", listed["identities"][0]["id"].as_str().unwrap());
    assert_eq!(server.send(api("DELETE", &one)).await.status, 409);
    assert_eq!(connections(&server, "carol").await, 1);
}

#[tokio::test]
async fn taking_away_needs_a_form_of_ours_and_a_fresh_sign_in() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, page) = connected(&server, &provider).await;
    let form = Form::at(&page.body, "/account/identities/end");
    let identity = form.hidden.iter().find(|(name, _)| name == "identity").unwrap();
    let bare = Request::form(form.action.clone(), &[("identity", identity.1.as_str())]);
    assert_eq!(browser.send(bare).await.status, 403);
    let foreign = form.filled(&[]).header("origin", "https://evil.test");
    assert_eq!(browser.send(foreign).await.status, 403);
    // What is somebody else's is not there.
    let mut bob = Browser::new(&server);
    let claims = json!({ "sub": "s2", "email": "x@else.test" });
    drop(visit(&server, &provider, claims).await);
    let page = bob.sign_in(PAGE, "alice", PASSWORD).await;
    let mut made_up = Form::at(&page.body, "/account/identities/end");
    for (name, value) in &mut made_up.hidden {
        if name == "identity" {
            *value = "0".repeat(64);
        }
    }
    assert_eq!(bob.send(made_up.filled(&[])).await.status, 404);
    server.advance(Lifetime::minutes(6));
    let stale = browser.send(form.filled(&[])).await;
    assert!(stale.location().starts_with("/login?i="), "{}", stale.location());
    assert_eq!(connections(&server, "alice").await, 1);
}

#[tokio::test]
async fn a_holder_connects_from_the_account_page() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(PAGE, "alice", PASSWORD).await;
    let start = link(&page, "connect-corp").unwrap();
    let trip = Trip::along(&server, &mut browser, start.clone()).await;
    provider.says(&trip, json!({ "email": "x@else.test" }));
    let confirm = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(confirm.body.contains("<bdi>alice</bdi>"), "{}", confirm.body);
    assert_eq!(connections(&server, "alice").await, 0);
    let page = browser.submit(&confirm, &[("choice", "connect")]).await;
    assert!(
        page.body.contains("/account/identities/end"),
        "{} {}",
        page.status,
        page.body
    );
    assert_eq!(connections(&server, "alice").await, 1);
    // Whom they are connected with already is not connected again.
    let trip = Trip::along(&server, &mut browser, start).await;
    provider.says(&trip, json!({ "email": "x@else.test" }));
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(answer.body.contains("id=\"notice\""), "{}", answer.body);
    assert_eq!(connections(&server, "alice").await, 1);
}

#[tokio::test]
async fn a_session_that_is_not_fresh_connects_nothing() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(PAGE, "alice", PASSWORD).await;
    let start = link(&page, "connect-corp").unwrap();
    let trip = Trip::along(&server, &mut browser, start.clone()).await;
    provider.says(&trip, json!({ "email": "x@else.test", "exp": trip.now + 3600 }));
    server.advance(Lifetime::minutes(6));
    let page = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    let page = browser.open(&start).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
}

#[tokio::test]
async fn a_client_lists_connections_and_takes_them_away() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    server.apply(CONSOLE).await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", PASSWORD),
    ];
    let token = server
        .token_as("console", CONSOLE_SECRET, &pairs)
        .await
        .text("access_token");
    let api =
        |method, path: &str| Request::new(method, format!("/api/account/v1/identities{path}")).bearer(&token);
    assert_eq!(
        server.send(api("GET", "")).await.json(),
        json!({ "identities": [] })
    );
    let (mut browser, _) = connected(&server, &provider).await;
    let listed = server.send(api("GET", "")).await.json();
    let one = &listed["identities"][0];
    assert_eq!(
        (&one["title"], &one["issuer"], &one["open"]),
        (&json!("Corporate"), &json!(provider.issuer), &json!(true))
    );
    let path = format!("/{}", one["id"].as_str().unwrap());
    assert_eq!(server.send(api("DELETE", "/nothing")).await.status, 404);
    assert_eq!(connections(&server, "alice").await, 1);
    assert_eq!(server.send(api("DELETE", &path)).await.status, 204);
    assert_eq!(connections(&server, "alice").await, 0);
    assert_eq!(server.send(api("DELETE", &path)).await.status, 404);
    let sent_out = browser.open(PAGE).await;
    assert!(sent_out.body.contains("name=\"password\""), "{}", sent_out.body);
}
