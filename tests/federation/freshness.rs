//! How old a sign-in elsewhere is counts here too: nothing that asks for a fresh one takes an old one for it.

use protocol::session::MfaPolicy;
use protocol::time::{Lifetime, Timestamp};
use serde_json::{Map, Value, json};

use super::provider::{Provider, Trip, got_code, is_asked, link, visit};
use crate::support::{Answer, Browser, Form, Server, query_of};

const TRUSTED: &str = "trusted_email_domains = [\"example.test\"]";
const PASSWORD: &str = "correct horse battery staple";
const SECURITY: &str = "/account/security";
const HOURS: i64 = 36_000;

/// Alice, who signed in there at this moment, or does not say when.
fn alice(auth_time: Option<i64>) -> Value {
    json!({ "email": "alice@example.test", "email_verified": true, "auth_time": auth_time })
}

async fn signed_in<'a>(
    server: &'a Server,
    provider: &Provider,
    auth_time: Option<i64>,
) -> (Browser<'a>, Answer) {
    let (browser, answer) = visit(server, provider, alice(auth_time)).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    (browser, answer)
}

/// The claims of the ID Token that `web` gets for the code in this answer.
async fn id_token(server: &Server, answer: &Answer) -> Map<String, Value> {
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server.redeem(&code).await;
    server.claims(&tokens.text("id_token")).await
}

fn asks_to_sign_in(page: &Answer) -> bool {
    page.status == 200 && link(page, "upstream-corp").is_some()
}

async fn opens(browser: &mut Browser<'_>, page: &str) -> bool {
    let answer = browser.open(page).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    !asks_to_sign_in(&answer)
}

/// Whether a request gets a code although nobody may be asked.
async fn is_silent(server: &Server, browser: &mut Browser<'_>, max_age: &str) -> bool {
    let path = server.authorize(&[("prompt", "none"), ("max_age", max_age)]);
    let answer = browser.open(&path).await;
    let error = query_of(answer.location(), "error");
    assert!(
        got_code(&answer) || error.as_deref() == Some("login_required"),
        "{}",
        answer.location()
    );
    got_code(&answer)
}

#[tokio::test]
async fn an_old_sign_in_is_as_old_here() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let then = server.clock.now().0 - HOURS;
    let (mut browser, answer) = signed_in(&server, &provider, Some(then)).await;
    assert_eq!(id_token(&server, &answer).await["auth_time"], json!(then));
    assert!(opens(&mut browser, "/account").await);
    assert!(!opens(&mut browser, SECURITY).await);
    assert!(!is_silent(&server, &mut browser, "300").await);
    assert!(!is_silent(&server, &mut browser, "35999").await);
    assert!(is_silent(&server, &mut browser, "36000").await);
    let page = browser.open(&server.authorize(&[("max_age", "300")])).await;
    assert!(asks_to_sign_in(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_sign_in_of_unknown_age_is_never_a_fresh_one() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let now = server.clock.now().0;
    // What lies ahead cannot be right either.
    for unknown in [None, Some(now + 3600)] {
        let (mut browser, answer) = signed_in(&server, &provider, unknown).await;
        let claims = id_token(&server, &answer).await;
        let said = claims.get("auth_time").and_then(Value::as_i64);
        assert!(said.is_none_or(|said| said == 0), "{said:?}");
        assert!(!opens(&mut browser, SECURITY).await);
        assert!(!is_silent(&server, &mut browser, "300").await);
        assert!(!is_silent(&server, &mut browser, "31536000").await);
    }
}

#[tokio::test]
async fn a_fresh_sign_in_is_fresh_until_it_is_not() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let then = server.clock.now().0 - 100;
    let (mut browser, answer) = signed_in(&server, &provider, Some(then)).await;
    assert_eq!(id_token(&server, &answer).await["auth_time"], json!(then));
    assert!(opens(&mut browser, SECURITY).await);
    assert!(is_silent(&server, &mut browser, "300").await);
    server.advance(Lifetime::seconds(201));
    assert!(!opens(&mut browser, SECURITY).await);
    assert!(!is_silent(&server, &mut browser, "300").await);
    // A clock that is a little ahead makes nobody younger than now.
    let now = server.clock.now().0;
    let (mut browser, answer) = signed_in(&server, &provider, Some(now + 30)).await;
    assert_eq!(id_token(&server, &answer).await["auth_time"], json!(now));
    assert!(opens(&mut browser, SECURITY).await);
}

