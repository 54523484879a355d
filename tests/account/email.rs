//! `/account/email`: another address, and the way back.

use chancery::config::Rate;
use protocol::time::Lifetime;

use super::person::{ALICE, BOB, MALLORY, add_mallory, at, is_signed_in, send, signs_in};
use crate::support::{Answer, Browser, Form, Request, Server};

const OLD: &str = "alice@example.test";
const NEW: &str = "alice@new.example";

/// Asks for another address.
async fn ask(server: &Server, person: (&str, &str), new: &str) -> Answer {
    let (mut browser, page) = at(server, person, "/account/email").await;
    send(&mut browser, &page, "/account/email", &[("email", new)]).await
}

/// Follows a link with a browser that knows nothing, and presses the button.
async fn press(server: &Server, link: &str) -> Answer {
    let mut browser = Browser::new(server);
    let page = browser.open(link).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser.submit(&page, &[]).await
}

fn says(answer: &Answer, state: &str) {
    assert!(
        answer.body.contains(&format!("id=\"email-link-{state}\"")),
        "{state}: {} {}",
        answer.status,
        answer.body
    );
}

async fn address(server: &Server, name: &str) -> (Option<String>, bool) {
    let name = name.to_owned();
    let found = server
        .running
        .app
        .store
        .read(async move |db: &mut store::Conn| store::accounts::find_by_login(db, &name).await)
        .await
        .unwrap()
        .unwrap();
    (found.email, found.email_verified)
}

fn is(email: &str, verified: bool) -> (Option<String>, bool) {
    (Some(email.to_owned()), verified)
}

/// The links of the mail to the new address, and of that to the old one: to confirm, and to undo.
async fn links(server: &Server, old: &str, new: &str) -> (String, Vec<String>) {
    (
        server.mail_to(new).await.link(),
        server.mail_to(old).await.links(),
    )
}

#[tokio::test]
async fn an_address_changes_when_both_mailboxes_have_confirmed() {
    for first in [0, 1] {
        let server = Server::start().await;
        let asked = ask(&server, ALICE, NEW).await;
        assert!(
            asked.body.contains("id=\"notice\"") && asked.body.contains(OLD),
            "{}",
            asked.body
        );
        let (new, old) = links(&server, OLD, NEW).await;
        let order = if first == 0 {
            [&new, &old[0]]
        } else {
            [&old[0], &new]
        };
        says(&press(&server, order[0]).await, "waiting");
        assert_eq!(address(&server, "alice").await, is(OLD, true));
        assert!(!signs_in(&server, NEW, ALICE.1).await);
        says(&press(&server, order[1]).await, "changed");
        assert_eq!(address(&server, "alice").await, is(NEW, true));
        assert!(signs_in(&server, NEW, ALICE.1).await && !signs_in(&server, OLD, ALICE.1).await);
        for to in [OLD, NEW] {
            let told = server.mail_to(to).await;
            assert!(told.text.contains("a•••@new.example"), "{}", told.text);
        }
    }
}

#[tokio::test]
async fn both_mailboxes_may_confirm_at_the_same_moment() {
    let server = Server::start().await;
    ask(&server, ALICE, NEW).await;
    let (new, old) = links(&server, OLD, NEW).await;
    let (one, two) = tokio::join!(press(&server, &new), press(&server, &old[0]));
    let changed = [one, two]
        .iter()
        .filter(|answer| answer.body.contains("id=\"email-link-changed\""))
        .count();
    assert_eq!(changed, 1);
    assert_eq!(address(&server, "alice").await, is(NEW, true));
}

#[tokio::test]
async fn an_unconfirmed_address_has_no_say_but_is_told() {
    let server = Server::start().await;
    ask(&server, BOB, "bob@new.example").await;
    let told = server.mail_to("bob@example.test").await;
    assert_eq!(told.links().len(), 1, "{}", told.text);
    assert!(told.link().starts_with("/account/email/undo?t="));
    assert!(!told.text.contains("bob@new.example"));
    let link = server.mail_to("bob@new.example").await.link();
    says(&press(&server, &link).await, "changed");
    assert_eq!(address(&server, "bob").await, is("bob@new.example", true));
}

