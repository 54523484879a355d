//! `/userinfo` (OpenID Connect Core §5.3, RFC 6750).

use protocol::time::Lifetime;

use crate::support::{Request, Server, basic};

fn invalid_token() -> (u16, String) {
    (401, "invalid_token".into())
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_or_the_form() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let (token, sub) = (
        tokens.text("access_token"),
        server.claims(&tokens.text("id_token")).await["sub"].clone(),
    );
    for request in [
        Request::get("/userinfo").bearer(&token),
        Request::get("/userinfo").header("authorization", format!("bearer {token}")),
        Request::new("POST", "/userinfo").bearer(&token),
        Request::form("/userinfo", &[]).bearer(&token),
        Request::form("/userinfo", &[("access_token", &token)]),
    ] {
        let answer = server.send(request.clone()).await;
        assert_eq!(answer.status, 200, "{request:?}: {}", answer.body);
        assert_eq!(answer.json()["sub"], sub);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn other_ways_to_send_a_token_are_refused() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("access_token");
    let query = format!("/userinfo?access_token={token}");
    for request in [
        Request::get(query.clone()),
        Request::get(query).bearer(&token),
        Request::form("/userinfo", &[("access_token", &token)]).bearer(&token),
        Request::form("/userinfo", &[("access_token", &token), ("access_token", &token)]),
        Request::get("/userinfo").header("authorization", basic("web", &token)),
        Request::get("/userinfo").header("authorization", format!("DPoP {token}")),
        Request::get("/userinfo").header("authorization", token.clone()),
    ] {
        let answer = server.send(request.clone()).await;
        assert!(
            matches!(answer.status, 400 | 401),
            "{request:?}: {}",
            answer.status
        );
        assert!(!answer.body.contains("\"sub\""), "{}", answer.body);
    }
}

#[tokio::test]
async fn without_a_token_the_scheme_is_named() {
    let server = Server::start().await;
    let none = server.get("/userinfo").await;
    assert_eq!(none.status, 401);
    let challenge = none.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer") && !challenge.contains("error="),
        "{challenge}"
    );
    let junk = server.userinfo("junk").await;
    assert_eq!(junk.refusal(), invalid_token());
    assert!(
        junk.header("www-authenticate")
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
}

#[tokio::test]
async fn only_live_access_tokens_for_this_server_are_good() {
    let server = Server::start().await;
    let tokens = server.tokens(&[]).await;
    let access = tokens.text("access_token");
    let foreign = server
        .tokens(&[("resource", "https://api.example/")])
        .await
        .text("access_token");
    for (token, what) in [
        (tokens.text("id_token"), "ID token"),
        (tokens.text("refresh_token"), "refresh token"),
        (foreign, "token for another audience"),
        (format!("{access}x"), "changed signature"),
        (access.replacen('.', ".e", 1), "changed payload"),
    ] {
        assert_eq!(server.userinfo(&token).await.refusal(), invalid_token(), "{what}");
    }
    server.advance(Lifetime::seconds(599));
    assert_eq!(server.userinfo(&access).await.status, 200);
    server.advance(Lifetime::seconds(62));
    assert_eq!(server.userinfo(&access).await.refusal(), invalid_token());
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let server = Server::start().await;
    let token = server.tokens(&[]).await.text("access_token");
    let revoke = Request::form("/revoke", &[("token", &token)]).header(
        "authorization",
        basic("web", "web-secret-of-more-than-32-characters"),
    );
    assert_eq!(server.userinfo(&token).await.status, 200);
    assert_eq!(server.send(revoke).await.status, 200);
    assert_eq!(server.userinfo(&token).await.refusal(), invalid_token());
}

#[tokio::test]
async fn a_token_without_openid_is_not_enough() {
    let server = Server::start().await;
    let request = Request::form(
        "/token",
        &[
            ("grant_type", "client_credentials"),
            ("client_id", "post"),
            ("client_secret", "post-secret-of-more-than-32-characters"),
        ],
    );
    let token = server.send(request).await.text("access_token");
    let answer = server.userinfo(&token).await;
    assert_eq!(answer.refusal(), (403, "insufficient_scope".into()));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_scope") && challenge.contains("openid"),
        "{challenge}"
    );
}

#[tokio::test]
async fn scopes_decide_which_claims_are_told() {
    let server = Server::start().await;
    let profile = [
        "family_name",
        "given_name",
        "name",
        "preferred_username",
        "updated_at",
    ];
    let email = ["email", "email_verified"];
    for (scope, told) in [
        ("openid", vec![]),
        ("openid email", email.to_vec()),
        ("openid profile", profile.to_vec()),
        ("openid profile email", [&email[..], &profile].concat()),
    ] {
        let token = server.tokens(&[("scope", scope)]).await.text("access_token");
        let answer = server.userinfo(&token).await.json();
        let mut names: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [&["sub"][..], &told].concat();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected, "{scope}");
    }
    let token = server.tokens(&[]).await.text("access_token");
    let answer = server.userinfo(&token).await.json();
    assert_eq!(
        (&answer["name"], &answer["email"]),
        (&"Alice Example".into(), &"alice@example.test".into())
    );
    assert_eq!(answer["email_verified"], true);
}

#[tokio::test]
async fn claims_can_be_asked_for_one_by_one() {
    let server = Server::start().await;
    let claims = r#"{"userinfo":{"given_name":null,"unknown":null},"id_token":{"email":{"essential":true}}}"#;
    let tokens = server.tokens(&[("scope", "openid"), ("claims", claims)]).await;
    let answer = server.userinfo(&tokens.text("access_token")).await.json();
    assert_eq!(answer["given_name"], "Alice");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    let id = server.claims(&tokens.text("id_token")).await;
    assert_eq!(
        (&id["email"], id.get("given_name")),
        (&"alice@example.test".into(), None)
    );
}

#[tokio::test]
async fn what_a_sign_in_says_cannot_be_asked_away() {
    let server = Server::start().await;
    let claims = r#"{"userinfo":{"sub":null,"iss":null},"id_token":{"sub":null,"aud":null,"acr":null}}"#;
    let tokens = server.tokens(&[("claims", claims)]).await;
    let id = server.claims(&tokens.text("id_token")).await;
    assert_eq!((&id["aud"], &id["acr"]), (&"web".into(), &"1".into()));
    assert_eq!(
        server.userinfo(&tokens.text("access_token")).await.json()["sub"],
        id["sub"]
    );
}
