//! The password grant (RFC 6749 §4.3), as strong as the pages.

use chancery::config::Rate;
use protocol::time::{Lifetime, Timestamp};
use serde_json::json;

use crate::support::{Answer, Server};

const CLI_SECRET: &str = "cli-secret-of-more-than-32-characters";
const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const BOB: (&str, &str) = ("bob", "bob has a long password too");
const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

async fn ask(server: &Server, (username, password): (&str, &str), more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
    ];
    pairs.extend(more);
    server.token_as("cli", CLI_SECRET, &pairs).await
}

fn otp(at: Timestamp) -> String {
    chancery::totp::code(&chancery::totp::decode_base32(SEED).unwrap(), at)
}

fn wrong() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn a_registered_client_gets_tokens_for_a_password() {
    let server = Server::start().await;
    let answer = ask(&server, ALICE, &[("scope", "openid books:read")]).await;
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store")),
        "{}",
        answer.body
    );
    assert_eq!(answer.text("scope"), "openid books:read");
    for token in ["access_token", "id_token"] {
        let claims = server.claims(&answer.text(token)).await;
        assert_eq!(
            (&claims["acr"], &claims["amr"]),
            (&json!("1"), &json!(["pwd"])),
            "{token}"
        );
        assert_eq!(claims["auth_time"], server.clock.now().0, "{token}");
    }
    let refresh = answer.text("refresh_token");
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    assert_eq!(server.token_as("cli", CLI_SECRET, &pairs).await.status, 200);
}

#[tokio::test]
async fn other_clients_may_not() {
    let server = Server::start().await;
    for (client, secret) in [
        ("web", "web-secret-of-more-than-32-characters"),
        ("m2m", "m2m-secret-of-more-than-32-characters"),
    ] {
        let pairs = [
            ("grant_type", "password"),
            ("username", ALICE.0),
            ("password", ALICE.1),
        ];
        let answer = server.token_as(client, secret, &pairs).await;
        assert_eq!(answer.refusal(), (400, "unauthorized_client".into()), "{client}");
    }
}

#[tokio::test]
async fn wrong_unknown_and_disabled_look_the_same() {
    let server = Server::start().await;
    let mut answers = Vec::new();
    for pair in [
        ("alice", "wrong"),
        ("ghost", "wrong"),
        ("dave", "dave is not allowed to come in"),
        ("dave", "wrong"),
        ("bob", "wrong"),
        ("alice", "correct horse battery staple "),
        ("alice", "Correct horse battery staple"),
    ] {
        let answer = ask(&server, pair, &[]).await;
        assert_eq!(answer.refusal(), wrong(), "{pair:?}");
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_right_password_and_works_once() {
    let server = Server::start().await;
    let code = otp(server.clock.now());
    assert_eq!(
        ask(&server, BOB, &[]).await.refusal(),
        (400, "mfa_required".into())
    );
    assert_eq!(
        ask(&server, (BOB.0, "wrong"), &[("otp", &code)]).await.refusal(),
        wrong()
    );
    assert_eq!(ask(&server, BOB, &[("otp", "000000")]).await.refusal(), wrong());
    let answer = ask(&server, BOB, &[("otp", &code), ("scope", "openid books:write")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text("scope"), "openid books:write");
    for token in ["access_token", "id_token"] {
        let claims = server.claims(&answer.text(token)).await;
        assert_eq!(
            (&claims["acr"], &claims["amr"]),
            (&json!("2"), &json!(["pwd", "otp", "mfa"])),
            "{token}"
        );
    }
    assert_eq!(ask(&server, BOB, &[("otp", &code)]).await.refusal(), wrong());
}

#[tokio::test]
async fn what_the_account_may_not_is_not_granted() {
    let server = Server::start().await;
    let answer = ask(&server, ALICE, &[("scope", "openid books:write")]).await;
    assert_eq!(answer.text("scope"), "openid");
    // Nothing is left: no token that looks as if something were.
    for scope in ["books:write", "no-such-scope"] {
        let answer = ask(&server, ALICE, &[("scope", scope)]).await;
        assert_eq!(answer.refusal(), (400, "invalid_scope".into()), "{scope}");
    }
    let of = server.account_id("alice").await;
    let grants = async move |db: &mut store::Conn| store::grants::list_granted(db, of).await;
    assert_eq!(server.running.app.store.read(grants).await.unwrap().len(), 1);
}

#[tokio::test]
async fn guessing_is_slowed_down_here_as_on_the_page() {
    let rate = Rate {
        count: 3,
        per: Lifetime::minutes(3),
    };
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_account = rate).await;
    for _ in 0..3 {
        assert_eq!(ask(&server, ("alice", "wrong"), &[]).await.refusal(), wrong());
    }
    assert_eq!(
        ask(&server, ALICE, &[]).await.refusal(),
        (429, "temporarily_unavailable".into())
    );
    server.advance(Lifetime::minutes(1));
    assert_eq!(ask(&server, ALICE, &[]).await.status, 200);
}

#[tokio::test]
async fn a_wrong_code_costs_the_network_and_a_right_one_nothing() {
    let rate = Rate {
        count: 2,
        per: Lifetime::hours(1),
    };
    let server = Server::start_with(|config| config.rate_limits.sign_in_per_address = rate).await;
    for _ in 0..3 {
        server.advance(Lifetime::seconds(30));
        let code = otp(server.clock.now());
        assert_eq!(ask(&server, BOB, &[("otp", &code)]).await.status, 200);
    }
    for _ in 0..2 {
        assert_eq!(ask(&server, BOB, &[("otp", "000000")]).await.refusal(), wrong());
    }
    server.advance(Lifetime::seconds(30));
    let code = otp(server.clock.now());
    let late = ask(&server, BOB, &[("otp", &code)]).await;
    assert_eq!(late.refusal(), (429, "temporarily_unavailable".into()));
    assert!(late.header("retry-after").is_some());
}

#[tokio::test]
async fn a_code_is_not_used_up_for_a_scope_that_is_not_held() {
    let server = Server::start().await;
    let code = otp(server.clock.now());
    let answer = ask(&server, BOB, &[("otp", &code), ("scope", "no-such-scope")]).await;
    assert_eq!(answer.refusal(), (400, "invalid_scope".into()));
    assert_eq!(ask(&server, BOB, &[("otp", &code)]).await.status, 200);
}

#[tokio::test]
async fn user_name_and_password_are_both_needed() {
    let server = Server::start().await;
    for pair in [("", "x"), ("alice", "")] {
        assert_eq!(
            ask(&server, pair, &[]).await.refusal(),
            (400, "invalid_request".into()),
            "{pair:?}"
        );
    }
}
