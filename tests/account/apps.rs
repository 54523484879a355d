//! `/account/apps`: which clients may use an account.

use protocol::time::Lifetime;

use super::person::{ALICE, MALLORY, add_mallory, at, send};
use crate::support::{Answer, Browser, Request, Server, query_of};

const PATH: &str = "/account/apps";

fn third(server: &Server) -> String {
    server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid profile books:read"),
    ])
}

fn asks_for_consent(answer: &Answer) -> bool {
    answer.body.contains("consent-approve")
}

/// Alice says yes to the client `third`.
async fn allow<'a>(server: &'a Server) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(&third(server), ALICE.0, ALICE.1).await;
    assert!(asks_for_consent(&page), "{}", page.body);
    let answer = browser.submit(&page, &[("decision", "allow")]).await;
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server
        .token_as(
            "third",
            "third-secret-of-more-than-32-characters",
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", "https://third.example/cb"),
                ("code_verifier", crate::support::VERIFIER),
            ],
        )
        .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    (browser, tokens)
}

#[tokio::test]
async fn an_app_is_listed_with_what_it_may_do_since_when_and_last_use() {
    let server = Server::start().await;
    let (mut browser, tokens) = allow(&server).await;
    server.advance(Lifetime::hours(1));
    let refreshed = server
        .token_as(
            "third",
            "third-secret-of-more-than-32-characters",
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.text("refresh_token")),
            ],
        )
        .await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    let page = browser.open(PATH).await;
    for shown in [
        "Third &lt;party&gt;",
        "Know who you are",
        "See your name and profile",
        "See your books",
        "since <time datetime=\"2027-01-15T08:00:00Z\"",
        "last used <time datetime=\"2027-01-15T09:00:00Z\"",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let (_, page) = at(&server, ALICE, PATH).await;
    assert!(page.body.contains("Third"));
    add_mallory(&server).await;
    let (_, page) = at(&server, MALLORY, PATH).await;
    assert!(!page.body.contains("Third"), "{}", page.body);
}

#[tokio::test]
async fn an_app_that_is_taken_its_access_has_none_and_must_ask_again() {
    let server = Server::start().await;
    let (mut browser, tokens) = allow(&server).await;
    assert!(!asks_for_consent(&browser.open(&third(&server)).await));
    assert_eq!(server.userinfo(&tokens.text("access_token")).await.status, 200);
    let page = browser.open(PATH).await;
    let page = send(&mut browser, &page, "/account/apps/end", &[]).await;
    assert!(
        page.body.contains("id=\"notice\"") && !page.body.contains("Third"),
        "{}",
        page.body
    );
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.text("refresh_token")),
    ];
    let refused = server
        .token_as("third", "third-secret-of-more-than-32-characters", &refresh)
        .await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".into()));
    assert_eq!(server.userinfo(&tokens.text("access_token")).await.status, 401);
    assert!(asks_for_consent(&browser.open(&third(&server)).await));
}

#[tokio::test]
async fn nobody_takes_what_somebody_else_allowed() {
    let server = Server::start().await;
    let (mut browser, tokens) = allow(&server).await;
    add_mallory(&server).await;
    let (mut mallory, page) = at(&server, MALLORY, "/account").await;
    let csrf = crate::support::Form::at(&page.body, "/account").hidden[0]
        .1
        .clone();
    for client in ["third", "no-such", ""] {
        let pairs = [("client_id", client), ("csrf", csrf.as_str())];
        let answer = mallory.send(Request::form("/account/apps/end", &pairs)).await;
        assert_eq!(answer.status, 404, "{client}");
    }
    assert_eq!(server.userinfo(&tokens.text("access_token")).await.status, 200);
    assert!(browser.open(PATH).await.body.contains("Third"));
}
