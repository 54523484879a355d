//! Where and how often somebody may register.

use chancery::config::Rate;
use protocol::time::Lifetime;

use super::{lasting, open_server_with, register, with};
use crate::support::{Browser, Form, Request, Server};

#[tokio::test]
async fn one_network_registers_only_so_often() {
    let server = open_server_with(|config| {
        config.rate_limits.register_per_address = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
    })
    .await;
    let mut browser = Browser::new(&server);
    for email in ["a@example.org", "alice@example.test", "c@example.org"] {
        assert_eq!(register(&mut browser, &[("email", email)]).await.status, 200);
    }
    let refused = register(&mut browser, &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert!(refused.body.contains("value=\"erin@example.org\""));
    server.advance(Lifetime::minutes(1));
    assert_eq!(register(&mut browser, &[]).await.status, 200);
    assert_eq!(server.mails().await.len(), 4);
}

#[tokio::test]
async fn nobody_is_flooded_with_mails() {
    let server = open_server_with(|config| {
        config.rate_limits.mail_per_recipient = Rate {
            count: 2,
            per: Lifetime::minutes(60),
        };
    })
    .await;
    let mut pages = Vec::new();
    for email in [
        "erin@example.org",
        "Erin@Example.ORG",
        "ERIN@example.org",
        "eriN@example.org",
    ] {
        let page = register(&mut Browser::new(&server), &[("email", email)]).await;
        pages.push(lasting(&page));
        assert_eq!(pages.last(), pages.first());
    }
    assert_eq!(server.mails().await.len(), 2);
}

#[tokio::test]
async fn where_registration_is_closed_there_is_no_page() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    assert!(!login.body.contains("/sign-up"));
    assert_eq!(server.get("/sign-up").await.status, 404);
    assert_eq!(server.get("/sign-up?invite=x").await.status, 404);
    let csrf = Form::of(&login.body).hidden.remove(0).1;
    let fields = with(&[("csrf", &csrf)]);
    let answer = browser.send(Request::form("/sign-up", &fields)).await;
    assert_eq!(answer.status, 404);
    assert!(server.mails().await.is_empty());
}
