//! What the link in the mail does, and what it does not.

use protocol::time::Lifetime;

use super::{PASSWORD, asked, confirm, count, is_refused, open_server, open_server_with, says, with};
use crate::support::{Browser, Form, Request, query_of};

#[tokio::test]
async fn opening_the_link_changes_nothing() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    for _ in 0..3 {
        assert_eq!(server.get(&link).await.status, 200);
        server.send(Request::new("HEAD", link.clone())).await;
    }
    assert_eq!(count(&server).await, 3);
    says(&confirm(&mut browser, &link, &[]).await, "sign-up-done");
}

#[tokio::test]
async fn of_many_confirmations_one_makes_the_account() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let link = asked(&server, &mut browser, &[]).await;
    let form = Form::of(&browser.open(&link).await.body);
    let cookie = format!("chancery-browser={}", browser.cookies["chancery-browser"]);
    let tries = (0..6).map(|_| server.send(form.filled(&[]).header("cookie", cookie.clone())));
    let answers = futures_util::future::join_all(tries.collect::<Vec<_>>()).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&server).await, 4);
    says(&browser.open(&link).await, "sign-up-link");
    assert_eq!(browser.send(form.filled(&[])).await.status, 400);
}

#[tokio::test]
async fn a_late_replaced_or_foreign_link_makes_nobody() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let replaced = asked(&server, &mut browser, &[]).await;
    let link = asked(&server, &mut browser, &[("email", "Erin@example.org")]).await;
    let reset = browser.open("/forgot").await;
    browser.submit(&reset, &[("username", "alice")]).await;
    let reset = server.mail_to("alice@example.test").await.link();
    let token = query_of(&reset, "t").unwrap();
    for dead in [
        replaced.as_str(),
        "/sign-up/confirm",
        "/sign-up/confirm?t=x",
        &format!("/sign-up/confirm?t={token}"),
    ] {
        let answer = browser.open(dead).await;
        assert_eq!(answer.status, 400, "{dead}");
        says(&answer, "sign-up-link");
    }
    let form = Form::of(&browser.open(&link).await.body);
    server.advance(Lifetime::hours(24));
    let late = browser.send(form.filled(&[])).await;
    assert_eq!(late.status, 400);
    says(&late, "sign-up-link");
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn who_confirms_in_another_browser_must_know_the_password() {
    let server = open_server().await;
    let link = asked(&server, &mut Browser::new(&server), &[]).await;
    let mut owner = Browser::new(&server);
    for wrong in ["", "not the password that was chosen"] {
        let answer = confirm(&mut owner, &link, &[("password", wrong)]).await;
        assert!(is_refused(&answer), "{}", answer.body);
    }
    assert_eq!(count(&server).await, 3);
    let done = confirm(&mut owner, &link, &[("password", PASSWORD)]).await;
    says(&done, "sign-up-done");
}

#[tokio::test]
async fn guessing_the_password_of_a_link_ends() {
    let server = open_server().await;
    let link = asked(&server, &mut Browser::new(&server), &[]).await;
    let mut stranger = Browser::new(&server);
    let page = stranger.open(&link).await;
    for _ in 0..5 {
        assert_eq!(stranger.submit(&page, &[("password", "wrong")]).await.status, 400);
    }
    let limited = stranger.submit(&page, &[("password", PASSWORD)]).await;
    assert_eq!(limited.status, 429);
    assert!(limited.header("retry-after").is_some());
    assert_eq!(count(&server).await, 3);
}

#[tokio::test]
async fn a_name_or_address_taken_meanwhile_makes_nobody() {
    let server = open_server().await;
    let mut browser = Browser::new(&server);
    let name = asked(&server, &mut browser, &[]).await;
    let other = [("username", "frank"), ("email", "frank@example.org")];
    let address = asked(&server, &mut browser, &other).await;
    server
        .apply("[[account]]\nusername = \"Erin\"\nemail = \"Frank@example.org\"\n")
        .await;
    for (link, notice) in [(name, "sign-up-name"), (address, "sign-up-email")] {
        let answer = confirm(&mut browser, &link, &[]).await;
        assert_eq!(answer.status, 409);
        says(&answer, notice);
    }
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn of_two_who_want_one_name_the_first_to_confirm_has_it() {
    let server = open_server().await;
    let (mut one, mut two) = (Browser::new(&server), Browser::new(&server));
    let first = asked(&server, &mut one, &[]).await;
    let second = asked(
        &server,
        &mut two,
        &[("username", "ERIN"), ("email", "other@example.org")],
    )
    .await;
    let (one, two) = tokio::join!(confirm(&mut one, &first, &[]), confirm(&mut two, &second, &[]));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(count(&server).await, 4);
}

#[tokio::test]
async fn links_are_made_of_the_issuer_whatever_the_request_says() {
    let server = open_server_with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open("/sign-up").await.body);
    for (index, (header, value)) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=https"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("erin{index}@example.org");
        let request = form.filled(&with(&[("email", &email)])).header(header, value);
        browser.send(request).await;
        for mail in server.mails().await {
            assert!(
                mail.text.contains("\nhttp://localhost:8080/sign-up/confirm?t="),
                "{}",
                mail.text
            );
            let message = format!("{} {}", mail.text, mail.html);
            assert!(!message.contains("evil") && !message.contains("666"), "{header}");
        }
    }
}
