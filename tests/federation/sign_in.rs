//! The whole way, between two servers of ours and with a provider of the test's.

use std::net::TcpListener;

use protocol::time::Timestamp;
use serde_json::{Value, json};

use super::provider::{Provider, Trip, got_code, link, visit};
use crate::support::{Browser, Server, query_of};

const PASSWORD: &str = "correct horse battery staple";
const TRUSTED: &str = "trusted_email_domains = [\"example.test\"]";

/// A server that others can reach under its issuer.
async fn reachable() -> Server {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start_with(|config| {
        config.server.listen = free;
        config.server.issuer = format!("http://{free}");
    })
    .await;
    server
        .apply(
            "[[client]]\nclient_id = \"down\"\nclient_secret = \"down-secret-of-more-than-32-characters\"\n\
             redirect_uris = [\"http://localhost:8080/login/upstream/corp/callback\"]\nscope = \"openid profile email\"\n",
        )
        .await;
    server
}

async fn relying_on(up: &Server) -> Server {
    let server = Server::start_with(|config| {
        config.outbound.allowed_private_hosts = vec!["127.0.0.1".to_owned()];
    })
    .await;
    server
        .apply(&format!(
            "[[upstream]]\nname = \"corp\"\nissuer = \"{}\"\nclient_id = \"down\"\n\
             client_secret = \"down-secret-of-more-than-32-characters\"\n{TRUSTED}\n",
            up.config.server.issuer
        ))
        .await;
    server
}

/// The claims of the ID token that `web` gets for the code in this answer.
async fn id_token(server: &Server, answer: &crate::support::Answer) -> Value {
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server.redeem(&code).await;
    Value::Object(server.claims(&tokens.text("id_token")).await)
}

#[tokio::test]
async fn a_person_of_another_server_of_ours_signs_in_here() {
    let up = reachable().await;
    let down = relying_on(&up).await;
    let mut here = Browser::new(&down);
    let trip = Trip::begin(&down, &mut here, &down.authorize(&[])).await;
    let there = trip.url.strip_prefix(&up.config.server.issuer).unwrap();
    let back = Browser::new(&up).sign_in(there, "alice", PASSWORD).await;
    let callback = back.location().strip_prefix("http://localhost:8080").unwrap();
    let answer = here.open(callback).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    let claims = id_token(&down, &answer).await;
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("1"), &json!(["fed"])));
    assert_eq!(claims["sub"], json!(down.account_id("alice").await.to_string()));
    // The second time nothing is connected any more: issuer and subject are known.
    let mut again = Browser::new(&down);
    let trip = Trip::begin(&down, &mut again, &down.authorize(&[])).await;
    let there = trip.url.strip_prefix(&up.config.server.issuer).unwrap();
    let back = Browser::new(&up).sign_in(there, "alice", PASSWORD).await;
    let callback = back.location().strip_prefix("http://localhost:8080").unwrap();
    assert!(got_code(&again.open(callback).await));
    assert_eq!(down.mails().await.len(), 1);
}

#[tokio::test]
async fn the_request_holds_what_a_good_client_sends() {
    let provider = Provider::start().await;
    let server = provider.relied_on("scope = \"openid email\"").await;
    let mut browser = Browser::new(&server);
    let trip = Trip::begin(&server, &mut browser, &server.authorize(&[])).await;
    let param = |name| query_of(&trip.url, name).unwrap();
    assert!(trip.url.starts_with(&format!("{}/authorize?", provider.issuer)));
    assert_eq!(
        (param("response_type"), param("client_id"), param("scope")),
        ("code".into(), "chancery".into(), "openid email".into())
    );
    assert_eq!(
        param("redirect_uri"),
        "http://localhost:8080/login/upstream/corp/callback"
    );
    assert_eq!(param("code_challenge_method"), "S256");
    assert_eq!(query_of(&trip.url, "max_age"), None);
    let challenge = protocol::pkce::CodeChallenge::parse(&param("code_challenge")).unwrap();
    provider.says(&trip, json!({ "email": "x@example.test" }));
    browser.open(&trip.back(&[("code", "the code")])).await;
    let asked = &provider.asked("/token")[0];
    let sent = |name| query_of(&format!("?{}", asked.body), name);
    assert!(challenge.matches(&sent("code_verifier").unwrap()));
    assert_eq!(sent("code").as_deref(), Some("the code"));
    assert_eq!(
        sent("redirect_uri").as_deref(),
        Some("http://localhost:8080/login/upstream/corp/callback")
    );
    assert_eq!(sent("client_secret"), None);
    assert_eq!(
        asked.authorization.as_deref(),
        Some(crate::support::basic("chancery", "a secret: for corp").as_str())
    );
}

