//! `/setup`: what the first administrator may be called, and that a refused form loses nothing.

use chancery::setup;

use super::sign_up::{account, count};
use crate::support::{Browser, Server};

const GOOD: [(&str, &str); 3] = [
    ("username", "admin"),
    ("email", "admin@example.test"),
    ("password", "a ferry in the morning rain"),
];

async fn new_link(server: &Server) -> String {
    let app = &server.running.app;
    let link = setup::link(&app.store, &app.config, app.now()).await.unwrap();
    link.strip_prefix("http://localhost:8080").unwrap().to_owned()
}

#[tokio::test]
async fn the_first_administrator_keeps_to_the_rules_and_the_form_keeps_what_was_typed() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let link = new_link(&server).await;
    let mut page = browser.open(&link).await;
    for (field, value) in [
        ("username", "ad"),
        ("username", "ad.min"),
        ("username", "аdmin"),
        ("username", "alice"),
        ("email", "admin"),
        ("email", "admin@exa mple.test"),
        ("email", "ALICE@example.test"),
        ("password", "short"),
        ("password", "passwordpassword"),
        ("password", "admin@example.test"),
        ("password", "aaaaaaaaaaaaaaaaaaaa"),
    ] {
        let mut fields = GOOD.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        page = browser.submit(&page, &fields).await;
        assert_eq!(page.status, 400, "{field} {value}");
        assert!(page.body.contains("id=\"form-error\""), "{field} {value}");
        let (kept, lost) = ("value=\"admin\"", "value=\"admin@example.test\"");
        assert!(page.body.contains(kept) || field == "username", "{field} {value}");
        assert!(page.body.contains(lost) || field == "email", "{field} {value}");
        assert!(!page.body.contains(GOOD[2].1));
    }
    assert_eq!(count(&server).await, 3);
    browser.submit(&page, &GOOD).await;
    let admin = account(&server, "admin").await.unwrap();
    assert_eq!(
        (admin.email.as_deref(), admin.email_verified),
        (Some("admin@example.test"), false)
    );
}

#[tokio::test]
async fn a_link_printed_again_replaces_the_one_before() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let (first, second) = (new_link(&server).await, new_link(&server).await);
    assert_eq!(browser.open(&first).await.status, 400);
    let page = browser.open(&second).await;
    assert_eq!(page.status, 200);
    browser.submit(&page, &GOOD).await;
    assert!(account(&server, "admin").await.is_some());
    assert_eq!(browser.open(&second).await.status, 400);
}
