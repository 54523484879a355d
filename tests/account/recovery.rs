//! `/forgot` and `/reset`: a forgotten password, and what strangers learn of it.

use chancery::admission::reset_link;
use chancery::config::{Rate, Registration};
use chancery::links::{NewLink, Purpose};
use protocol::time::Lifetime;
use store::Conn;

use super::sign_up::{account, href, lasting, says};
use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const OLD: &str = "correct horse battery staple";
const NEW: &str = "a ferry in the morning rain";

async fn ask(browser: &mut Browser<'_>, login: &str) -> Answer {
    let page = browser.open("/forgot").await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser.submit(&page, &[("username", login)]).await
}

/// Asks for a link for an account, and gives that of the mail.
async fn asked(server: &Server, login: &str, email: &str) -> String {
    says(&ask(&mut Browser::new(server), login).await, "forgot-mail");
    server.mail_to(email).await.link()
}

async fn reset(browser: &mut Browser<'_>, link: &str, password: &str) -> Answer {
    let page = browser.open(link).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser.submit(&page, &[("password", password)]).await
}

async fn signs_in(server: &Server, login: &str, password: &str) -> bool {
    let answer = Browser::new(server)
        .sign_in(&server.authorize(&[]), login, password)
        .await;
    answer.header("location").is_some()
}

fn is_dead(answer: &Answer) -> bool {
    answer.status == 400 && answer.body.contains("id=\"notice-reset-link\"")
}

#[tokio::test]
async fn a_forgotten_password_is_replaced() {
    let server = Server::start().await;
    let mut last = OLD;
    for (login, new) in [
        ("alice", NEW),
        ("ALICE@Example.TEST", "seven green lamps over water"),
        (" Alice ", "nobody counts the quiet hills"),
    ] {
        let link = asked(&server, login, "alice@example.test").await;
        assert!(link.starts_with("/reset?t="), "{link}");
        let mut browser = Browser::new(&server);
        let done = reset(&mut browser, &link, new).await;
        says(&done, "reset-done");
        assert!(!browser.cookies.contains_key("chancery-session"));
        assert!(!signs_in(&server, "alice", last).await, "{login}");
        assert!(signs_in(&server, "alice", new).await, "{login}");
        let told = server.mail_to("alice@example.test").await;
        assert_eq!(told.subject, "Your password was changed");
        last = new;
        server.advance(Lifetime::minutes(20));
    }
}

#[tokio::test]
async fn every_name_gets_the_same_answer() {
    let server = Server::start().await;
    server
        .apply("[[account]]\nusername = \"mute\"\npassword = \"quiet hills and green lamps\"\n")
        .await;
    server
        .apply(
            "[[account]]\nusername = \"fresh\"\nemail = \"fresh@example.test\"\n\
             [[account]]\nusername = \"fay\"\nemail = \"fay@example.test\"\n",
        )
        .await;
    let (fay, now) = (account(&server, "fay").await.unwrap().id, server.clock.now());
    let link = async move |db: &mut Conn| {
        store::upstream_identities::insert(db, "https://upstream.example", "1", fay, now).await
    };
    assert!(server.running.app.store.write(link).await.unwrap());
    let long = "x".repeat(5000);
    let names = [
        "alice",
        "ghost",
        "ghost@example.test",
        "dave",
        "dave@example.test",
        "mute",
        "fresh",
        "fay",
        "bob@example.test",
        "' OR 1=1 --",
        "alice@example.test, evil@example.org",
        "alice@example.test\r\nBcc: evil@example.org",
        long.as_str(),
    ];
    let mut pages = Vec::new();
    for name in names {
        let answer = ask(&mut Browser::new(&server), name).await;
        says(&answer, "forgot-mail");
        pages.push((name, lasting(&answer)));
    }
    for (name, page) in &pages {
        assert_eq!(page, &pages[0].1, "{name}");
    }
    let mut to: Vec<_> = server.mails().await.into_iter().map(|mail| mail.to).collect();
    to.sort();
    // Fay signs in by another provider alone, which then decides how.
    assert_eq!(
        to,
        ["alice@example.test", "bob@example.test", "fresh@example.test"]
    );
}

