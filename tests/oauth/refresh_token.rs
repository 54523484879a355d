//! `grant_type=refresh_token` (RFC 6749 §6).

use protocol::time::Lifetime;

use crate::support::{Request, Server, VERIFIER, basic};

#[tokio::test]
async fn a_refresh_token_is_rotated_and_gives_new_tokens() {
    let server = Server::start().await;
    let first = server.tokens(&[]).await;
    let second = server.refresh(&first.text("refresh_token")).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(second.header("cache-control"), Some("no-store"));
    assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
    let (old, new) = (
        server.claims(&first.text("id_token")).await,
        server.claims(&second.text("id_token")).await,
    );
    for claim in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(old[claim], new[claim], "{claim}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace() {
    let server = Server::start().await;
    let first = server.tokens(&[]).await.text("refresh_token");
    let second = server.refresh(&first).await.text("refresh_token");
    server.advance(Lifetime::seconds(9));
    assert_eq!(server.refresh(&first).await.text("refresh_token"), second);
    assert_eq!(server.refresh(&second).await.status, 200);
}

#[tokio::test]
async fn a_replayed_refresh_token_ends_the_grant() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let first = tokens.text("refresh_token");
    let second = server.refresh(&first).await;
    server.advance(Lifetime::seconds(11));
    assert_eq!(
        server.refresh(&first).await.refusal(),
        (400, "invalid_grant".into())
    );
    assert_eq!(
        server.refresh(&second.text("refresh_token")).await.refusal(),
        (400, "invalid_grant".into())
    );
    for token in [tokens.text("access_token"), second.text("access_token")] {
        assert_eq!(server.introspect(&token).await["active"], false);
        assert_eq!(
            server.userinfo(&token).await.refusal(),
            (401, "invalid_token".into())
        );
    }
}

#[tokio::test]
async fn a_used_successor_closes_the_grace() {
    let server = Server::start().await;
    let first = server.tokens(&[]).await.text("refresh_token");
    let second = server.refresh(&first).await.text("refresh_token");
    let third = server.refresh(&second).await.text("refresh_token");
    assert_eq!(
        server.refresh(&first).await.refusal(),
        (400, "invalid_grant".into())
    );
    assert_eq!(
        server.refresh(&third).await.refusal(),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn another_client_cannot_use_it_and_does_it_no_harm() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let answer = server
        .token_as("web2", "web2-secret-of-more-than-32-characters", &pairs)
        .await;
    assert_eq!(answer.refusal(), (400, "invalid_grant".into()));
    assert_eq!(server.refresh(&token).await.status, 200);
}

#[tokio::test]
async fn scope_may_narrow_and_never_widen() {
    let server = Server::start().await;
    let token = server
        .tokens(&[("scope", "openid books:read")])
        .await
        .text("refresh_token");
    let with = |token: String, scope: &'static str| {
        let server = &server;
        async move {
            server
                .token(&[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", &token),
                    ("scope", scope),
                ])
                .await
        }
    };
    assert_eq!(
        with(token.clone(), "openid profile").await.refusal(),
        (400, "invalid_scope".into())
    );
    let narrow = with(token, "openid").await;
    assert_eq!(narrow.text("scope"), "openid");
    let whole = server.refresh(&narrow.text("refresh_token")).await;
    assert_eq!(whole.text("scope"), "openid books:read");
}

#[tokio::test]
async fn what_is_asked_for_and_no_longer_held_is_refused_and_uses_nothing_up() {
    let server = Server::start().await;
    let hold = |roles: &str| format!("[[account]]\nusername = \"alice\"\nroles = [{roles}]\n");
    server.apply(&hold("\"editor\"")).await;
    let scope = "openid books:write";
    let tokens = server.tokens(&[("scope", scope)]).await;
    assert_eq!(tokens.text("scope"), scope);
    let token = tokens.text("refresh_token");
    server.apply(&hold("")).await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
        ("scope", "books:write"),
    ];
    assert_eq!(
        server.token(&pairs).await.refusal(),
        (400, "invalid_scope".into())
    );
    assert_eq!(server.refresh(&token).await.text("scope"), "openid");
}