#[tokio::test]
async fn a_program_that_opens_the_links_changes_nothing() {
    let server = Server::start().await;
    ask(&server, ALICE, NEW).await;
    let (new, old) = links(&server, OLD, NEW).await;
    for link in old.iter().chain([&new]) {
        for _ in 0..2 {
            assert_eq!(server.get(link).await.status, 200);
        }
        let path = link.split('?').next().unwrap();
        let token = link.split("t=").nth(1).unwrap();
        let forged = server.send(Request::form(path, &[("t", token)])).await;
        assert_eq!(forged.status, 403, "{}", forged.body);
    }
    assert_eq!(address(&server, "alice").await, is(OLD, true));
    assert!(signs_in(&server, "alice", ALICE.1).await);
}

#[tokio::test]
async fn a_link_works_once_and_only_until_a_newer_one() {
    let server = Server::start().await;
    ask(&server, BOB, "first@new.example").await;
    let first = server.mail_to("first@new.example").await.link();
    ask(&server, BOB, "second@new.example").await;
    let second = server.mail_to("second@new.example").await.link();
    let older = server.get(&first).await;
    says(&older, "invalid");
    assert_eq!(older.status, 410);
    // The page was open already.
    let mut browser = Browser::new(&server);
    let page = browser.open(&second).await;
    says(&browser.submit(&page, &[]).await, "changed");
    says(&browser.submit(&page, &[]).await, "invalid");
    says(&server.get(&second).await, "invalid");
    ask(&server, BOB, "third@new.example").await;
    let third = server.mail_to("third@new.example").await.link();
    server.advance(Lifetime::hours(24));
    says(&server.get(&third).await, "invalid");
    assert_eq!(address(&server, "bob").await, is("second@new.example", true));
}

#[tokio::test]
async fn tokens_of_one_kind_are_no_good_as_another() {
    let server = Server::start().await;
    ask(&server, ALICE, NEW).await;
    let (new, old) = links(&server, OLD, NEW).await;
    let token = |link: &str| link.split("t=").nth(1).unwrap().to_owned();
    for link in [
        format!("/account/email/undo?t={}", token(&new)),
        format!("/account/email/confirm?t={}", token(&old[1])),
        "/account/email/confirm?t=link_nonsense".to_owned(),
        "/account/email/undo".to_owned(),
    ] {
        says(&server.get(&link).await, "invalid");
    }
}

#[tokio::test]
async fn the_way_back_restores_the_address_and_ends_everything() {
    let server = Server::start().await;
    let tokens = server.tokens(&[("scope", "openid offline_access")]).await;
    let (mut browser, _) = at(&server, ALICE, "/account").await;
    ask(&server, ALICE, NEW).await;
    let (new, old) = links(&server, OLD, NEW).await;
    press(&server, &new).await;
    says(&press(&server, &old[0]).await, "changed");
    assert!(is_signed_in(&mut browser).await);
    server.advance(Lifetime::hours(20));
    let reset = {
        let mut browser = Browser::new(&server);
        let page = browser.open("/forgot").await;
        browser.submit(&page, &[("username", "alice")]).await;
        server.mailed_link(NEW, "/reset?").await
    };
    server.advance(Lifetime::minutes(1));
    says(&press(&server, &old[1]).await, "undone");
    assert_eq!(address(&server, "alice").await, is(OLD, true));
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).await.status, 400);
    assert_ne!(server.get(&reset).await.status, 200);
    says(&server.get(&old[1]).await, "invalid");
}

