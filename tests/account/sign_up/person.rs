//! From the form by way of the mail to the first sign-in.

use store::Conn;
use store::audit::Filter;

use super::{
    ERIN, PASSWORD, account, asked, confirm, count, href, is_refused, lasting, open_server, register, says,
    with,
};
use crate::support::{Browser, Form, Request, query_of};

#[tokio::test]
async fn a_person_registers_confirms_and_signs_in() {
    let server = open_server().await;
    server.apply("[[role]]\nname = \"user\"\n").await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    assert!(link.starts_with("/sign-up/confirm?t="), "{link}");
    assert!(account(&server, "erin").await.is_none());
    let done = confirm(&mut browser, &link, &[]).await;
    says(&done, "sign-up-done");
    let erin = account(&server, "ERIN@example.org").await.unwrap();
    assert_eq!((erin.username.as_str(), erin.email_verified), ("erin", true));
    assert_eq!(erin.claims["name"], "Erin Example");
    let id = erin.id;
    let now = server.clock.now();
    let roles = async move |db: &mut Conn| store::roles::account_roles(db, id, now).await;
    let roles = server.running.app.store.read(roles).await.unwrap();
    assert_eq!(roles, ["user".to_owned()].into());
    assert!(!browser.cookies.contains_key("chancery-session"));
    let answer = browser.sign_in(&server.authorize(&[]), "erin", PASSWORD).await;
    assert!(query_of(answer.location(), "code").is_some());
    let events = async |db: &mut Conn| store::audit::list(db, &Filter::default(), 50).await;
    let events = server.running.app.store.read(events).await.unwrap();
    let made = events
        .iter()
        .find(|event| event.kind == "account.registered")
        .unwrap();
    assert_eq!(
        (made.account_id, made.address.as_deref()),
        (Some(id), Some("127.0.0.1"))
    );
}

#[tokio::test]
async fn who_came_from_an_app_returns_to_it() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    let sign_up = href(&login, "sign-up");
    let page = browser.open(&sign_up).await;
    assert!(page.body.contains("Web shop"), "{}", page.body);
    let sent = browser.submit(&page, &ERIN).await;
    says(&sent, "sign-up-mail");
    let link = server.mail_to("erin@example.org").await.link();
    let done = confirm(&mut browser, &link, &[]).await;
    let page = browser.open(&href(&done, "go-on")).await;
    let answer = browser
        .submit(&page, &[("username", "erin"), ("password", PASSWORD)])
        .await;
    assert_eq!(query_of(answer.location(), "state").as_deref(), Some("the state"));
}

#[tokio::test]
async fn a_known_address_is_answered_like_an_unknown_one() {
    let server = open_server().await;
    let mut pages = Vec::new();
    for email in [
        "new@example.org",
        "alice@example.test",
        "ALICE@EXAMPLE.TEST",
        "dave@example.test",
    ] {
        let mut browser = Browser::new(&server);
        let page = register(&mut browser, &[("email", email)]).await;
        assert_eq!(page.status, 200);
        pages.push(lasting(&page));
    }
    for page in &pages {
        assert_eq!(page, &pages[0]);
    }
    let mails = server.mails().await;
    assert_eq!(mails.len(), 4);
    for mail in mails {
        let confirms = mail.text.contains("/sign-up/confirm?t=");
        assert_eq!(confirms, mail.to == "new@example.org", "{}", mail.text);
        if !confirms {
            assert_eq!(mail.links(), ["/login", "/forgot"]);
            assert!(["alice@example.test", "dave@example.test"].contains(&mail.to.as_str()));
        }
    }
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn pages_and_mails_of_a_registration_speak_german() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let german = |request: Request| request.header("accept-language", "de");
    let page = browser.send(german(Request::get("/sign-up"))).await;
    assert!(
        page.body.contains("lang=\"de\"") && page.body.contains("Konto anlegen"),
        "{}",
        page.body
    );
    let weak = with(&[("password", "kurz")]);
    let refused = browser.send(german(Form::of(&page.body).filled(&weak))).await;
    assert!(is_refused(&refused));
    let sent = browser.send(german(Form::of(&page.body).filled(&ERIN))).await;
    assert!(sent.body.contains("Sehen Sie in Ihre E-Mails"), "{}", sent.body);
    let mail = server.mail_to("erin@example.org").await;
    assert!(mail.subject.contains("Konto"), "{}", mail.subject);
}
