//! What comes back: nothing of it is believed before it is proved.

use chancery::config::{Config, Rate};
use protocol::jose::{Algorithm, SigningKey};
use protocol::time::Lifetime;
use serde_json::{Value, json};

use super::provider::{Provider, Trip, got_code, link, visit};
use crate::support::{Answer, Browser, Request, Server};

const TRUSTED: &str = "trusted_email_domains = [\"example.test\"]";

fn alice() -> Value {
    json!({ "email": "alice@example.test", "email_verified": true })
}

fn alice_with(name: &str, value: Value) -> Value {
    let mut claims = alice();
    claims[name] = value;
    claims
}

/// Refused on a page, with nobody signed in.
fn assert_refused(browser: &Browser<'_>, answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{why}: {}", answer.body);
    assert!(answer.body.contains("id=\"error-code\""), "{why}");
    assert!(!browser.cookies.contains_key("chancery-session"), "{why}");
}

async fn at_provider<'a>(server: &'a Server) -> (Browser<'a>, Trip) {
    let mut browser = Browser::new(server);
    let trip = Trip::begin(server, &mut browser, &server.authorize(&[])).await;
    (browser, trip)
}

#[tokio::test]
async fn an_id_token_with_a_wrong_claim_signs_nobody_in() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let now = server.clock.now().0;
    for (name, value) in [
        ("iss", json!("https://evil.test")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["chancery", "other"])),
        ("azp", json!("other")),
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("exp", json!(now)),
        ("exp", Value::Null),
        ("iat", json!(now + 3600)),
        ("iat", Value::Null),
        ("sub", Value::Null),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let (browser, answer) = visit(&server, &provider, alice_with(name, value.clone())).await;
        assert_refused(&browser, &answer, 502, &format!("{name} {value}"));
    }
    let (_, answer) = visit(&server, &provider, alice()).await;
    assert!(got_code(&answer), "{}", answer.body);
}

#[tokio::test]
async fn a_signature_of_nobody_or_of_others_is_none() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let stranger = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let encode = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    for case in 0..4 {
        let (mut browser, trip) = at_provider(&server).await;
        let claims = provider.claims(&trip, alice());
        let payload = encode(&claims.to_string());
        let token = match case {
            0 => stranger.sign("JWT", &claims).unwrap(),
            1 => format!("{}.{payload}.", encode(r#"{"alg":"none"}"#)),
            2 => format!("{}.{payload}.AAAA", encode(r#"{"alg":"HS256"}"#)),
            _ => provider.key.sign("at+jwt", &claims).unwrap(),
        };
        provider.sends(&token);
        let answer = browser.open(&trip.back(&[("code", "c")])).await;
        assert_refused(&browser, &answer, 502, &token);
    }
}

#[tokio::test]
async fn new_keys_of_the_provider_are_found() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    assert!(got_code(&visit(&server, &provider, alice()).await.1));
    let next = SigningKey::generate(Algorithm::EdDsa, "k2").unwrap();
    provider.publishes_keys(&[&next]);
    let (mut browser, trip) = at_provider(&server).await;
    provider.sends(&next.sign("JWT", &provider.claims(&trip, alice())).unwrap());
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert!(got_code(&answer), "{}", answer.body);
}

#[tokio::test]
async fn userinfo_about_somebody_else_signs_nobody_in() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    provider.tells(json!({ "sub": "s2", "email": "alice@example.test", "email_verified": true }));
    let (browser, answer) = visit(&server, &provider, json!({})).await;
    assert_refused(&browser, &answer, 502, "another sub");
}

#[tokio::test]
async fn an_answer_works_in_the_browser_that_asked_and_once() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, trip) = at_provider(&server).await;
    provider.says(&trip, alice());
    let back = trip.back(&[("code", "c")]);
    // Another browser, with a request of its own on the way and without.
    let (mut other, _) = at_provider(&server).await;
    let answer = other.open(&back).await;
    assert_refused(&other, &answer, 400, "another browser");
    let mut blank = Browser::new(&server);
    let answer = blank.open(&back).await;
    assert_refused(&blank, &answer, 400, "no cookies");
    for state in ["", "x", &trip.state[..trip.state.len() - 4]] {
        let forged = Trip {
            state: state.to_owned(),
            ..trip.clone()
        };
        let answer = browser.open(&forged.back(&[("code", "c")])).await;
        assert_refused(&browser, &answer, 400, state);
    }
    assert!(provider.asked("/token").is_empty());
    assert!(got_code(&browser.open(&back).await));
    let mut replaying = Browser::new(&server);
    replaying.cookies.clone_from(&browser.cookies);
    let answer = replaying.open(&back).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(provider.asked("/token").len(), 1);
}

