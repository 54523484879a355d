//! For each security event one row, and none for what did not happen.

use protocol::time::Lifetime;
use store::audit::{Event, Filter};

use super::{events, of_kind};
use crate::support::{Browser, Request, Server, basic};

const PASSWORD: &str = "correct horse battery staple";

/// What is recorded about an account, oldest first.
async fn about(server: &Server, name: &str) -> Vec<Event> {
    let filter = Filter {
        account_id: Some(server.account_id(name).await),
        ..Filter::default()
    };
    let mut found = events(server, filter).await;
    found.retain(|event| !event.kind.starts_with("account."));
    found.sort_by(|one, other| (one.at, one.kind.as_str()).cmp(&(other.at, other.kind.as_str())));
    found
}

#[tokio::test]
async fn a_sign_in_leaves_one_row_for_each_step() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in(&server.authorize(&[]), "alice", PASSWORD).await;
    let code = crate::support::query_of(answer.location(), "code").unwrap();
    assert_eq!(server.redeem(&code).await.status, 200);
    let kinds: Vec<_> = about(&server, "alice")
        .await
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds, ["code.issued", "session.started"]);
    let started = of_kind(&server, "session.started").await.remove(0);
    assert_eq!(started.detail["factor"], "password");
    assert!(started.address.is_some() && started.request_id.is_some());
}

#[tokio::test]
async fn a_second_factor_that_was_proved_is_one_row_and_a_wrong_one_is_another() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    let page = browser.submit(&page, &[("code", "000000")]).await;
    assert_eq!(of_kind(&server, "second_factor.refused").await.len(), 1);
    assert!(of_kind(&server, "session.raised").await.is_empty());
    let secret = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&secret, server.clock.now());
    browser.submit(&page, &[("code", &code)]).await;
    let raised = of_kind(&server, "session.raised").await;
    assert_eq!((raised.len(), &raised[0].detail["factor"]), (1, &"totp".into()));
    assert_eq!(of_kind(&server, "second_factor.refused").await.len(), 1);
}

#[tokio::test]
async fn a_token_that_is_revoked_twice_is_one_row() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let revoke = async |token: String| {
        let request = Request::form("/revoke", &[("token", &token)]).header(
            "authorization",
            basic("web", "web-secret-of-more-than-32-characters"),
        );
        assert_eq!(server.send(request).await.status, 200);
    };
    for _ in 0..2 {
        revoke(tokens.text("access_token")).await;
    }
    assert_eq!(of_kind(&server, "access_token.revoked").await.len(), 1);
    revoke("unknown".into()).await;
    assert_eq!(of_kind(&server, "grant.revoked").await.len(), 0);
}

#[tokio::test]
async fn what_strangers_try_leaves_no_row() {
    let server = Server::start().await;
    let before = events(&server, Filter::default()).await.len();
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    for name in ["alice", "nobody"] {
        browser
            .submit(&page, &[("username", name), ("password", "wrong")])
            .await;
    }
    server
        .token_as("web", "wrong", &[("grant_type", "client_credentials")])
        .await;
    server.redeem("no-such-code").await;
    server.get("/authorize?client_id=nobody").await;
    assert_eq!(events(&server, Filter::default()).await.len(), before);
}

#[tokio::test]
async fn a_code_used_twice_is_one_row_that_claims_no_success() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let (one, two) = tokio::join!(server.redeem(&code), server.redeem(&code));
    assert_eq!(
        [one.status, two.status]
            .iter()
            .filter(|status| **status == 200)
            .count(),
        1
    );
    let replayed = of_kind(&server, "code.replayed").await;
    assert_eq!((replayed.len(), replayed[0].outcome.as_str()), (1, "failure"));
    assert_eq!(of_kind(&server, "code.issued").await.len(), 1);
}

#[tokio::test]
async fn events_of_one_second_are_sealed_in_a_moment_by_themselves() {
    let server = Server::start().await;
    server.tokens(&[]).await;
    server.advance(Lifetime::hours(1));
    // The server's own work stops with one last look.
    let (config, clock) = (server.config.clone(), server.clock.clone());
    let _database = server.stop().await;
    let app = chancery::server::open(config, clock).await.unwrap();
    let unsealed = async |db: &mut store::Conn| store::audit_chain::count_unsealed(db).await;
    assert_eq!(app.store.read(unsealed).await.unwrap(), 0);
}

#[tokio::test]
async fn events_of_one_second_are_listed_in_their_order() {
    let server = crate::support::Server::start().await;
    let app = &server.running.app;
    let kinds: Vec<String> = (0..20).map(|number| format!("test.{number}")).collect();
    for kind in &kinds {
        let event = chancery::audit::Event::now(app, kind);
        let write = async move |db: &mut store::Conn| event.record(db).await;
        app.store.write(write).await.unwrap();
    }
    let listed = super::events(&server, store::audit::Filter::default()).await;
    let listed = listed.iter().map(|event| &event.kind);
    let mut listed: Vec<_> = listed.filter(|kind| kind.starts_with("test.")).collect();
    listed.reverse();
    assert_eq!(listed, Vec::from_iter(&kinds));
}