#[tokio::test]
async fn the_way_back_stops_a_change_and_ends_after_a_week() {
    let server = Server::start().await;
    ask(&server, ALICE, NEW).await;
    let (new, old) = links(&server, OLD, NEW).await;
    press(&server, &new).await;
    says(&press(&server, &old[1]).await, "undone");
    says(&server.get(&old[0]).await, "invalid");
    assert_eq!(address(&server, "alice").await, is(OLD, true));
    ask(&server, ALICE, NEW).await;
    let (_, old) = links(&server, OLD, NEW).await;
    server.advance(Lifetime::days(7));
    says(&server.get(&old[1]).await, "invalid");
}

#[tokio::test]
async fn whoever_took_an_account_over_cannot_void_the_way_back() {
    let server = Server::start().await;
    ask(&server, BOB, "thief@evil.example").await;
    let way_back = server.mail_to("bob@example.test").await.link();
    let link = server.mail_to("thief@evil.example").await.link();
    says(&press(&server, &link).await, "changed");
    ask(&server, BOB, "again@evil.example").await;
    let (new, thiefs) = links(&server, "thief@evil.example", "again@evil.example").await;
    press(&server, &new).await;
    says(&press(&server, &thiefs[0]).await, "changed");
    says(&press(&server, &thiefs[1]).await, "undone");
    assert_eq!(address(&server, "bob").await, is("thief@evil.example", true));
    says(&press(&server, &way_back).await, "undone");
    assert_eq!(address(&server, "bob").await, is("bob@example.test", false));
    assert_eq!(server.get(&thiefs[1]).await.status, 410);
}

#[tokio::test]
async fn a_new_password_ends_the_change_that_was_asked_for_with_the_old_one() {
    let server = Server::start().await;
    ask(&server, BOB, "thief@evil.example").await;
    let way_back = server.mail_to("bob@example.test").await.link();
    let link = server.mail_to("thief@evil.example").await.link();
    server
        .apply("[[account]]\nusername = \"bob\"\npassword = \"another long password of bob\"\n")
        .await;
    says(&server.get(&link).await, "invalid");
    assert_eq!(server.get(&way_back).await.status, 200);
    assert_eq!(address(&server, "bob").await, is("bob@example.test", false));
}

#[tokio::test]
async fn an_address_that_an_administrator_gives_ends_the_ways_back_to_others() {
    let server = Server::start().await;
    ask(&server, BOB, "thief@evil.example").await;
    let way_back = server.mail_to("bob@example.test").await.link();
    let link = server.mail_to("thief@evil.example").await.link();
    server
        .apply("[[account]]\nusername = \"bob\"\nemail = \"safe@example.test\"\n")
        .await;
    for link in [&way_back, &link] {
        says(&server.get(link).await, "invalid");
    }
}

#[tokio::test]
async fn who_is_asked_to_confirm_sees_whose_account_it_is() {
    let server = Server::start().await;
    add_mallory(&server).await;
    ask(&server, MALLORY, "victim@example.org").await;
    let mail = server.mail_to("victim@example.org").await;
    assert!(mail.text.contains("mallory"), "{}", mail.text);
    let page = server.get(&mail.link()).await;
    assert!(page.body.contains("mallory"), "{}", page.body);
}

