//! `/logout` (OpenID Connect RP-Initiated Logout 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::time::Lifetime;

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const OUT: &str = "https://app.example/out";

fn logout(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("/logout?{}", query.finish())
}

/// A browser in which alice is signed in at `web`, and the tokens of that.
async fn signed_in<'a>(server: &'a Server, changes: &[(&str, &str)]) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let answer = browser
        .sign_in(
            &server.authorize(changes),
            "alice",
            "correct horse battery staple",
        )
        .await;
    let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    (browser, tokens)
}

async fn is_signed_in(server: &Server, browser: &mut Browser<'_>) -> bool {
    let answer = browser.open(&server.authorize(&[("prompt", "none")])).await;
    match query_of(answer.location(), "error") {
        Some(error) => {
            assert_eq!(error, "login_required");
            false
        }
        None => query_of(answer.location(), "code").is_some(),
    }
}

fn assert_refused(answer: &Answer, context: &str) {
    assert_eq!(
        (answer.status, answer.header("location")),
        (400, None),
        "{context}"
    );
    assert!(answer.body.contains("id=\"logout-message\""), "{context}");
    assert!(!answer.body.contains("evil"), "{context}");
}

#[tokio::test]
async fn with_a_hint_the_session_ends_and_the_browser_returns() {
    let server = Server::start().await;
    for (state, location) in [
        (Some("s".repeat(128)), format!("{OUT}?state={}", "s".repeat(128))),
        (None, OUT.into()),
    ] {
        let (mut browser, tokens) = signed_in(&server, &[]).await;
        assert!(is_signed_in(&server, &mut browser).await);
        let (cookies, hint) = (browser.cookies.clone(), tokens.text("id_token"));
        let mut pairs = vec![
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", OUT),
        ];
        pairs.extend(state.as_deref().map(|state| ("state", state)));
        let answer = browser.open(&logout(&pairs)).await;
        assert_eq!((answer.status, answer.location()), (303, location.as_str()));
        assert!(!is_signed_in(&server, &mut browser).await);
        // A cookie that was kept is worth nothing.
        browser.cookies = cookies;
        assert!(!is_signed_in(&server, &mut browser).await);
    }
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked() {
    let server = Server::start().await;
    for pairs in [&[][..], &[("state", "x")], &[("client_id", "web")]] {
        let (mut browser, _) = signed_in(&server, &[]).await;
        let page = browser.open(&logout(pairs)).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("id=\"logout-confirm\""), "{}", page.body);
        assert!(is_signed_in(&server, &mut browser).await);
        let done = browser.submit(&page, &[("logout", "confirm")]).await;
        assert_eq!(done.status, 200);
        assert!(done.body.contains("id=\"logged-out\""), "{}", done.body);
        assert!(!is_signed_in(&server, &mut browser).await);
    }
}

#[tokio::test]
async fn with_nowhere_to_go_a_page_says_so() {
    let server = Server::start().await;
    let (mut browser, tokens) = signed_in(&server, &[]).await;
    let hint = tokens.text("id_token");
    for _ in 0..2 {
        let answer = browser.open(&logout(&[("id_token_hint", &hint)])).await;
        assert_eq!((answer.status, answer.header("location")), (200, None));
        assert!(answer.body.contains("id=\"logged-out\""));
    }
    assert!(!is_signed_in(&server, &mut browser).await);
    assert!(
        Browser::new(&server)
            .open("/logout")
            .await
            .body
            .contains("id=\"logged-out\"")
    );
}

