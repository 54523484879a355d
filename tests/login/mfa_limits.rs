//! How many second factors may be wrong, and what its owner hears of a recovery code.

use chancery::config::{Config, Rate};
use protocol::id::AccountId;
use protocol::time::{Lifetime, Timestamp};
use store::Conn;

use crate::support::{Answer, Authenticator, Browser, Form, PasskeyBox, Server, query_of};

const PASSWORD: &str = "bob has a long password too";
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn code_at(server: &Server, offset: i64) -> String {
    let at = Timestamp(server.clock.now().0 + offset);
    chancery::totp::code(&chancery::totp::decode_base32(SEED).unwrap(), at)
}

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

/// As many tries as anybody likes, but ten in a row.
fn ten(config: &mut Config) {
    let many = Rate {
        count: 1000,
        per: Lifetime::minutes(5),
    };
    config.rate_limits.sign_in_per_account = many;
    config.rate_limits.sign_in_per_address = many;
    config.accounts.max_failures = 10;
}

async fn failures(server: &Server, id: AccountId) -> i64 {
    let read = async move |db: &mut Conn| store::factors::failures(db, id).await;
    server.running.app.store.read(read).await.unwrap()
}

async fn at_second_factor(server: &Server, browser: &mut Browser<'_>) -> Answer {
    browser.sign_in(&server.authorize(&[]), "bob", PASSWORD).await
}

#[tokio::test]
async fn of_sixty_four_wrong_codes_at_once_ten_count_and_the_right_one_comes_too_late() {
    let server = Server::start_with(ten).await;
    let bob = server.account_id("bob").await;
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    let form = Form::of(&page.body);
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let tries = (0..64).map(|_| {
        let request = form.filled(&[("code", "000000")]);
        server.send(request.header("cookie", cookies.join("; ")))
    });
    let answers = futures_util::future::join_all(tries).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(failures(&server, bob).await, 10);

    let wrong = browser.submit(&page, &[("code", "000000")]).await;
    let right = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    assert_eq!((wrong.status, &wrong.body), (right.status, &right.body));
    let forgive = async move |db: &mut Conn| store::factors::forgive(db, bob).await;
    server.running.app.store.write(forgive).await.unwrap();
    let right = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    assert!(got_code(&right), "the refused code was not used up");
}

#[tokio::test]
async fn failures_are_counted_across_sign_ins_and_forgotten_after_a_good_one() {
    let server = Server::start_with(ten).await;
    let bob = server.account_id("bob").await;
    for round in 1..=3 {
        let mut browser = Browser::new(&server);
        let page = at_second_factor(&server, &mut browser).await;
        for _ in 0..2 {
            browser.submit(&page, &[("code", "000000")]).await;
        }
        assert_eq!(failures(&server, bob).await, 2 * round);
    }
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    assert!(got_code(
        &browser.submit(&page, &[("code", &code_at(&server, 0))]).await
    ));
    assert_eq!(failures(&server, bob).await, 0);
}

#[tokio::test]
async fn a_passkey_wakes_the_resting_factors() {
    let server = Server::start_with(ten).await;
    let bob = server.account_id("bob").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/account/security", "bob", PASSWORD).await;
    let page = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    let mut authenticator = Authenticator::new();
    let added = PasskeyBox::of(&page)
        .register(&mut browser, &mut authenticator)
        .await;
    assert_eq!(added.status, 200, "{}", added.body);

    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    for _ in 0..12 {
        browser.submit(&page, &[("code", "000000")]).await;
    }
    assert_eq!(failures(&server, bob).await, 10);
    let answer = PasskeyBox::of(&page).sign(&mut browser, &mut authenticator).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    assert_eq!(failures(&server, bob).await, 0);
}

#[tokio::test]
async fn the_owner_hears_of_a_used_recovery_code() {
    let server = Server::start().await;
    let bob = server.account_id("bob").await;
    let now = server.clock.now();
    let hashes = ["abcd-efgh", "ijkl-mnop"].map(chancery::sign_in::recovery_hash);
    let write =
        async move |db: &mut Conn| store::credentials::replace_recovery_codes(db, bob, &hashes, now).await;
    server.running.app.store.write(write).await.unwrap();
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    let page = browser
        .open(&format!("{}&with=recovery", Form::of(&page.body).action))
        .await;
    let page = browser.submit(&page, &[("code", "wrong-code")]).await;
    assert!(server.mails().await.is_empty(), "a wrong code is no use");
    assert!(got_code(&browser.submit(&page, &[("code", "abcd efgh")]).await));
    let mails = server.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "bob@example.test");
    assert_eq!(mails[0].subject, "A recovery code was used");
}
