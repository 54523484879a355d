//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::time::Lifetime;
use store::Conn;

use crate::support::{Answer, Browser, Request, Server, VERIFIER, query_of};

const OTHER_VERIFIER: &str = "another-verifier-that-is-just-as-long-as-the-one";

/// Redeems as `web` with some parameters changed; an empty value takes one out.
async fn redeem_with(server: &Server, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "https://app.example/cb"),
        ("code_verifier", VERIFIER),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    server.token(&pairs).await
}

/// The tokens of bob, who holds the role `editor` and proves a second factor.
async fn tokens_of_bob(server: &Server, changes: &[(&str, &str)]) -> Answer {
    let mut browser = Browser::new(server);
    let page = browser
        .sign_in(&server.authorize(changes), "bob", "bob has a long password too")
        .await;
    let secret = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = chancery::totp::code(&secret, server.clock.now());
    let answer = browser.submit(&page, &[("code", &code)]).await;
    server.redeem(&query_of(answer.location(), "code").unwrap()).await
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".into())
}

#[tokio::test]
async fn a_code_gives_tokens() {
    let server = Server::start().await;
    let answer = server.tokens(&[]).await;
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        (Some("no-store"), Some("no-cache"))
    );
    let json = answer.json();
    assert_eq!(
        (&json["token_type"], &json["expires_in"]),
        (&"Bearer".into(), &600.into())
    );
    assert_eq!(json["scope"], "openid profile email books:read");
    assert!(!answer.text("refresh_token").is_empty());
    let access = server.claims(&answer.text("access_token")).await;
    let now = server.clock.now().0;
    assert_eq!(
        (&access["iat"], &access["exp"]),
        (&now.into(), &(now + 600).into())
    );
    assert_eq!(
        (&access["iss"], &access["client_id"]),
        (&"http://localhost:8080".into(), &"web".into())
    );
    assert!(access["jti"].is_string());
}

#[tokio::test]
async fn the_id_token_is_lean_and_bound_to_its_request() {
    let server = Server::start().await;
    let answer = server.tokens(&[]).await;
    let (id, access) = (
        server.claims(&answer.text("id_token")).await,
        answer.text("access_token"),
    );
    let now = server.clock.now().0;
    assert_eq!(
        (&id["iss"], &id["aud"]),
        (&"http://localhost:8080".into(), &"web".into())
    );
    assert_eq!((&id["nonce"], &id["acr"]), (&"the-nonce".into(), &"1".into()));
    assert_eq!(
        (&id["iat"], &id["auth_time"], &id["exp"]),
        (&now.into(), &now.into(), &(now + 600).into())
    );
    assert_eq!(id["sub"], server.claims(&access).await["sub"]);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access.as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
    for claim in [
        "name",
        "given_name",
        "email",
        "email_verified",
        "preferred_username",
        "roles",
    ] {
        assert!(!id.contains_key(claim), "{claim}");
    }
}

#[tokio::test]
async fn no_openid_scope_no_id_token() {
    let server = Server::start().await;
    let answer = server.tokens(&[("scope", "books:read")]).await.json();
    assert_eq!(
        (answer.get("id_token"), &answer["scope"]),
        (None, &"books:read".into())
    );
}

