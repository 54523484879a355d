//! Guessing at one account: how long it goes on, and that it never shuts the owner out.

use chancery::config::Rate;
use protocol::time::Lifetime;
use store::Conn;

use super::sign_in::{lasting, try_from};
use crate::support::{Answer, Browser, Form, Server};

const PASSWORD: &str = "correct horse battery staple";
const MOST: u32 = 6;

/// A server that any address can be named to, and that blocks early.
async fn server() -> Server {
    Server::start_with(|config| {
        config.accounts.max_failures = MOST;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// Wrong passwords from as many addresses.
async fn guess(server: &Server, name: &str, times: u32) {
    for number in 0..times {
        let answer = try_from(server, &format!("198.51.100.{number}"), name, "wrong").await;
        assert_eq!(answer.status, 200, "{number}");
    }
}

async fn failures(server: &Server, name: &str) -> i64 {
    let id = server.account_id(name).await;
    let read = async move |db: &mut Conn| store::passwords::find(db, id).await;
    server
        .running
        .app
        .store
        .read(read)
        .await
        .unwrap()
        .unwrap()
        .failures
}

/// A browser in which somebody signed in once, and that has lost its session since.
async fn known<'a>(server: &'a Server, name: &str, password: &str) -> Browser<'a> {
    let mut browser = Browser::new(server);
    browser.sign_in(&server.authorize(&[]), name, password).await;
    browser.cookies.remove("chancery-session");
    browser
}

async fn sign_in(browser: &mut Browser<'_>, server: &Server, name: &str, password: &str) -> Answer {
    let page = browser.open(&server.authorize(&[])).await;
    let form = Form::of(&page.body).filled(&[("username", name), ("password", password)]);
    browser.send(form).await
}

#[tokio::test]
async fn after_too_many_guesses_strangers_get_no_verdict_and_the_owner_gets_in() {
    let server = server().await;
    let mut owner = known(&server, "alice", PASSWORD).await;
    guess(&server, "alice", MOST).await;
    let wrong = try_from(&server, "192.0.2.1", "alice", "wrong").await;
    let right = try_from(&server, "192.0.2.2", "alice", PASSWORD).await;
    let ghost = try_from(&server, "192.0.2.3", "ghost", "wrong").await;
    assert_eq!(lasting(&right, "alice"), lasting(&wrong, "alice"));
    assert_eq!(lasting(&right, "alice"), lasting(&ghost, "ghost"));
    assert_eq!(failures(&server, "alice").await, i64::from(MOST));

    let answer = sign_in(&mut owner, &server, "alice", PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(failures(&server, "alice").await, 0);
    assert_eq!(
        try_from(&server, "192.0.2.4", "alice", PASSWORD).await.status,
        303
    );
}

#[tokio::test]
async fn the_owner_is_told_once_and_only_in_the_mailbox() {
    let server = server().await;
    guess(&server, "alice", MOST - 1).await;
    assert!(server.mails().await.is_empty());
    guess(&server, "alice", 3).await;
    let mails = server.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "alice@example.test");
    assert!(
        mails[0].links().contains(&"/forgot".to_owned()),
        "{}",
        mails[0].text
    );
    guess(&server, "ghost", MOST + 1).await;
    assert_eq!(server.mails().await.len(), 1);
}

#[tokio::test]
async fn the_password_grant_counts_and_is_blocked_like_the_page() {
    let server = server().await;
    let ask = async |password: &str| {
        let pairs = [
            ("grant_type", "password"),
            ("username", "alice"),
            ("password", password),
        ];
        server
            .token_as("cli", "cli-secret-of-more-than-32-characters", &pairs)
            .await
            .refusal()
    };
    guess(&server, "alice", MOST - 1).await;
    let wrong = ask("wrong").await;
    assert_eq!(failures(&server, "alice").await, i64::from(MOST));
    assert_eq!(wrong, (400, "invalid_grant".to_owned()));
    assert_eq!(ask(PASSWORD).await, wrong);
    assert_eq!(
        try_from(&server, "192.0.2.1", "alice", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn a_right_password_begins_the_count_anew() {
    let server = server().await;
    for _ in 0..3 {
        guess(&server, "alice", MOST - 1).await;
        assert_eq!(
            try_from(&server, "192.0.2.1", "alice", PASSWORD).await.status,
            303
        );
        assert_eq!(failures(&server, "alice").await, 0);
        server.advance(Lifetime::minutes(60));
    }
}

#[tokio::test]
async fn guesses_at_once_are_all_counted() {
    let server = Server::start_with(|config| {
        config.accounts.max_failures = 100;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let addresses: Vec<String> = (0..20).map(|number| format!("198.51.100.{number}")).collect();
    let tries = addresses
        .iter()
        .map(|address| try_from(&server, address, "alice", "wrong"));
    let answers = futures_util::future::join_all(tries).await;
    let counted = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(failures(&server, "alice").await, counted as i64);
    assert!(counted > 0);
}

#[tokio::test]
async fn a_new_password_opens_a_blocked_account() {
    let server = server().await;
    guess(&server, "alice", MOST).await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/forgot").await;
    browser.submit(&page, &[("username", "alice")]).await;
    let link = server.mailed_link("alice@example.test", "/reset?").await;
    let page = browser.open(&link).await;
    let new = "violin gravel umbrella";
    browser.submit(&page, &[("password", new)]).await;
    assert_eq!(try_from(&server, "192.0.2.1", "alice", new).await.status, 303);
}

#[tokio::test]
async fn a_known_browser_has_tries_of_its_own() {
    let server = Server::start_with(|config| {
        config.rate_limits.sign_in_per_account = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
    })
    .await;
    let mut owner = known(&server, "alice", PASSWORD).await;
    let mut stranger = Browser::new(&server);
    for _ in 0..3 {
        sign_in(&mut stranger, &server, "alice", "wrong").await;
    }
    assert_eq!(
        sign_in(&mut stranger, &server, "alice", PASSWORD).await.status,
        429
    );
    assert_eq!(sign_in(&mut owner, &server, "alice", PASSWORD).await.status, 303);
    owner.cookies.remove("chancery-session");
    for _ in 0..3 {
        assert_eq!(sign_in(&mut owner, &server, "alice", "wrong").await.status, 200);
    }
    assert_eq!(sign_in(&mut owner, &server, "alice", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_browser_is_known_only_of_the_account_it_signed_in_and_for_a_time() {
    let server = server().await;
    server
        .apply("[[account]]\nusername = \"mallory\"\npassword = \"violin gravel umbrella\"\n")
        .await;
    let mallory = known(&server, "mallory", "violin gravel umbrella").await;
    let owner = known(&server, "alice", PASSWORD).await;
    guess(&server, "alice", MOST).await;
    let device = owner.cookies["chancery-device"].clone();
    let mut changed = device.clone().into_bytes();
    changed[30] = if changed[30] == b'A' { b'B' } else { b'A' };
    for cookie in [
        mallory.cookies["chancery-device"].clone(),
        String::from_utf8(changed).unwrap(),
        "x".to_owned(),
    ] {
        let mut browser = Browser::new(&server);
        browser.cookies.insert("chancery-device".to_owned(), cookie);
        assert_eq!(
            sign_in(&mut browser, &server, "alice", PASSWORD).await.status,
            200
        );
    }
    server.advance(Lifetime::days(181));
    let mut late = Browser::new(&server);
    late.cookies.insert("chancery-device".to_owned(), device);
    assert_eq!(sign_in(&mut late, &server, "alice", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_browser_is_known_after_all_factors() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    assert!(!browser.cookies.contains_key("chancery-device"));
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&seed, server.clock.now());
    browser.submit(&page, &[("code", &code)]).await;
    assert!(browser.cookies.contains_key("chancery-device"));
}

#[tokio::test]
async fn an_account_without_a_password_and_one_that_must_change_it_look_like_any_other() {
    let server = Server::start().await;
    server
        .apply(
            "[[account]]\nusername = \"carol\"\n\
             [[account]]\nusername = \"erin\"\npassword = \"violin gravel umbrella\"\nmust_change_password = true\n",
        )
        .await;
    let mut pages = Vec::new();
    for name in ["ghost", "alice", "carol", "erin"] {
        let page = Browser::new(&server)
            .sign_in(&server.authorize(&[]), name, "wrong")
            .await;
        pages.push(lasting(&page, name));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
}

#[tokio::test]
async fn what_is_too_long_for_a_password_is_refused_before_it_is_hashed() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let form = Form::of(&page.body);
    let huge = "x".repeat(1024 * 1024);
    let answer = browser
        .send(form.filled(&[("username", "alice"), ("password", &huge)]))
        .await;
    assert!([400, 413].contains(&answer.status), "{}", answer.status);
    let long = "x".repeat(2000);
    let answer = browser
        .send(form.filled(&[("username", "alice"), ("password", &long)]))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(failures(&server, "alice").await, 0);
}

#[tokio::test]
async fn a_browser_stays_known_when_its_owner_changes_the_password_there() {
    let server = server().await;
    let mut owner = Browser::new(&server);
    let page = owner.sign_in("/account/password", "alice", PASSWORD).await;
    let form = Form::at(&page.body, "/account/password");
    server.advance(Lifetime::seconds(2));
    let new = "four ferries in the morning rain";
    let fields = [("current_password", PASSWORD), ("new_password", new)];
    let changed = owner.send(form.filled(&fields)).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    owner.cookies.remove("chancery-session");
    guess(&server, "alice", MOST).await;
    assert_eq!(try_from(&server, "192.0.2.1", "alice", new).await.status, 200);
    let answer = sign_in(&mut owner, &server, "alice", new).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
}

#[tokio::test]
async fn the_names_of_one_account_count_together_and_nobody_can_tell() {
    let server = Server::start_with(|config| {
        config.rate_limits.sign_in_per_account = Rate {
            count: 3,
            per: Lifetime::minutes(3),
        };
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut told = Vec::new();
    for (name, email, address) in [
        ("alice", "alice@example.test", "192.0.2.1"),
        ("ghost", "ghost@example.test", "192.0.2.2"),
    ] {
        let mut pages = Vec::new();
        for (typed, password) in [
            (name, "wrong"),
            (email, "wrong"),
            (name, "wrong"),
            // Three were tried, so that even the right one is no more.
            (email, PASSWORD),
            (name, PASSWORD),
            (email, "wrong"),
            (name, PASSWORD),
            (email, PASSWORD),
        ] {
            pages.push(lasting(&try_from(&server, address, typed, password).await, typed));
        }
        told.push(pages);
    }
    assert_eq!(told[0], told[1]);
    let statuses: Vec<_> = told[0].iter().map(|page| &page[..3]).collect();
    assert_eq!(statuses, ["200", "200", "200", "200", "200", "200", "429", "429"]);
    assert_eq!(failures(&server, "alice").await, 3);
    server.advance(Lifetime::minutes(1));
    let right = try_from(&server, "192.0.2.1", "alice@example.test", PASSWORD).await;
    assert_eq!(right.status, 303, "{}", right.body);
}