#[tokio::test]
async fn it_ends_when_idle_and_after_its_absolute_life() {
    let server = Server::start().await;
    let idle = server.tokens(&[]).await.text("refresh_token");
    server.advance(Lifetime::days(14));
    assert_eq!(
        server.refresh(&idle).await.refusal(),
        (400, "invalid_grant".into())
    );
    let mut token = server
        .tokens(&[("scope", "openid offline_access")])
        .await
        .text("refresh_token");
    for _ in 0..6 {
        server.advance(Lifetime::days(13));
        token = server.refresh(&token).await.text("refresh_token");
    }
    server.advance(Lifetime::days(12));
    assert_eq!(
        server.refresh(&token).await.refusal(),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn parallel_uses_leave_one_live_branch() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("refresh_token");
    let answers = futures_util::future::join_all((0..32).map(|_| server.refresh(&token))).await;
    let successors: std::collections::BTreeSet<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.text("refresh_token"))
        .collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_grant_along() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let revoke = Request::form("/revoke", &[("token", &tokens.text("refresh_token"))]).header(
        "authorization",
        basic("web", "web-secret-of-more-than-32-characters"),
    );
    assert_eq!(server.send(revoke).await.status, 200);
    assert_eq!(
        server.refresh(&tokens.text("refresh_token")).await.refusal(),
        (400, "invalid_grant".into())
    );
    assert_eq!(
        server.introspect(&tokens.text("access_token")).await["active"],
        false
    );
}

#[tokio::test]
async fn a_replay_counts_whatever_else_is_wrong_with_it() {
    let server = Server::start().await;
    for change in [
        ("scope", "openid made:up"),
        ("resource", "https://nowhere.example/"),
    ] {
        let first = server.tokens(&[]).await.text("refresh_token");
        let second = server.refresh(&first).await.text("refresh_token");
        let third = server.refresh(&second).await.text("refresh_token");
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", first.as_str()),
            change,
        ];
        assert_eq!(
            server.token(&pairs).await.refusal(),
            (400, "invalid_grant".into())
        );
        assert_eq!(
            server.refresh(&third).await.refusal(),
            (400, "invalid_grant".into()),
            "{change:?}"
        );
    }
}

#[tokio::test]
async fn a_public_client_is_refused_what_is_not_its_own_and_a_second_use_ends_the_grant() {
    let server = Server::start().await;
    let as_spa = async |token: &str| {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", "spa"),
            ("refresh_token", token),
        ];
        server.send(Request::form("/token", &pairs)).await
    };
    let refused = (400, "invalid_grant".to_owned());
    let anothers = server.tokens(&[]).await.text("refresh_token");
    for token in ["rt_made-up", anothers.as_str()] {
        assert_eq!(as_spa(token).await.refusal(), refused, "{token}");
    }
    assert_eq!(server.refresh(&anothers).await.status, 200);

    let code = [
        ("client_id", "spa"),
        ("redirect_uri", "https://spa.example/cb"),
        ("scope", "openid books:read"),
    ];
    let code = server.code(&code).await;
    let redeem = async |code: &str, redirect_uri: &str| {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        server.send(Request::form("/token", &pairs)).await
    };
    let home = "https://spa.example/cb";
    assert_eq!(redeem("made-up", home).await.refusal(), refused);
    assert_eq!(
        redeem(&code, "https://spa.example/other").await.refusal(),
        refused
    );
    // What was refused was not used up.
    let first = redeem(&code, home).await.text("refresh_token");
    let second = as_spa(&first).await.text("refresh_token");
    server.advance(Lifetime::seconds(11));
    assert_eq!(as_spa(&first).await.refusal(), refused);
    assert_eq!(as_spa(&second).await.refusal(), refused);

    let changes = [("client_id", "spa"), ("redirect_uri", home), ("scope", "openid")];
    let last = server.code(&changes).await;
    let last = redeem(&last, home).await.text("refresh_token");
    server.advance(Lifetime::days(15));
    assert_eq!(as_spa(&last).await.refusal(), refused);
}