#[tokio::test]
async fn a_second_use_ends_what_the_first_gave() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let first = server.redeem(&code).await;
    assert_eq!(first.status, 200);
    server.advance(Lifetime::seconds(120));
    assert_eq!(server.redeem(&code).await.refusal(), invalid_grant());
    assert_eq!(
        server.refresh(&first.text("refresh_token")).await.refusal(),
        invalid_grant()
    );
    assert_eq!(
        server.introspect(&first.text("access_token")).await["active"],
        false
    );
    assert_eq!(
        server.userinfo(&first.text("access_token")).await.refusal(),
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn a_second_use_counts_whatever_else_is_wrong_with_it() {
    let server = Server::start().await;
    for change in [
        ("code_verifier", OTHER_VERIFIER),
        ("code_verifier", ""),
        ("redirect_uri", "https://app.example/other"),
        ("resource", "https://nowhere.example/"),
    ] {
        let code = server.code(&[]).await;
        let first = server.redeem(&code).await;
        assert_eq!(
            redeem_with(&server, &code, &[change]).await.refusal(),
            invalid_grant()
        );
        assert_eq!(
            server.introspect(&first.text("access_token")).await["active"],
            false,
            "{change:?}"
        );
    }
}

#[tokio::test]
async fn who_saw_a_used_code_of_a_public_client_cannot_end_what_it_gave() {
    let server = Server::start().await;
    let changes = [
        ("client_id", "spa"),
        ("redirect_uri", "https://spa.example/cb"),
        ("scope", "openid books:read"),
    ];
    let code = server.code(&changes).await;
    let redeem = async |verifier: &str| {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code.as_str()),
            ("redirect_uri", "https://spa.example/cb"),
            ("code_verifier", verifier),
        ];
        server.send(Request::form("/token", &pairs)).await
    };
    let first = redeem(VERIFIER).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let access = first.text("access_token");
    assert_eq!(redeem(OTHER_VERIFIER).await.refusal(), invalid_grant());
    assert_eq!(server.userinfo(&access).await.status, 200);
    assert_eq!(redeem(VERIFIER).await.refusal(), invalid_grant());
    assert_eq!(server.userinfo(&access).await.status, 401);
}

#[tokio::test]
async fn a_code_is_for_its_own_client() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.example/cb"),
        ("code_verifier", VERIFIER),
    ];
    let stolen = server
        .token_as("web2", "web2-secret-of-more-than-32-characters", &pairs)
        .await;
    assert_eq!(stolen.refusal(), invalid_grant());
    let public = server
        .send(crate::support::Request::form(
            "/token",
            &[&pairs[..], &[("client_id", "spa")]].concat(),
        ))
        .await;
    assert_eq!(public.refusal(), invalid_grant());
    assert_eq!(server.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_code_lasts_a_minute() {
    let server = Server::start().await;
    let (early, late) = (server.code(&[]).await, server.code(&[]).await);
    server.advance(Lifetime::seconds(59));
    assert_eq!(server.redeem(&early).await.status, 200);
    server.advance(Lifetime::seconds(2));
    assert_eq!(server.redeem(&late).await.refusal(), invalid_grant());
}

#[tokio::test]
async fn redirect_uri_and_verifier_must_fit_the_request() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    for change in [
        ("redirect_uri", ""),
        ("redirect_uri", "https://app.example/cb/"),
        ("redirect_uri", "https://two.example/cb"),
        ("code_verifier", ""),
        ("code_verifier", OTHER_VERIFIER),
        ("code", "ac_unknown"),
    ] {
        assert_eq!(
            redeem_with(&server, &code, &[change]).await.refusal(),
            invalid_grant(),
            "{change:?}"
        );
    }
    assert_eq!(
        redeem_with(&server, &code, &[("code", "")]).await.refusal(),
        (400, "invalid_request".into())
    );
}