#[tokio::test]
async fn the_secret_can_go_in_the_body() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on("token_endpoint_auth_method = \"client_secret_post\"")
        .await;
    visit(&server, &provider, json!({})).await;
    let asked = &provider.asked("/token")[0];
    let sent = |name| query_of(&format!("?{}", asked.body), name);
    assert_eq!(sent("client_secret").as_deref(), Some("a secret: for corp"));
    assert_eq!(
        (sent("client_id").as_deref(), &asked.authorization),
        (Some("chancery"), &None)
    );
}

#[tokio::test]
async fn what_the_id_token_leaves_out_is_asked_for() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    provider.tells(json!({ "sub": "s1", "email": "alice@example.test", "email_verified": true }));
    let (_, answer) = visit(&server, &provider, json!({})).await;
    assert!(got_code(&answer), "{}", answer.body);
    assert_eq!(
        provider.asked("/userinfo")[0].authorization.as_deref(),
        Some("Bearer at")
    );
}

#[tokio::test]
async fn the_second_factor_is_still_asked_for() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    server
        .apply("[[account]]\nusername = \"bob\"\nemail = \"bob@example.test\"\nemail_verified = true\n")
        .await;
    let claims = json!({ "email": "bob@example.test", "email_verified": true, "acr": "2", "amr": ["mfa"] });
    let (mut browser, page) = visit(&server, &provider, claims).await;
    assert!(
        page.body.contains("name=\"code\""),
        "{} {}",
        page.status,
        page.body
    );
    // Asking again does not get around it.
    let again = browser.open(&server.authorize(&[])).await;
    assert!(again.body.contains("name=\"code\""), "{}", again.status);
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, Timestamp(server.clock.now().0));
    let answer = browser.submit(&page, &[("code", &code)]).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    let claims = id_token(&server, &answer).await;
    assert_eq!(claims["acr"], json!("2"));
    assert_eq!(claims["amr"], json!(["fed", "otp", "mfa"]));
}

#[tokio::test]
async fn a_fresh_sign_in_is_one_at_the_provider_too() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    for (asked, sent, age, fine) in [
        (("prompt", "login"), "0", 0, true),
        (("prompt", "login"), "0", 3600, false),
        (("max_age", "600"), "600", 500, true),
        (("max_age", "600"), "600", 3600, false),
    ] {
        let mut browser = Browser::new(&server);
        let trip = Trip::begin(&server, &mut browser, &server.authorize(&[asked])).await;
        assert_eq!(query_of(&trip.url, "max_age").as_deref(), Some(sent));
        let prompt = (sent == "0").then_some("login");
        assert_eq!(query_of(&trip.url, "prompt").as_deref(), prompt);
        let claims =
            json!({ "email": "alice@example.test", "email_verified": true, "auth_time": trip.now - age });
        provider.says(&trip, claims);
        let answer = browser.open(&trip.back(&[("code", "c")])).await;
        assert_eq!(got_code(&answer), fine, "{asked:?} {age}: {}", answer.body);
    }
    let mut browser = Browser::new(&server);
    let trip = Trip::begin(&server, &mut browser, &server.authorize(&[("prompt", "login")])).await;
    provider.says(
        &trip,
        json!({ "email": "alice@example.test", "email_verified": true }),
    );
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
}

#[tokio::test]
async fn the_sign_in_page_offers_what_is_open() {
    let provider = Provider::start().await;
    let server = provider.relied_on("").await;
    let page = Browser::new(&server).open(&server.authorize(&[])).await;
    assert!(
        page.body.contains("Continue with <bdi>Corporate</bdi>"),
        "{}",
        page.body
    );
    server.apply(&provider.entry("enabled = false")).await;
    let page = Browser::new(&server).open(&server.authorize(&[])).await;
    assert_eq!(link(&page, "upstream-corp"), None);
}