#[tokio::test]
async fn links_are_made_of_the_issuer_whatever_the_request_says() {
    let server = Server::start_with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.rate_limits.mail_per_recipient.count = 50;
    })
    .await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open("/forgot").await.body).filled(&[("username", "alice")]);
    for (header, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "666"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-server", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("referer", "https://evil.example/"),
    ] {
        let before = server.mails().await.len();
        browser.send(form.clone().header(header, value)).await;
        for mail in server.mails().await.split_off(before) {
            assert!(
                mail.text.contains("\nhttp://localhost:8080/reset?t="),
                "{}",
                mail.text
            );
            let message = format!("{} {} {}", mail.headers, mail.text, mail.html);
            assert!(!message.contains("evil") && !message.contains("666"), "{header}");
        }
    }
    assert!(!server.mails().await.is_empty());
}

#[tokio::test]
async fn opening_the_link_uses_nothing_up() {
    let server = Server::start().await;
    let link = asked(&server, "alice", "alice@example.test").await;
    for _ in 0..3 {
        let page = server.get(&link).await;
        assert_eq!(
            (page.status, page.header("referrer-policy")),
            (200, Some("no-referrer"))
        );
        server.send(Request::new("HEAD", link.clone())).await;
    }
    assert!(signs_in(&server, "alice", OLD).await);
    says(&reset(&mut Browser::new(&server), &link, NEW).await, "reset-done");
}

#[tokio::test]
async fn a_link_works_once() {
    let server = Server::start().await;
    let link = asked(&server, "alice", "alice@example.test").await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open(&link).await.body);
    let cookie = format!("chancery-browser={}", browser.cookies["chancery-browser"]);
    let passwords = [
        NEW,
        "seven green lamps over water",
        "nobody counts the quiet hills",
    ];
    let tries = passwords.map(|password| {
        let request = form.filled(&[("password", password)]);
        server.send(request.header("cookie", cookie.clone()))
    });
    let answers = futures_util::future::join_all(tries).await;
    let done: Vec<_> = (0..3).filter(|index| answers[*index].status == 200).collect();
    assert_eq!(done.len(), 1);
    assert!(is_dead(&browser.open(&link).await));
    assert!(is_dead(&browser.send(form.filled(&[("password", NEW)])).await));
    assert!(signs_in(&server, "alice", passwords[done[0]]).await);
}

#[tokio::test]
async fn a_late_replaced_or_foreign_link_changes_nothing() {
    let server = Server::start_with(|config| config.accounts.registration = Registration::Open).await;
    let replaced = asked(&server, "alice", "alice@example.test").await;
    let bobs = asked(&server, "bob", "bob@example.test").await;
    server.advance(Lifetime::minutes(1));
    let link = asked(&server, "alice", "alice@example.test").await;
    let mut browser = Browser::new(&server);
    let sign_up = browser.open("/sign-up").await;
    let fields = [
        ("username", "erin"),
        ("email", "erin@example.org"),
        ("password", NEW),
    ];
    browser.submit(&sign_up, &fields).await;
    let register = query_of(&server.mail_to("erin@example.org").await.link(), "t").unwrap();
    for dead in [
        replaced.as_str(),
        "/reset",
        "/reset?t=",
        "/reset?t=x",
        &format!("/reset?t={register}"),
    ] {
        assert!(is_dead(&browser.open(dead).await), "{dead}");
    }
    // The form says nothing about whose password it is: the link does.
    let mut form = Form::of(&browser.open(&bobs).await.body);
    form.hidden.retain(|(name, _)| name != "username");
    let fields = [("password", NEW), ("username", "alice"), ("account", "alice")];
    says(&browser.send(form.filled(&fields)).await, "reset-done");
    assert!(signs_in(&server, "alice", OLD).await);
    let form = Form::of(&browser.open(&link).await.body);
    server.advance(Lifetime::minutes(30));
    assert!(is_dead(&browser.send(form.filled(&[("password", NEW)])).await));
    assert!(is_dead(&browser.open(&link).await));
    assert!(signs_in(&server, "alice", OLD).await);
}

#[tokio::test]
async fn everything_that_was_open_ends_with_the_old_password() {
    let server = Server::start().await;
    let mut signed_in = Browser::new(&server);
    let scope = [("scope", "openid offline_access books:read")];
    let answer = signed_in.sign_in(&server.authorize(&scope), "alice", OLD).await;
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server.redeem(&code).await;
    let refresh = tokens.text("refresh_token");
    let link = asked(&server, "alice", "alice@example.test").await;
    says(&reset(&mut Browser::new(&server), &link, NEW).await, "reset-done");
    let page = signed_in.open(&server.authorize(&[])).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert_eq!(
        server.refresh(&refresh).await.refusal(),
        (400, "invalid_grant".into())
    );
    let active = server.introspect(&tokens.text("access_token")).await;
    assert_eq!(active["active"], false);
}

