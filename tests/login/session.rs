//! Browser sessions: their cookies, how they begin, change and end.

use protocol::time::Lifetime;

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const PASSWORD: &str = "correct horse battery staple";

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

fn asks_for_password(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("name=\"password\"")
}

/// A browser in which alice is signed in.
async fn signed_in(server: &Server) -> Browser<'_> {
    let mut browser = Browser::new(server);
    assert!(got_code(
        &browser.sign_in(&server.authorize(&[]), "alice", PASSWORD).await
    ));
    browser
}

async fn is_live(server: &Server, browser: &mut Browser<'_>) -> bool {
    let answer = browser.open(&server.authorize(&[])).await;
    assert!(
        got_code(&answer) || asks_for_password(&answer),
        "{} {}",
        answer.status,
        answer.body
    );
    got_code(&answer)
}

/// A browser that holds nothing but this session cookie.
fn thief<'a>(server: &'a Server, cookie: &str) -> Browser<'a> {
    let mut browser = Browser::new(server);
    browser
        .cookies
        .insert("chancery-session".to_owned(), cookie.to_owned());
    browser
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn cookies_carry_every_protection() {
    for (issuer, prefix) in [
        ("http://localhost:8080", "chancery-"),
        ("https://id.example", "__Host-"),
    ] {
        let server = Server::start_with(|config| config.server.issuer = issuer.to_owned()).await;
        let mut browser = Browser::new(&server);
        let start = browser.send(Request::get(server.authorize(&[]))).await;
        let page = browser.open(start.location()).await;
        let form = Form::of(&page.body).filled(&[("username", "alice"), ("password", PASSWORD)]);
        let answer = browser.send(form).await;
        let all = [set_cookies(&start), set_cookies(&answer)].concat();
        assert_eq!(all.len(), 3, "{all:?}");
        for (cookie, name) in all.iter().zip(["browser", "session", "device"]) {
            assert!(cookie.starts_with(&format!("{prefix}{name}=")), "{cookie}");
            assert_eq!(
                cookie.contains("; Secure"),
                issuer.starts_with("https"),
                "{cookie}"
            );
            for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
                assert!(cookie.contains(part), "{part} in {cookie}");
            }
            assert!(!cookie.contains("Domain") && cookie.len() < 4096, "{cookie}");
            let value = cookie.split(['=', ';']).nth(1).unwrap();
            // What is known of a browser rests in it, sealed; the others are random.
            assert!(value.len() == 43 || name == "device", "{cookie}");
            assert!(!value.contains('.'), "{cookie}");
        }
        let hsts = answer.header("strict-transport-security").is_some();
        assert_eq!(hsts, issuer.starts_with("https"));
    }
}

#[tokio::test]
async fn the_cookie_is_new_at_sign_in_and_at_step_up_and_the_old_one_dead() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    let first = browser.cookies["chancery-session"].clone();
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, server.clock.now());
    assert!(got_code(&browser.submit(&page, &[("code", &code)]).await));
    let second = browser.cookies["chancery-session"].clone();
    assert_ne!(first, second);
    assert!(!is_live(&server, &mut thief(&server, &first)).await);
    assert!(is_live(&server, &mut thief(&server, &second)).await);
}

#[tokio::test]
async fn signing_in_again_changes_the_cookie_and_keeps_the_session() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    let first = browser.cookies["chancery-session"].clone();
    server.advance(Lifetime::minutes(2));
    let answer = browser
        .sign_in(&server.authorize(&[("prompt", "login")]), "alice", PASSWORD)
        .await;
    assert!(got_code(&answer));
    assert_ne!(first, browser.cookies["chancery-session"]);
    assert!(!is_live(&server, &mut thief(&server, &first)).await);
    assert!(is_live(&server, &mut browser).await);
    let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    let claims = server.claims(&tokens.text("id_token")).await;
    assert_eq!(claims["auth_time"], server.clock.now().0);
}

