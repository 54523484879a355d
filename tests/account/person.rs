//! People at their account pages.

use chancery::totp;
use protocol::time::Lifetime;

use crate::support::{Answer, Browser, Form, Server};

pub(super) const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
pub(super) const BOB: (&str, &str) = ("bob", "bob has a long password too");
pub(super) const MALLORY: (&str, &str) = ("mallory", "a stranger owns this long phrase");

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Makes mallory, who has no second factor.
pub(super) async fn add_mallory(server: &Server) {
    let (name, password) = MALLORY;
    server
        .apply(&format!(
            "[[account]]\nusername = \"{name}\"\nemail = \"mallory@example.test\"\npassword = \"{password}\"\n"
        ))
        .await;
}

/// A browser in which somebody is signed in, at a page of the account.
pub(super) async fn at<'a>(
    server: &'a Server,
    (name, password): (&str, &str),
    path: &str,
) -> (Browser<'a>, Answer) {
    let mut browser = Browser::new(server);
    let mut page = browser.sign_in(path, name, password).await;
    if page.body.contains("name=\"code\"") {
        // A code that was used works no more.
        server.advance(Lifetime::seconds(30));
        page = browser.submit(&page, &[("code", &code(server))]).await;
    }
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("account-nav"), "{}", page.body);
    (browser, page)
}

/// What bob's authenticator app shows.
pub(super) fn code(server: &Server) -> String {
    totp::code(&totp::decode_base32(SEED).unwrap(), server.clock.now())
}

/// Sends the form of a page that goes to `action`, and follows.
pub(super) async fn send(
    browser: &mut Browser<'_>,
    page: &Answer,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let answer = browser.send(Form::at(&page.body, action).filled(fields)).await;
    match answer.header("location") {
        Some(path) if path.starts_with('/') => {
            let path = path.to_owned();
            browser.open(&path).await
        }
        _ => answer,
    }
}

/// Whether the browser is signed in.
pub(super) async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let page = browser.open("/account").await;
    assert_eq!(page.status, 200, "{}", page.body);
    page.body.contains("account-nav")
}

/// Whether a page asks for the password.
pub(super) fn asks_for_password(page: &Answer) -> bool {
    page.status == 200
        && page.body.contains("autocomplete=\"current-password\"")
        && page.body.contains("\"username\"")
}

/// Whether somebody may sign in.
pub(super) async fn signs_in(server: &Server, name: &str, password: &str) -> bool {
    let mut browser = Browser::new(server);
    let answer = browser.sign_in("/account", name, password).await;
    answer.body.contains("account-nav") || answer.body.contains("name=\"code\"")
}
