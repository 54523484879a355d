//! `/password`: who must choose a new one does, before anything else.

use store::Conn;

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const OLD: &str = "correct horse battery staple";
const NEW: &str = "violin gravel umbrella";

async fn demand(server: &Server, name: &str) {
    let (id, now) = (server.account_id(name).await, server.clock.now());
    let write = async move |db: &mut Conn| store::accounts::set_must_change_password(db, id, true, now).await;
    server.running.app.store.write(write).await.unwrap();
}

fn is_asked(answer: &Answer) -> bool {
    answer.body.contains("name=\"new_password\"") && answer.body.contains("name=\"current_password\"")
}

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

#[tokio::test]
async fn a_new_password_is_chosen_before_the_app_gets_its_answer() {
    let server = Server::start().await;
    demand(&server, "alice").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), "alice", OLD).await;
    assert!(page.status == 200 && is_asked(&page), "{}", page.body);
    assert!(is_asked(&browser.open(&server.authorize(&[])).await));
    let before = browser.cookies["chancery-session"].clone();
    let answer = browser
        .submit(&page, &[("current_password", OLD), ("new_password", NEW)])
        .await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    assert_ne!(before, browser.cookies["chancery-session"]);
    assert!(got_code(&browser.open(&server.authorize(&[])).await));
    for (password, works) in [(OLD, false), (NEW, true)] {
        let answer = Browser::new(&server)
            .sign_in(&server.authorize(&[]), "alice", password)
            .await;
        assert_eq!(got_code(&answer), works, "{password}");
    }
}

#[tokio::test]
async fn a_change_ends_what_was_open_elsewhere_and_tells_the_owner() {
    let server = Server::start().await;
    let tokens = server
        .tokens(&[("scope", "openid offline_access books:read")])
        .await;
    let refresh = tokens.text("refresh_token");
    let mut other = Browser::new(&server);
    assert!(got_code(
        &other.sign_in(&server.authorize(&[]), "alice", OLD).await
    ));
    demand(&server, "alice").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), "alice", OLD).await;
    browser
        .submit(&page, &[("current_password", OLD), ("new_password", NEW)])
        .await;
    let elsewhere = other.open(&server.authorize(&[])).await;
    assert!(elsewhere.body.contains("name=\"password\""), "{}", elsewhere.body);
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (400, "invalid_grant".to_owned())
    );
    let mails = server.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "alice@example.test");
}

#[tokio::test]
async fn what_is_refused_is_said_and_changes_nothing() {
    let server = Server::start().await;
    demand(&server, "alice").await;
    let mut browser = Browser::new(&server);
    let mut page = browser.sign_in(&server.authorize(&[]), "alice", OLD).await;
    for (current, new, says) in [
        ("wrong", NEW, "current password is not right"),
        ("", NEW, "current password is not right"),
        (OLD, "", "at least 15 characters"),
        (OLD, "short", "at least 15 characters"),
        (OLD, "123456789qwerty", "most common passwords"),
        (OLD, "alice and the umbrella", "holds your name"),
        (OLD, OLD, "already"),
    ] {
        page = browser
            .submit(&page, &[("current_password", current), ("new_password", new)])
            .await;
        assert_eq!(page.status, 400, "{new}");
        assert!(page.body.contains(says), "{new}: {}", page.body);
    }
    assert!(server.mails().await.is_empty());
    assert!(is_asked(
        &Browser::new(&server)
            .sign_in(&server.authorize(&[]), "alice", OLD)
            .await
    ));
}

#[tokio::test]
async fn who_need_not_change_is_led_back() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let sign_in = server.authorize(&[("prompt", "login")]);
    for signed_in in [false, true] {
        let page = browser.open(&sign_in).await;
        let here = Form::of(&page.body).action.replace("/login", "/password");
        let answer = browser.open(&here).await;
        assert!(!is_asked(&answer), "{signed_in}: {}", answer.body);
        assert!(
            answer.body.contains("name=\"username\""),
            "{signed_in}: {}",
            answer.body
        );
        browser.sign_in(&sign_in, "alice", OLD).await;
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let server = Server::start().await;
    demand(&server, "alice").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), "alice", OLD).await;
    let form = Form::of(&page.body);
    let fields = [("current_password", OLD), ("new_password", NEW)];
    let request = form.filled(&fields).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(request).await.status, 403);
    let without = Request::form(form.action.clone(), &fields);
    assert_eq!(browser.send(without).await.status, 403);
}

#[tokio::test]
async fn the_password_grant_refuses_who_must_change_or_lacks_a_factor() {
    let server = Server::start().await;
    let ask = async |name: &str, password: &str| {
        let pairs = [
            ("grant_type", "password"),
            ("username", name),
            ("password", password),
        ];
        server
            .token_as("cli", "cli-secret-of-more-than-32-characters", &pairs)
            .await
    };
    assert_eq!(ask("alice", OLD).await.status, 200);
    server
        .apply("[[account]]\nusername = \"alice\"\nmfa = \"required\"\n")
        .await;
    let lacking = ask("alice", OLD).await;
    assert_eq!(lacking.refusal(), (400, "invalid_grant".to_owned()));
    server
        .apply("[[account]]\nusername = \"alice\"\nmfa = \"off\"\n")
        .await;
    demand(&server, "alice").await;
    let outdated = ask("alice", OLD).await;
    assert_eq!(outdated.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(ask("alice", "wrong").await.body, outdated.body);
}

#[tokio::test]
async fn a_password_alone_does_not_change_it_before_the_second_factor() {
    const BOB: &str = "bob has a long password too";
    let server = Server::start().await;
    demand(&server, "bob").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in(&server.authorize(&[]), "bob", BOB).await;
    assert!(page.body.contains("name=\"code\""), "{}", page.body);
    let mut form = Form::of(&page.body);
    form.action = query_of(&form.action, "i")
        .map(|sealed| format!("/password?i={sealed}"))
        .unwrap();
    let skipped = browser.open(&form.action).await;
    assert!(!is_asked(&skipped), "{}", skipped.body);
    let fields = [("current_password", BOB), ("new_password", NEW)];
    let answer = browser.send(form.filled(&fields)).await;
    assert_eq!(answer.status, 303);
    assert!(server.mails().await.is_empty());
    let page = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "bob", BOB)
        .await;
    assert!(page.body.contains("name=\"code\""), "the old password stays");
}