#[tokio::test]
async fn a_posted_request_goes_on_with_the_cookies_of_the_browser() {
    let server = Server::start().await;
    let (mut browser, tokens) = signed_in(&server, &[]).await;
    let hint = tokens.text("id_token");
    let pairs = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", OUT),
        ("state", "a b"),
    ];
    let cookies = std::mem::take(&mut browser.cookies);
    let posted = browser.send(Request::form("/logout", &pairs)).await;
    assert_eq!(posted.status, 303);
    assert!(posted.location().starts_with("/logout?"), "{}", posted.location());
    browser.cookies = cookies;
    let answer = browser.open(posted.location()).await;
    assert_eq!(query_of(answer.location(), "state").as_deref(), Some("a b"));
    assert!(!is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn a_hint_that_is_not_ours_leads_nowhere() {
    let server = Server::start().await;
    let (mut browser, tokens) = signed_in(&server, &[]).await;
    let good = tokens.text("id_token");
    let parts: Vec<_> = good.split('.').collect();
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), parts[1]);
    let payload = URL_SAFE_NO_PAD.encode(r#"{"iss":"http://localhost:8080","sub":"x","aud":"web"}"#);
    for (hint, what) in [
        (none, "alg none"),
        (format!("{}.{payload}.{}", parts[0], parts[2]), "other payload"),
        (
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode([7; 64])),
            "foreign signature",
        ),
        (tokens.text("access_token"), "access token"),
        ("junk".into(), "junk"),
    ] {
        let answer = browser
            .open(&logout(&[
                ("id_token_hint", &hint),
                ("post_logout_redirect_uri", OUT),
            ]))
            .await;
        assert_refused(&answer, what);
        assert_refused(&browser.open(&logout(&[("id_token_hint", &hint)])).await, what);
    }
    assert!(is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn only_a_registered_uri_is_followed() {
    let server = Server::start().await;
    let (mut browser, tokens) = signed_in(&server, &[]).await;
    let hint = tokens.text("id_token");
    for uri in [
        "https://evil.test/",
        "https://app.example/out?foo=bar",
        "https://app.example/out/",
        "https://app.example/out#",
        "https://app.example/cb",
        "https://app.example@evil.test/out",
    ] {
        let answer = browser
            .open(&logout(&[
                ("id_token_hint", &hint),
                ("post_logout_redirect_uri", uri),
            ]))
            .await;
        assert_refused(&answer, uri);
    }
    for pairs in [
        vec![("post_logout_redirect_uri", OUT)],
        vec![("post_logout_redirect_uri", OUT), ("client_id", "web")],
        vec![
            ("post_logout_redirect_uri", OUT),
            ("client_id", "web2"),
            ("id_token_hint", &hint),
        ],
        vec![
            ("post_logout_redirect_uri", OUT),
            ("post_logout_redirect_uri", OUT),
            ("id_token_hint", &hint),
        ],
    ] {
        assert_refused(&browser.open(&logout(&pairs)).await, &format!("{pairs:?}"));
    }
    assert!(is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn the_confirmation_must_come_from_our_page() {
    let server = Server::start().await;
    let (mut browser, _) = signed_in(&server, &[]).await;
    let page = browser.open("/logout").await;
    let form = Form::of(&page.body);
    let good = form.filled(&[("logout", "confirm")]);
    for (request, what) in [
        (Request::form("/logout", &[("logout", "confirm")]), "no token"),
        (
            Request::form("/logout", &[("logout", "confirm"), ("csrf", "wrong")]),
            "wrong token",
        ),
        (good.clone().header("origin", "https://evil.test"), "other origin"),
        (good.clone().header("origin", "null"), "no origin"),
        (good.clone().header("sec-fetch-site", "cross-site"), "other site"),
    ] {
        let answer = browser.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{what}");
    }
    assert!(is_signed_in(&server, &mut browser).await);
    let (mut other, _) = signed_in(&server, &[]).await;
    assert_eq!(other.send(good.clone()).await.status, 403);
    assert_eq!(
        browser
            .send(good.header("origin", "http://localhost:8080"))
            .await
            .status,
        200
    );
    assert!(!is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn a_hint_of_another_session_is_not_enough() {
    let server = Server::start().await;
    let (_, tokens) = signed_in(&server, &[]).await;
    let (mut browser, _) = signed_in(&server, &[]).await;
    let hint = tokens.text("id_token");
    let page = browser
        .open(&logout(&[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", OUT),
        ]))
        .await;
    assert!(page.body.contains("id=\"logout-confirm\""));
    assert!(is_signed_in(&server, &mut browser).await);
    let done = browser.submit(&page, &[("logout", "confirm")]).await;
    assert_eq!(done.location(), OUT);
    assert!(!is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn a_hint_may_have_expired() {
    let server = Server::start().await;
    let (mut browser, tokens) = signed_in(&server, &[]).await;
    server.advance(Lifetime::hours(2));
    let hint = tokens.text("id_token");
    let answer = browser
        .open(&logout(&[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", OUT),
        ]))
        .await;
    assert_eq!(answer.location(), OUT);
    assert!(!is_signed_in(&server, &mut browser).await);
}

#[tokio::test]
async fn online_grants_end_with_the_session_and_offline_ones_do_not() {
    let server = Server::start().await;
    for (scope, survives) in [("openid", false), ("openid offline_access", true)] {
        let (mut browser, tokens) = signed_in(&server, &[("scope", scope)]).await;
        browser
            .open(&logout(&[("id_token_hint", &tokens.text("id_token"))]))
            .await;
        let answer = server.refresh(&tokens.text("refresh_token")).await;
        assert_eq!(answer.status == 200, survives, "{scope}: {}", answer.body);
        assert_eq!(
            server.introspect(&tokens.text("access_token")).await["active"],
            survives,
            "{scope}"
        );
    }
}