#[tokio::test]
async fn a_stripped_challenge_is_noticed() {
    let server = Server::start().await;
    let legacy = [
        ("client_id", "legacy"),
        ("redirect_uri", "https://legacy.example/cb"),
        ("scope", "openid"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let code = server.code(&legacy).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://legacy.example/cb"),
    ];
    let secret = "legacy-secret-of-more-than-32-characters";
    let with = [&pairs[..], &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(
        server.token_as("legacy", secret, &with).await.refusal(),
        invalid_grant()
    );
    assert_eq!(server.token_as("legacy", secret, &pairs).await.status, 200);
}

#[tokio::test]
async fn of_parallel_uses_one_wins() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let answers = futures_util::future::join_all((0..32).map(|_| server.redeem(&code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.refusal(), invalid_grant());
    }
}

#[tokio::test]
async fn a_resource_is_the_whole_audience() {
    let server = Server::start().await;
    let api = ("resource", "https://api.example/");
    let asked = server.tokens(&[api]).await;
    assert_eq!(
        server.claims(&asked.text("access_token")).await["aud"],
        "https://api.example/"
    );
    let later = redeem_with(&server, &server.code(&[]).await, &[api]).await;
    assert_eq!(
        server.claims(&later.text("access_token")).await["aud"],
        "https://api.example/"
    );
    let unnamed = server.tokens(&[]).await;
    let both = serde_json::json!(["https://api.example/", "http://localhost:8080"]);
    assert_eq!(server.claims(&unnamed.text("access_token")).await["aud"], both);
    for resource in [
        "https://other.example/",
        "https://api.example",
        "https://api.example/#x",
        "api",
    ] {
        let answer = redeem_with(&server, &server.code(&[]).await, &[("resource", resource)]).await;
        assert_eq!(answer.refusal(), (400, "invalid_target".into()), "{resource}");
    }
}

#[tokio::test]
async fn a_scope_that_needs_a_permission_is_given_to_those_who_hold_it() {
    let server = Server::start().await;
    let scope = [("scope", "openid books:read books:write")];
    let alice = server.tokens(&scope).await;
    assert_eq!(alice.text("scope"), "openid books:read");
    assert_eq!(
        server.claims(&alice.text("access_token")).await["scope"],
        "openid books:read"
    );
    let bob = tokens_of_bob(&server, &scope).await;
    assert_eq!(bob.text("scope"), "openid books:read books:write");
    let access = server.claims(&bob.text("access_token")).await;
    assert_eq!(access["roles"], serde_json::json!(["editor"]));
    assert_eq!(
        access["permissions"],
        serde_json::json!(["books:read", "books:write"])
    );
    assert_eq!(access["acr"], "2");
    assert_eq!(
        server.claims(&bob.text("id_token")).await["amr"],
        serde_json::json!(["pwd", "otp", "mfa"])
    );
}

#[tokio::test]
async fn a_role_taken_away_is_gone_at_the_next_refresh() {
    let server = Server::start().await;
    let tokens = tokens_of_bob(&server, &[("scope", "openid books:read books:write")]).await;
    let now = server.clock.now();
    let write = server.running.app.store.write(async move |db: &mut Conn| {
        let bob = store::accounts::find_by_login(db, "bob").await?.unwrap();
        store::roles::set_account_roles(db, bob.id, &BTreeSet::new(), now).await
    });
    write.await.unwrap();
    let next = server.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(next.text("scope"), "openid books:read");
    let access = server.claims(&next.text("access_token")).await;
    for claim in ["roles", "permissions"] {
        assert!(
            access
                .get(claim)
                .is_none_or(|held| held.as_array().unwrap().is_empty()),
            "{access:?}"
        );
    }
}

#[tokio::test]
async fn a_disabled_account_gets_nothing_more() {
    let server = Server::start().await;
    let (tokens, code) = (server.tokens(&[]).await, server.code(&[]).await);
    let now = server.clock.now();
    let write = server.running.app.store.write(async move |db: &mut Conn| {
        let alice = store::accounts::find_by_login(db, "alice").await?.unwrap();
        store::accounts::set_disabled(db, alice.id, true, now).await
    });
    assert!(write.await.unwrap());
    assert_eq!(
        server.refresh(&tokens.text("refresh_token")).await.refusal(),
        invalid_grant()
    );
    assert_eq!(server.redeem(&code).await.refusal(), invalid_grant());
    assert_eq!(
        server.userinfo(&tokens.text("access_token")).await.refusal(),
        (401, "invalid_token".into())
    );
    assert_eq!(
        server.introspect(&tokens.text("access_token")).await["active"],
        false
    );
}