#[tokio::test]
async fn a_planted_cookie_is_not_adopted() {
    let server = Server::start().await;
    let planted = "p".repeat(43);
    let mut victim = thief(&server, &planted);
    assert!(got_code(
        &victim.sign_in(&server.authorize(&[]), "alice", PASSWORD).await
    ));
    assert_ne!(victim.cookies["chancery-session"], planted);
    assert!(!is_live(&server, &mut thief(&server, &planted)).await);
}

#[tokio::test]
async fn an_attackers_own_session_ends_when_the_victim_signs_in_over_it() {
    let server = Server::start().await;
    let alice = signed_in(&server).await;
    let mut attacker = Browser::new(&server);
    let path = server.authorize(&[("prompt", "login")]);
    server
        .apply("[[account]]\nusername = \"mallory\"\npassword = \"mallory has a long password\"\n")
        .await;
    assert!(got_code(
        &attacker
            .sign_in(&path, "mallory", "mallory has a long password")
            .await
    ));
    let planted = attacker.cookies["chancery-session"].clone();
    let mut victim = thief(&server, &planted);
    assert!(got_code(&victim.sign_in(&path, "alice", PASSWORD).await));
    assert_ne!(victim.cookies["chancery-session"], planted);
    assert!(!is_live(&server, &mut attacker).await);
    assert!(is_live(&server, &mut victim).await);
    assert!(is_live(&server, &mut thief(&server, &alice.cookies["chancery-session"])).await);
}

#[tokio::test]
async fn one_sign_in_serves_all_clients() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    let second = server.authorize(&[
        ("client_id", "web2"),
        ("redirect_uri", "https://two.example/cb"),
        ("scope", "openid"),
    ]);
    let answer = browser.open(&second).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    assert!(answer.location().starts_with("https://two.example/cb?"));
}

#[tokio::test]
async fn a_session_ends_when_idle() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    for _ in 0..3 {
        server.advance(Lifetime::hours(23));
        assert!(is_live(&server, &mut browser).await);
    }
    server.advance(Lifetime::hours(24));
    assert!(!is_live(&server, &mut browser).await);
}

#[tokio::test]
async fn a_session_ends_after_its_absolute_life() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    for _ in 0..14 {
        assert!(is_live(&server, &mut browser).await);
        server.advance(Lifetime::hours(12));
    }
    assert!(!is_live(&server, &mut browser).await);
}

#[tokio::test]
async fn the_sixth_session_ends_the_oldest() {
    let server = Server::start().await;
    let mut browsers = Vec::new();
    for _ in 0..6 {
        browsers.push(signed_in(&server).await);
        server.advance(Lifetime::seconds(2));
    }
    for (index, browser) in browsers.iter_mut().enumerate() {
        assert_eq!(is_live(&server, browser).await, index > 0, "{index}");
    }
}

#[tokio::test]
async fn a_disabled_account_is_signed_in_nowhere() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    server
        .apply("[[account]]\nusername = \"alice\"\ndisabled = true\n")
        .await;
    assert!(!is_live(&server, &mut browser).await);
}

#[tokio::test]
async fn who_has_the_password_alone_does_not_end_sessions_that_proved_both_factors() {
    const BOB: &str = "bob has a long password too";
    let server = Server::start_with(|config| config.sessions.max_per_account = 2).await;
    let mut bob = Browser::new(&server);
    let page = bob.sign_in(&server.authorize(&[]), "bob", BOB).await;
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, server.clock.now());
    assert!(got_code(&bob.submit(&page, &[("code", &code)]).await));
    for _ in 0..3 {
        server.advance(Lifetime::seconds(1));
        let mut other = Browser::new(&server);
        let page = other.sign_in(&server.authorize(&[]), "bob", BOB).await;
        assert!(page.body.contains("name=\"code\""), "{}", page.body);
    }
    assert!(is_live(&server, &mut bob).await);
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_however_short_the_idle_time() {
    let server = Server::start_with(|config| config.sessions.idle = Lifetime::minutes(1)).await;
    let mut browser = signed_in(&server).await;
    for seconds in [50, 14, 45, 20, 39, 45] {
        server.advance(Lifetime::seconds(seconds));
        assert!(is_live(&server, &mut browser).await, "{seconds}");
    }
    server.advance(Lifetime::seconds(60));
    assert!(!is_live(&server, &mut browser).await);
}
