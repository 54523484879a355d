//! `/mfa`: the second factor, which can be neither skipped nor guessed nor used twice.

use chancery::config::Rate;
use chancery::sign_in::recovery_hash;
use protocol::time::{Lifetime, Timestamp};
use serde_json::json;
use store::Conn;

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const PASSWORD: &str = "bob has a long password too";
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn code_at(server: &Server, offset: i64) -> String {
    let at = Timestamp(server.clock.now().0 + offset);
    chancery::totp::code(&chancery::totp::decode_base32(SEED).unwrap(), at)
}

/// Bob with his password, in front of the page for the second factor.
async fn at_second_factor(server: &Server, browser: &mut Browser<'_>) -> Answer {
    let page = browser.sign_in(&server.authorize(&[]), "bob", PASSWORD).await;
    assert!(
        page.status == 200 && page.body.contains("name=\"code\""),
        "{} {}",
        page.status,
        page.body
    );
    page
}

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

#[tokio::test]
async fn a_wrong_code_asks_again_and_the_right_one_goes_on() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let mut page = at_second_factor(&server, &mut browser).await;
    let late = code_at(&server, 3600);
    for wrong in ["000000", "", "abcdef", late.as_str()] {
        page = browser.submit(&page, &[("code", wrong)]).await;
        assert!(
            page.status == 200 && page.body.contains("id=\"form-error\""),
            "{wrong}: {}",
            page.status
        );
    }
    let answer = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
}

#[tokio::test]
async fn one_step_of_drift_is_fine_and_no_step_comes_back() {
    let server = Server::start().await;
    for (offset, fine) in [
        (-60, false),
        (60, false),
        (-30, true),
        (-30, false),
        (0, true),
        (30, true),
        (0, false),
        (-30, false),
        (30, false),
    ] {
        let mut browser = Browser::new(&server);
        let page = at_second_factor(&server, &mut browser).await;
        let answer = browser
            .submit(&page, &[("code", &code_at(&server, offset))])
            .await;
        assert_eq!(got_code(&answer), fine, "{offset}");
    }
}

#[tokio::test]
async fn of_parallel_uses_of_one_code_one_wins() {
    let many = Rate {
        count: 100,
        per: Lifetime::minutes(5),
    };
    let server = Server::start_with(|config| {
        config.sessions.max_per_account = 20;
        config.rate_limits.sign_in_per_account = many;
        config.rate_limits.sign_in_per_address = many;
    })
    .await;
    let mut ready = Vec::new();
    for _ in 0..16 {
        let mut browser = Browser::new(&server);
        let page = at_second_factor(&server, &mut browser).await;
        ready.push((browser, Form::of(&page.body)));
    }
    let code = code_at(&server, 0);
    let tries = ready
        .iter_mut()
        .map(|(browser, form)| browser.send(form.filled(&[("code", &code)])));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 15);
}

#[tokio::test]
async fn guessing_ends_for_a_while_whatever_the_session() {
    let rate = Rate {
        count: 4,
        per: Lifetime::minutes(4),
    };
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_account = rate).await;
    for _ in 0..2 {
        let mut browser = Browser::new(&server);
        let mut page = at_second_factor(&server, &mut browser).await;
        for _ in 0..2 {
            page = browser.submit(&page, &[("code", "000000")]).await;
            assert_eq!(page.status, 200);
        }
    }
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    let refused = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    server.advance(Lifetime::minutes(1));
    assert!(got_code(
        &browser.submit(&page, &[("code", &code_at(&server, 0))]).await
    ));
}

#[tokio::test]
async fn a_recovery_code_works_once() {
    let server = Server::start().await;
    let hashes = [recovery_hash("abcd-efgh-1234"), recovery_hash("second-code")];
    let now = server.clock.now();
    let write = async move |db: &mut Conn| {
        let bob = store::accounts::find_by_login(db, "bob").await?.unwrap();
        store::credentials::replace_recovery_codes(db, bob.id, &hashes, now).await
    };
    server.running.app.store.write(write).await.unwrap();
    for fine in [true, false] {
        let mut browser = Browser::new(&server);
        let page = at_second_factor(&server, &mut browser).await;
        assert!(page.body.contains("id=\"other-factor\""));
        let page = browser
            .open(&format!("{}&with=recovery", Form::of(&page.body).action))
            .await;
        let answer = browser.submit(&page, &[("code", "ABCD EFGH 1234")]).await;
        assert_eq!(got_code(&answer), fine, "{} {}", answer.status, answer.body);
        if fine {
            let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
            let claims = server.claims(&tokens.text("id_token")).await;
            assert_eq!(claims["acr"], "2");
        }
    }
}

#[tokio::test]
async fn the_page_cannot_be_stepped_over() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    let form = Form::of(&page.body);
    let sealed = query_of(&form.action, "i").unwrap();
    for path in [
        format!("/authorize/{sealed}"),
        format!("/consent?i={sealed}"),
        format!("/accounts?i={sealed}"),
        format!("/mfa?i={sealed}"),
        server.authorize(&[]),
        server.authorize(&[
            ("client_id", "web2"),
            ("redirect_uri", "https://two.example/cb"),
            ("scope", "openid"),
        ]),
    ] {
        let answer = browser.open(&path).await;
        assert!(!got_code(&answer), "{path}: {}", answer.location());
    }
    for (path, field) in [
        ("/consent", ("decision", "allow")),
        ("/accounts", ("choice", "continue")),
        ("/mfa", ("code", "")),
    ] {
        let step = Form {
            action: format!("{path}?i={sealed}"),
            hidden: form.hidden.clone(),
        };
        let answer = browser.send(step.filled(&[field])).await;
        assert!(!got_code(&answer), "{path}");
        if let Some(next) = answer.header("location") {
            let next = browser.open(next).await;
            assert!(!got_code(&next) && next.body.contains("name=\"code\""), "{path}");
        }
    }
    let silent = browser
        .send(Request::get(server.authorize(&[("prompt", "none")])))
        .await;
    assert_eq!(
        query_of(silent.location(), "error").as_deref(),
        Some("interaction_required")
    );
    assert!(got_code(
        &browser.submit(&page, &[("code", &code_at(&server, 0))]).await
    ));
}

#[tokio::test]
async fn tokens_say_how_the_holder_signed_in() {
    let server = Server::start().await;
    let alice = server.tokens(&[]).await;
    server.advance(Lifetime::minutes(3));
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    server.advance(Lifetime::seconds(20));
    let answer = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    let bob = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    let now = server.clock.now().0;
    for (tokens, acr, amr, at) in [
        (&alice, "1", json!(["pwd"]), now - 200),
        (&bob, "2", json!(["pwd", "otp", "mfa"]), now - 20),
    ] {
        for token in ["id_token", "access_token"] {
            let claims = server.claims(&tokens.text(token)).await;
            assert_eq!(
                (&claims["acr"], &claims["amr"], &claims["auth_time"]),
                (&json!(acr), &amr, &json!(at))
            );
        }
    }
}

#[tokio::test]
async fn a_browser_without_session_is_sent_to_the_first_factor() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_second_factor(&server, &mut browser).await;
    browser.cookies.remove("chancery-session");
    let answer = browser.submit(&page, &[("code", &code_at(&server, 0))]).await;
    assert!(answer.body.contains("name=\"password\""), "{}", answer.body);
}