#[tokio::test]
async fn an_old_answer_is_refused() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, trip) = at_provider(&server).await;
    provider.says(&trip, alice());
    server.advance(Lifetime::minutes(15));
    let answer = browser.open(&trip.back(&[("code", "c")])).await;
    assert_refused(&browser, &answer, 400, "late");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, trip) = at_provider(&server).await;
    provider.says(&trip, alice());
    let answer = browser
        .open(&trip.back(&[("code", "c"), ("iss", "https://evil.test")]))
        .await;
    assert_refused(&browser, &answer, 400, "another issuer");
    assert!(provider.asked("/token").is_empty());
    let (mut browser, trip) = at_provider(&server).await;
    provider.says(&trip, alice());
    let answer = browser
        .open(&trip.back(&[("code", "c"), ("iss", &provider.issuer)]))
        .await;
    assert!(got_code(&answer), "{}", answer.body);
}

#[tokio::test]
async fn an_issuer_that_was_promised_must_be_there() {
    let provider = Provider::start().await;
    provider.publishes("authorization_response_iss_parameter_supported", json!(true));
    let server = provider.relied_on(TRUSTED).await;
    let (browser, answer) = visit(&server, &provider, alice()).await;
    assert_refused(&browser, &answer, 400, "no issuer");
}

#[tokio::test]
async fn an_error_of_the_provider_is_told_neutrally() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, trip) = at_provider(&server).await;
    let answer = browser
        .open(&trip.back(&[("error", "<script>"), ("error_description", "call 555 now")]))
        .await;
    assert_refused(&browser, &answer, 400, "an error");
    assert!(!answer.body.contains("script>") && !answer.body.contains("555"));
}

#[tokio::test]
async fn who_was_refused_can_try_again() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let (mut browser, trip) = at_provider(&server).await;
    let answer = browser.open(&trip.back(&[("error", "access_denied")])).await;
    assert_refused(&browser, &answer, 400, "an error");
    let sign_in = super::provider::link(&answer, "sign-in").unwrap();
    let again = Trip::begin(&server, &mut browser, &sign_in).await;
    assert_ne!((&again.state, &again.nonce), (&trip.state, &trip.nonce));
    provider.says(&again, alice());
    let answer = browser.open(&again.back(&[("code", "c")])).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn a_provider_in_trouble_is_told_from_one_that_refuses() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    for (fails, status) in [(400, 502), (500, 503)] {
        let (mut browser, trip) = at_provider(&server).await;
        provider.fails_to_redeem(fails);
        let answer = browser.open(&trip.back(&[("code", "c")])).await;
        assert_refused(&browser, &answer, status, "the code is refused");
        assert!(super::provider::link(&answer, "sign-in").is_some());
    }
}

#[tokio::test]
async fn metadata_of_somebody_else_are_not_used() {
    let provider = Provider::start().await;
    provider.publishes("issuer", json!("https://evil.test"));
    let server = provider.relied_on("").await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let link = super::provider::link(&page, "upstream-corp").unwrap();
    let answer = browser.open(&link).await;
    assert_refused(&browser, &answer, 502, "another issuer");
}

#[tokio::test]
async fn a_provider_that_is_away_leaves_the_password() {
    let server = Server::start_with(|config| {
        config.outbound.allowed_private_hosts = vec!["127.0.0.1".to_owned()];
    })
    .await;
    let entry = "[[upstream]]\nname = \"corp\"\nissuer = \"http://127.0.0.1:1\"\nclient_id = \"c\"\nclient_secret = \"s\"\n";
    server.apply(entry).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let link = super::provider::link(&page, "upstream-corp").unwrap();
    let answer = browser.open(&link).await;
    assert_refused(&browser, &answer, 503, "away");
    let fields = [
        ("username", "alice"),
        ("password", "correct horse battery staple"),
    ];
    assert!(got_code(&browser.submit(&page, &fields).await));
}