#[tokio::test]
async fn nobody_learns_whose_address_it_is() {
    let server = Server::start().await;
    add_mallory(&server).await;
    let taken = ask(&server, ALICE, "Mallory@Example.Test").await;
    let free = ask(&server, ALICE, "nobody@example.test").await;
    assert_eq!((taken.status, &taken.body.len()), (free.status, &free.body.len()));
    let told = server.mail_to("mallory@example.test").await;
    assert!(!told.text.contains("/account/email/"), "{}", told.text);
    let subjects: Vec<_> = server
        .mails()
        .await
        .into_iter()
        .filter(|mail| mail.to == OLD)
        .map(|mail| mail.subject)
        .collect();
    assert_eq!(subjects.len(), 2);
    assert_eq!(subjects[0], subjects[1]);
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_stays_with_its_holder() {
    let server = Server::start().await;
    add_mallory(&server).await;
    ask(&server, BOB, "wanted@example.test").await;
    let link = server.mail_to("wanted@example.test").await.link();
    server
        .apply("[[account]]\nusername = \"mallory\"\nemail = \"wanted@example.test\"\n")
        .await;
    let answer = press(&server, &link).await;
    says(&answer, "taken");
    assert_eq!(answer.status, 409);
    assert_eq!(address(&server, "bob").await, is("bob@example.test", false));
}

#[tokio::test]
async fn what_is_no_new_address_is_refused() {
    let server = Server::start().await;
    for typed in [
        "",
        "nonsense",
        "a@b@c",
        "\"quoted\"@example.test",
        "alice@example.test",
        "ALICE@example.TEST",
        "x@example.test\r\nBcc: all@example.test",
    ] {
        let answer = ask(&server, ALICE, typed).await;
        assert_eq!(answer.status, 400, "{typed}: {}", answer.body);
        assert!(answer.body.contains("id=\"form-error\""));
    }
    assert_eq!(server.mails().await.len(), 0);
}

#[tokio::test]
async fn links_lead_to_the_issuer_whatever_the_request_says() {
    let server = Server::start().await;
    let (mut browser, page) = at(&server, ALICE, "/account/email").await;
    let mut request = Form::at(&page.body, "/account/email").filled(&[("email", NEW)]);
    for name in [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "forwarded",
    ] {
        request = request.header(name, "host=evil.example");
    }
    assert_eq!(browser.send(request).await.status, 303);
    for mail in server.mails().await {
        assert!(
            mail.text.contains("http://localhost:8080/account/email/"),
            "{}",
            mail.text
        );
        assert!(!mail.text.contains("evil.example") && !mail.html.contains("evil.example"));
    }
}

#[tokio::test]
async fn too_many_mails_are_too_many() {
    let two = Rate {
        count: 2,
        per: Lifetime::hours(1),
    };
    let server = Server::start_with(|config| config.rate_limits.mail_per_recipient = two).await;
    let (mut browser, page) = at(&server, ALICE, "/account/email").await;
    for status in [200, 200, 429] {
        let answer = send(&mut browser, &page, "/account/email", &[("email", NEW)]).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
    let other = send(
        &mut browser,
        &page,
        "/account/email",
        &[("email", "other@new.example")],
    )
    .await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_disabled_account_changes_no_more() {
    let server = Server::start().await;
    ask(&server, BOB, "bob@new.example").await;
    let link = server.mail_to("bob@new.example").await.link();
    server
        .apply("[[account]]\nusername = \"bob\"\ndisabled = true\n")
        .await;
    says(&press(&server, &link).await, "invalid");
    assert_eq!(address(&server, "bob").await, is("bob@example.test", false));
}

#[tokio::test]
async fn mails_to_an_address_count_together_whatever_they_are_for_and_nobody_learns_of_them() {
    let two = Rate {
        count: 2,
        per: Lifetime::hours(1),
    };
    let server = Server::start_with(|config| config.rate_limits.mail_per_recipient = two).await;
    add_mallory(&server).await;
    let mailed = async || {
        let mails = server.mails().await;
        mails
            .iter()
            .filter(|mail| mail.to == "mallory@example.test")
            .count()
    };
    for _ in 0..2 {
        let mut stranger = Browser::new(&server);
        let page = stranger.open("/forgot").await;
        stranger.submit(&page, &[("username", "mallory")]).await;
    }
    assert_eq!(mailed().await, 2);
    let taken = ask(&server, ALICE, "Mallory@Example.Test").await;
    let free = ask(&server, ALICE, "nobody@example.test").await;
    assert_eq!((taken.status, &taken.body.len()), (free.status, &free.body.len()));
    assert_eq!(mailed().await, 2);
    let told = server.mails().await;
    assert_eq!(told.iter().filter(|mail| mail.to == OLD).count(), 2);
}