#[tokio::test]
async fn who_is_not_fresh_is_sent_to_sign_in_anew() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let then = server.clock.now().0 - HOURS;
    let (mut browser, _) = signed_in(&server, &provider, Some(then)).await;
    for (page, sent) in [
        (SECURITY.to_owned(), "0"),
        (server.authorize(&[("max_age", "300")]), "300"),
    ] {
        for auth_time in [None, Some(then)] {
            let trip = Trip::begin(&server, &mut browser, &page).await;
            assert_eq!(query_of(&trip.url, "max_age").as_deref(), Some(sent));
            provider.says(&trip, alice(auth_time));
            let refused = browser.open(&trip.back(&[("code", "c")])).await;
            assert_eq!(refused.status, 502, "{}", refused.body);
        }
    }
    let trip = Trip::begin(&server, &mut browser, SECURITY).await;
    assert_eq!(query_of(&trip.url, "prompt").as_deref(), Some("login"));
    // Their clock is behind ours; the sign-in began when it was asked for all the same.
    provider.says(&trip, alice(Some(trip.now - 50)));
    let page = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(page.status == 200 && !asks_to_sign_in(&page), "{}", page.body);
    let answer = browser.open(&server.authorize(&[])).await;
    assert_eq!(id_token(&server, &answer).await["auth_time"], json!(trip.now));
}

#[tokio::test]
async fn an_old_proof_changes_nothing_of_what_was_proved_here() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let mut browser = Browser::new(&server);
    let trip = Trip::begin(&server, &mut browser, &server.authorize(&[])).await;
    browser.sign_in("/account", "alice", PASSWORD).await;
    let here = server.clock.now().0;
    server.advance(Lifetime::seconds(100));
    provider.says(&trip, alice(Some(trip.now - HOURS)));
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(got_code(&answer), "{}", answer.body);
    let claims = id_token(&server, &answer).await;
    assert_eq!(
        (&claims["auth_time"], &claims["amr"]),
        (&json!(here), &json!(["pwd"]))
    );
    server.advance(Lifetime::seconds(200));
    assert!(opens(&mut browser, SECURITY).await);
    server.advance(Lifetime::seconds(1));
    assert!(!opens(&mut browser, SECURITY).await);
}

#[tokio::test]
async fn a_newer_proof_takes_the_place_of_an_older_one() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let then = server.clock.now().0 - HOURS;
    let (mut browser, _) = signed_in(&server, &provider, Some(then)).await;
    let trip = Trip::begin(&server, &mut browser, &server.authorize(&[("max_age", "600")])).await;
    provider.says(&trip, alice(Some(trip.now - 400)));
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert_eq!(
        id_token(&server, &answer).await["auth_time"],
        json!(trip.now - 400)
    );
    assert!(!opens(&mut browser, SECURITY).await);
}

#[tokio::test]
async fn a_second_factor_does_not_make_the_first_one_newer() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    server
        .apply("[[account]]\nusername = \"bob\"\nemail = \"bob@example.test\"\nemail_verified = true\n")
        .await;
    let then = server.clock.now().0 - HOURS;
    let claims = json!({ "email": "bob@example.test", "email_verified": true, "auth_time": then });
    let (mut browser, page) = visit(&server, &provider, claims).await;
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, Timestamp(server.clock.now().0));
    let answer = browser.submit(&page, &[("code", &code)]).await;
    let claims = id_token(&server, &answer).await;
    assert_eq!(
        (&claims["acr"], &claims["auth_time"]),
        (&json!("2"), &json!(then))
    );
    assert!(!opens(&mut browser, SECURITY).await);
    assert!(!is_silent(&server, &mut browser, "300").await);
}

#[tokio::test]
async fn who_must_enrol_signs_in_anew_first() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on_with(TRUSTED, |config| config.accounts.mfa = MfaPolicy::Required)
        .await;
    let (mut browser, page) = visit(&server, &provider, alice(None)).await;
    assert!(asks_to_sign_in(&page), "{} {}", page.status, page.body);
    let again = link(&page, "upstream-corp").unwrap();
    let trip = Trip::along(&server, &mut browser, again).await;
    assert_eq!(query_of(&trip.url, "max_age").as_deref(), Some("0"));
    provider.says(&trip, alice(Some(trip.now)));
    let page = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(Form::of(&page.body).action.starts_with("/enrol"), "{}", page.body);
}

#[tokio::test]
async fn an_account_is_proved_anew_elsewhere_before_it_is_connected() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let now = server.clock.now().0;
    let (mut browser, _) = signed_in(&server, &provider, Some(now - 10)).await;
    server.advance(Lifetime::seconds(5));
    let trip = Trip::begin(&server, &mut browser, &server.authorize(&[("prompt", "login")])).await;
    provider.says(
        &trip,
        json!({ "sub": "s2", "email": "x@else.test", "auth_time": trip.now }),
    );
    let asked = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(is_asked(&asked), "{}", asked.body);
    let page = browser.submit(&asked, &[("choice", "connect")]).await;
    assert!(asks_to_sign_in(&page), "{}", page.body);
    let again = link(&page, "upstream-corp").unwrap();
    let trip = Trip::along(&server, &mut browser, again).await;
    assert_eq!(query_of(&trip.url, "max_age").as_deref(), Some("0"));
    provider.says(&trip, alice(Some(trip.now - 30)));
    let confirm = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(confirm.body.contains("<bdi>alice</bdi>"), "{}", confirm.body);
}