#[tokio::test]
async fn a_second_factor_is_still_asked_for() {
    let server = Server::start().await;
    let link = asked(&server, "bob", "bob@example.test").await;
    let mut browser = Browser::new(&server);
    says(&reset(&mut browser, &link, NEW).await, "reset-done");
    let page = browser.sign_in(&server.authorize(&[]), "bob", NEW).await;
    assert!(page.body.contains("name=\"code\""), "{}", page.body);
}

#[tokio::test]
async fn a_password_that_is_not_fit_leaves_the_link_as_it_is() {
    let server = Server::start().await;
    let link = asked(&server, "alice", "alice@example.test").await;
    let mut browser = Browser::new(&server);
    let huge = "x y".repeat(400);
    for weak in [
        "",
        "short",
        "aaaaaaaaaaaaaaaaaaaa",
        "alicealicealicealice",
        OLD,
        huge.as_str(),
    ] {
        let answer = reset(&mut browser, &link, weak).await;
        assert_eq!(answer.status, 400, "{weak}");
        assert!(
            answer.body.contains("id=\"form-error\""),
            "{weak}: {}",
            answer.body
        );
    }
    assert!(signs_in(&server, "alice", OLD).await);
    says(&reset(&mut browser, &link, NEW).await, "reset-done");
}

#[tokio::test]
async fn who_followed_the_link_has_the_mailbox() {
    let server = Server::start().await;
    assert!(!account(&server, "bob").await.unwrap().email_verified);
    let link = asked(&server, "bob", "bob@example.test").await;
    says(&reset(&mut Browser::new(&server), &link, NEW).await, "reset-done");
    assert!(account(&server, "bob").await.unwrap().email_verified);
    server
        .apply("[[account]]\nusername = \"bob\"\nemail_verified = false\nemail = \"bob@example.test\"\n")
        .await;
    let bob = account(&server, "bob").await.unwrap();
    let url = reset_link(&server.running.app, &bob).await.unwrap();
    let link = url.strip_prefix("http://localhost:8080").unwrap();
    let answer = reset(&mut Browser::new(&server), link, "seven green lamps over water").await;
    says(&answer, "reset-done");
    assert!(!account(&server, "bob").await.unwrap().email_verified);
}

#[tokio::test]
async fn a_link_dies_with_the_address_it_was_sent_to_and_with_the_account() {
    let server = Server::start().await;
    let link = asked(&server, "alice", "alice@example.test").await;
    let mut browser = Browser::new(&server);
    let form = Form::of(&browser.open(&link).await.body);
    for change in [
        "email = \"new@example.test\"",
        "email = \"alice@example.test\"\ndisabled = true",
    ] {
        server
            .apply(&format!("[[account]]\nusername = \"alice\"\n{change}\n"))
            .await;
        assert!(is_dead(&browser.open(&link).await), "{change}");
        assert!(
            is_dead(&browser.send(form.filled(&[("password", NEW)])).await),
            "{change}"
        );
    }
}

#[tokio::test]
async fn asking_too_often_from_one_network_is_refused() {
    let server = Server::start_with(|config| {
        config.rate_limits.mail_per_address = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
    })
    .await;
    let mut browser = Browser::new(&server);
    for name in ["ghost", "alice", "ghost"] {
        says(&ask(&mut browser, name).await, "forgot-mail");
    }
    for name in ["ghost", "bob"] {
        let refused = ask(&mut browser, name).await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    }
    server.advance(Lifetime::minutes(1));
    says(&ask(&mut browser, "bob").await, "forgot-mail");
    assert_eq!(server.mails().await.len(), 2);
}