#[tokio::test]
async fn private_addresses_are_not_asked_without_leave() {
    let provider = Provider::start().await;
    let server = provider
        .relied_on_with("", |config| config.outbound.allowed_private_hosts.clear())
        .await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let link = super::provider::link(&page, "upstream-corp").unwrap();
    let answer = browser.open(&link).await;
    assert_refused(&browser, &answer, 503, "private");
    assert!(provider.asked("/.well-known/openid-configuration").is_empty());
}

#[tokio::test]
async fn a_shut_upstream_is_shut_on_every_path() {
    let provider = Provider::start().await;
    let server = provider.relied_on("create_accounts = true").await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let start = super::provider::link(&page, "upstream-corp").unwrap();
    let trip = Trip::along(&server, &mut browser, start.clone()).await;
    provider.says(&trip, json!({ "email": "new@example.test" }));
    let asked = browser.open(&trip.back(&[("code", "c")])).await;
    let on_the_way = Trip::along(&server, &mut browser, start.clone()).await;
    provider.says(&on_the_way, alice());
    server
        .apply(&provider.entry("create_accounts = true\nenabled = false"))
        .await;
    for path in [start, on_the_way.back(&[("code", "c")])] {
        let answer = browser.open(&path).await;
        assert_refused(&browser, &answer, 404, &path);
    }
    for choice in ["create", "connect"] {
        let answer = browser.submit(&asked, &[("choice", choice)]).await;
        assert_refused(&browser, &answer, 404, choice);
    }
}

#[tokio::test]
async fn an_account_that_is_shut_stays_shut() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    assert!(got_code(&visit(&server, &provider, alice()).await.1));
    server
        .apply("[[account]]\nusername = \"alice\"\ndisabled = true\n")
        .await;
    let (browser, answer) = visit(&server, &provider, alice()).await;
    assert_refused(&browser, &answer, 403, "disabled");
}

#[tokio::test]
async fn asking_for_the_head_only_goes_nowhere() {
    let provider = Provider::start().await;
    let server = provider.relied_on(TRUSTED).await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let leave = link(&page, "upstream-corp").unwrap();
    assert_eq!(
        browser.send(Request::new("HEAD", leave.clone())).await.status,
        405
    );
    let trip = Trip::along(&server, &mut browser, leave).await;
    provider.says(&trip, alice());
    let back = trip.back(&[("code", "c")]);
    assert_eq!(browser.send(Request::new("HEAD", back.clone())).await.status, 405);
    let answer = browser.open(&back).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    let connect = "/account/identities/connect/corp";
    assert_eq!(browser.send(Request::new("HEAD", connect)).await.status, 405);
}

#[tokio::test]
async fn a_good_sign_in_costs_the_network_nothing_and_a_bad_one_a_try() {
    let provider = Provider::start().await;
    let rate = Rate {
        count: 2,
        per: Lifetime::hours(1),
    };
    let limited = |config: &mut Config| config.rate_limits.sign_in_per_address = rate;
    let server = provider.relied_on_with(TRUSTED, limited).await;
    for _ in 0..4 {
        let (_, answer) = visit(&server, &provider, alice()).await;
        assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    }
    // Whoever is not known yet was named all the same.
    let stranger = json!({ "sub": "s3", "email": "x@else.test" });
    for _ in 0..3 {
        let (_, answer) = visit(&server, &provider, stranger.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    for _ in 0..2 {
        let (browser, answer) = visit(&server, &provider, alice_with("nonce", json!("other"))).await;
        assert_refused(&browser, &answer, 502, "nonce");
    }
    let (browser, answer) = visit(&server, &provider, alice()).await;
    assert_refused(&browser, &answer, 429, "the limit is met");
    assert_eq!(answer.header("retry-after"), Some("1800"));
    assert_eq!(answer.header("ratelimit"), Some("\"sign-in\";r=0;t=1800"));
}
