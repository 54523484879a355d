//! `/account/password`: another password for somebody who is signed in.

use protocol::session::MfaPolicy;
use protocol::time::Lifetime;

use super::person::{ALICE, BOB, at, is_signed_in, send, signs_in};
use crate::support::{Answer, Authenticator, Browser, PasskeyBox, Server};

const NEW: &str = "four ferries in the morning rain";

async fn change(browser: &mut Browser<'_>, page: &Answer, current: &str, new: &str) -> Answer {
    let fields = [("current_password", current), ("new_password", new)];
    send(browser, page, "/account/password", &fields).await
}

#[tokio::test]
async fn a_password_is_changed_and_everything_else_ends() {
    let server = Server::start().await;
    let tokens = server.tokens(&[("scope", "openid offline_access")]).await;
    let (mut other, _) = at(&server, ALICE, "/account").await;
    let (mut browser, page) = at(&server, ALICE, "/account/password").await;
    let before = browser.cookies["chancery-session"].clone();
    let done = change(&mut browser, &page, ALICE.1, NEW).await;
    assert!(done.body.contains("id=\"notice\""), "{}", done.body);
    assert_ne!(browser.cookies["chancery-session"], before);
    let mut thief = Browser::new(&server);
    thief.cookies.insert("chancery-session".to_owned(), before);
    assert!(!is_signed_in(&mut thief).await);
    assert!(is_signed_in(&mut browser).await && !is_signed_in(&mut other).await);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).await.status, 400);
    assert!(signs_in(&server, "alice", NEW).await && !signs_in(&server, "alice", ALICE.1).await);
    let told = server.mail_to("alice@example.test").await;
    assert_eq!(told.subject, "Your password was changed");
}

#[tokio::test]
async fn without_the_current_password_nothing_changes() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/password").await;
    for current in ["", "wrong", NEW] {
        let refused = change(&mut browser, &page, current, NEW).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("id=\"form-error\"") && !refused.body.contains(NEW));
    }
    assert!(signs_in(&server, "alice", ALICE.1).await);
    assert_eq!(server.mails().await.len(), 0);
}

#[tokio::test]
async fn a_stolen_session_cannot_try_passwords_for_ever() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/password").await;
    let mut last = 400;
    for n in 0..8 {
        let refused = change(&mut browser, &page, &format!("guess {n}"), NEW).await;
        assert!(
            refused.status == last || (last, refused.status) == (400, 429),
            "{}",
            refused.status
        );
        last = refused.status;
        assert_eq!(refused.header("retry-after").is_some(), last == 429);
    }
    assert_eq!(last, 429);
    assert_eq!(change(&mut browser, &page, ALICE.1, NEW).await.status, 429);
}

#[tokio::test]
async fn a_weak_new_password_is_refused_with_the_reason() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/password").await;
    for (new, says) in [
        ("short", "at least 15 characters"),
        ("password123456789", "common"),
        ("alice alice alice alice", "name"),
        (ALICE.1, "already"),
    ] {
        let refused = change(&mut browser, &page, ALICE.1, new).await;
        assert_eq!(refused.status, 400, "{new}");
        let error = refused.body.split("id=\"form-error\"").nth(1).unwrap();
        let error = error.split("</p>").next().unwrap();
        assert!(
            error.contains(says) || new.starts_with("password"),
            "{new}: {error}"
        );
    }
    assert!(signs_in(&server, "alice", ALICE.1).await);
}

#[tokio::test]
async fn who_has_just_shown_a_passkey_need_not_know_the_password() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/security").await;
    let mut authenticator = Authenticator::new();
    authenticator.verified = true;
    let answer = PasskeyBox::of(&page)
        .register(&mut browser, &mut authenticator)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.advance(Lifetime::minutes(1));
    let mut browser = Browser::new(&server);
    let page = browser.open("/account/password").await;
    let page = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
    assert!(page.body.contains("name=\"new_password\""), "{}", page.body);
    assert!(!page.body.contains("name=\"current_password\""), "{}", page.body);
    let done = send(&mut browser, &page, "/account/password", &[("new_password", NEW)]).await;
    assert!(done.body.contains("id=\"notice\""), "{}", done.body);
    assert!(signs_in(&server, "alice", NEW).await);
}

#[tokio::test]
async fn where_a_second_factor_is_required_the_form_takes_what_the_rules_take() {
    let server = Server::start_with(|config| config.accounts.mfa = MfaPolicy::Required).await;
    let (mut browser, page) = at(&server, BOB, "/account/password").await;
    assert!(page.body.contains("minlength=\"8\""), "{}", page.body);
    let done = change(&mut browser, &page, BOB.1, "qv7#Lm2x").await;
    assert!(done.body.contains("id=\"notice\""), "{}", done.body);
    let setup = chancery::setup::link(
        &server.running.app.store,
        &server.running.app.config,
        server.clock.now(),
    );
    let link = setup.await.unwrap();
    let page = server
        .get(link.strip_prefix("http://localhost:8080").unwrap())
        .await;
    assert!(page.body.contains("minlength=\"8\""), "{}", page.body);

    let server = Server::start().await;
    let (_, page) = at(&server, BOB, "/account/password").await;
    assert!(page.body.contains("minlength=\"15\""), "{}", page.body);
}

#[tokio::test]
async fn who_has_only_just_added_a_passkey_must_know_the_password() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/security").await;
    let mut authenticator = Authenticator::new();
    authenticator.verified = true;
    let added = PasskeyBox::of(&page)
        .register(&mut browser, &mut authenticator)
        .await;
    assert_eq!(added.status, 200, "{}", added.body);
    for removed in [false, true] {
        if removed {
            let page = browser.open("/account/security").await;
            let done = send(&mut browser, &page, "/account/security/remove", &[]).await;
            assert!(!done.body.contains("/account/security/remove"), "{}", done.body);
        }
        let page = browser.open("/account/password").await;
        assert!(page.body.contains("name=\"current_password\""), "{}", page.body);
        let refused = send(&mut browser, &page, "/account/password", &[("new_password", NEW)]).await;
        assert_eq!(refused.status, 400, "removed: {removed}");
    }
    assert!(signs_in(&server, "alice", ALICE.1).await);
}
