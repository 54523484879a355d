//! `/sign-up` where an invitation is needed.

use chancery::admission::invite;
use chancery::config::Registration;
use chancery::pages::Locale;
use protocol::time::Lifetime;

use super::sign_up::{account, count, says};
use crate::support::{Browser, Form, Server};

const FRANK: [(&str, &str); 3] = [
    ("username", "frank"),
    ("name", "Frank Example"),
    ("password", "a ferry in the morning rain"),
];

async fn server_for_the_invited() -> Server {
    Server::start_with(|config| config.accounts.registration = Registration::Invite).await
}

/// Invites an address and gives the link of the mail.
async fn invited(server: &Server, email: &str) -> String {
    let made = invite(&server.running.app, email, Some(Locale::ENGLISH))
        .await
        .unwrap();
    let link = server.mail_to(email).await.link();
    assert!(made.unwrap().ends_with(&link));
    link
}

#[tokio::test]
async fn without_an_invitation_nobody_registers() {
    let server = server_for_the_invited().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    assert!(!login.body.contains("/sign-up"));
    for path in ["/sign-up", "/sign-up?invite=x"] {
        let page = browser.open(path).await;
        assert_eq!(page.status, 403);
        says(&page, "sign-up-invite");
    }
    let form = Form {
        action: "/sign-up".into(),
        hidden: Form::of(&login.body).hidden,
    };
    for invite in ["", "x"] {
        let fields = [&FRANK[..], &[("email", "frank@example.org"), ("invite", invite)]].concat();
        assert_eq!(browser.send(form.filled(&fields)).await.status, 403);
    }
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn who_was_invited_has_an_account_with_that_address_at_once() {
    let server = server_for_the_invited().await;
    let link = invited(&server, "Frank@example.org").await;
    assert!(link.starts_with("/sign-up?invite="), "{link}");
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    assert!(page.body.contains("Frank@example.org") && !page.body.contains("name=\"email\""));
    let weak = [&FRANK[..2], &[("password", "short")]].concat();
    let again = browser.submit(&page, &weak).await;
    assert_eq!(again.status, 400);
    let fields = [&FRANK[..], &[("email", "other@example.org")]].concat();
    let done = browser.submit(&again, &fields).await;
    says(&done, "sign-up-done");
    let frank = account(&server, "frank").await.unwrap();
    assert_eq!(
        (frank.email.as_deref(), frank.email_verified),
        (Some("Frank@example.org"), true)
    );
    assert!(account(&server, "other@example.org").await.is_none());
    assert_eq!(server.mails().await.len(), 1);
    let home = browser.sign_in("/login", "frank", FRANK[2].1).await;
    assert!(home.body.contains("/logout"), "{}", home.body);
}

#[tokio::test]
async fn an_invitation_that_was_handed_over_proves_no_mailbox() {
    let server = server_for_the_invited().await;
    let made = invite(&server.running.app, "frank@example.org", None)
        .await
        .unwrap();
    let link = made.unwrap().replace("http://localhost:8080", "");
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    says(&browser.submit(&page, &FRANK).await, "sign-up-done");
    let frank = account(&server, "frank").await.unwrap();
    assert_eq!(
        (frank.email.as_deref(), frank.email_verified),
        (Some("frank@example.org"), false)
    );
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn an_invitation_is_good_once_for_a_week_and_replaced_by_a_newer_one() {
    let server = server_for_the_invited().await;
    let mut browser = Browser::new(&server);
    let replaced = invited(&server, "frank@example.org").await;
    server.advance(Lifetime::minutes(1));
    let link = invited(&server, "frank@example.org").await;
    server.advance(Lifetime::minutes(1));
    let other = invited(&server, "grace@example.org").await;
    says(&browser.open(&replaced).await, "sign-up-invite");
    let form = Form::of(&browser.open(&link).await.body);
    let cookie = format!("chancery-browser={}", browser.cookies["chancery-browser"]);
    let names = ["frank-1", "frank-2", "frank-3", "frank-4"];
    let tries = names.map(|name| {
        let fields = [("username", name), FRANK[2]];
        server.send(form.filled(&fields).header("cookie", cookie.clone()))
    });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&server).await, 4);
    says(&browser.open(&link).await, "sign-up-invite");
    assert_eq!(browser.send(form.filled(&FRANK)).await.status, 403);
    assert_eq!(browser.open(&other).await.status, 200);
    server.advance(Lifetime::days(7));
    says(&browser.open(&other).await, "sign-up-invite");
}

#[tokio::test]
async fn nobody_with_an_account_is_invited() {
    let server = server_for_the_invited().await;
    let app = &server.running.app;
    let made = invite(app, "ALICE@example.test", Some(Locale::ENGLISH))
        .await
        .unwrap();
    assert_eq!(made, None);
    assert!(server.mails().await.is_empty());
    let link = invited(&server, "frank@example.org").await;
    server
        .apply("[[account]]\nusername = \"franklin\"\nemail = \"frank@example.org\"\n")
        .await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    let answer = browser.submit(&page, &FRANK).await;
    assert_eq!(answer.status, 409);
    says(&answer, "sign-up-email");
}

#[tokio::test]
async fn an_invitation_also_counts_where_everybody_may_register() {
    let server = Server::start_with(|config| config.accounts.registration = Registration::Open).await;
    let link = invited(&server, "frank@example.org").await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&link).await;
    says(&browser.submit(&page, &FRANK).await, "sign-up-done");
    assert_eq!(server.mails().await.len(), 1);
}

#[tokio::test]
async fn invitations_are_written_in_the_language_chosen() {
    let server = server_for_the_invited().await;
    let app = &server.running.app;
    invite(app, "frank@example.org", Some(Locale::GERMAN))
        .await
        .unwrap();
    let mail = server.mail_to("frank@example.org").await;
    assert!(mail.text.contains("eingeladen"), "{}", mail.text);
}