#[tokio::test]
async fn nobody_is_flooded_with_links() {
    let server = Server::start_with(|config| {
        config.rate_limits.mail_per_recipient = Rate {
            count: 2,
            per: Lifetime::minutes(60),
        };
    })
    .await;
    let mut pages = Vec::new();
    for name in ["alice", "ALICE", "alice@example.test", "Alice@example.test"] {
        pages.push(lasting(&ask(&mut Browser::new(&server), name).await));
        assert_eq!(pages.last(), pages.first());
    }
    assert_eq!(server.mails().await.len(), 2);
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let server = Server::start().await;
    let link = asked(&server, "alice", "alice@example.test").await;
    let mut browser = Browser::new(&server);
    let forgot = Form::of(&browser.open("/forgot").await.body);
    let reset = Form::of(&browser.open(&link).await.body);
    for (form, fields) in [(forgot, [("username", "bob")]), (reset, [("password", NEW)])] {
        let mut without = form.clone();
        without.hidden.retain(|(name, _)| name != "csrf");
        for request in [
            without.filled(&fields),
            form.filled(&fields).header("origin", "https://evil.example"),
            form.filled(&fields).header("sec-fetch-site", "cross-site"),
        ] {
            assert_eq!(browser.send(request).await.status, 403);
        }
        assert_eq!(server.send(form.filled(&fields)).await.status, 403);
    }
    assert_eq!(server.mails().await.len(), 1);
    assert!(signs_in(&server, "alice", OLD).await);
}

#[tokio::test]
async fn who_came_from_an_app_returns_to_it() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    let forgot = browser.open(&href(&login, "forgot")).await;
    assert!(forgot.body.contains("name=\"username\""));
    says(
        &browser.submit(&forgot, &[("username", "alice")]).await,
        "forgot-mail",
    );
    let link = server.mail_to("alice@example.test").await.link();
    let done = reset(&mut browser, &link, NEW).await;
    let login = browser.open(&href(&done, "go-on")).await;
    let answer = browser
        .submit(&login, &[("username", "alice"), ("password", NEW)])
        .await;
    assert_eq!(query_of(answer.location(), "state").as_deref(), Some("the state"));
    let elsewhere = Browser::new(&server).open(&href(&done, "go-on")).await;
    assert_eq!(elsewhere.status, 400);
}

#[tokio::test]
async fn a_link_is_used_up_in_another_browser_too() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let login = browser.open(&server.authorize(&[])).await;
    let forgot = browser.open(&href(&login, "forgot")).await;
    browser.submit(&forgot, &[("username", "alice")]).await;
    let link = server.mail_to("alice@example.test").await.link();
    let mut phone = Browser::new(&server);
    let done = reset(&mut phone, &link, NEW).await;
    says(&done, "reset-done");
    assert_eq!(href(&done, "go-on"), "/login");
}

#[tokio::test]
async fn an_administrators_link_replaces_the_mailed_one() {
    let server = Server::start().await;
    let mailed = asked(&server, "alice", "alice@example.test").await;
    let alice = account(&server, "alice").await.unwrap();
    let app = &server.running.app;
    let url = reset_link(app, &alice).await.unwrap();
    let mut browser = Browser::new(&server);
    assert!(is_dead(&browser.open(&mailed).await));
    let link = url.strip_prefix("http://localhost:8080").unwrap();
    says(&reset(&mut browser, link, NEW).await, "reset-done");
    // A link without an account, or with what no reset link carries, is none.
    for account_id in [None, Some(alice.id)] {
        let link = NewLink::new(app, Purpose::ResetPassword, "alice", account_id, &"nothing");
        let url = link.url.clone();
        let insert = async move |db: &mut Conn| link.insert(db).await;
        app.store.write(insert).await.unwrap();
        let path = url.strip_prefix("http://localhost:8080").unwrap();
        assert!(is_dead(&browser.open(path).await));
    }
}

#[tokio::test]
async fn pages_and_mails_of_a_recovery_speak_german() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let german = |request: Request| request.header("accept-language", "de");
    let page = browser.send(german(Request::get("/forgot"))).await;
    assert!(page.body.contains("lang=\"de\"") && page.body.contains("Passwort vergessen?"));
    let form = Form::of(&page.body).filled(&[("username", "alice")]);
    let sent = browser.send(german(form)).await;
    assert!(sent.body.contains("Sehen Sie in Ihre E-Mails"), "{}", sent.body);
    let mail = server.mail_to("alice@example.test").await;
    assert!(mail.text.contains("Passwort"), "{}", mail.text);
    let page = browser.send(german(Request::get(mail.link()))).await;
    assert!(page.body.contains("Neues Passwort wählen"), "{}", page.body);
    let form = Form::of(&page.body).filled(&[("password", "kurz")]);
    let refused = browser.send(german(form)).await;
    assert!(refused.status == 400 && refused.body.contains("id=\"form-error\""));
}
