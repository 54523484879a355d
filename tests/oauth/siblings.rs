//! One fact must not stand in for another: what is proved, answered or ended on one path holds on each of its siblings.

use protocol::time::Lifetime;

use crate::support::{Browser, Form, Request, Server, VERIFIER, basic, query_of};

const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const SECRET: &str = "web-secret-of-more-than-32-characters";

/// The sealed interaction in the address of a page.
fn sealed(location: &str) -> String {
    query_of(location, "i").unwrap_or_else(|| panic!("no interaction in {location}"))
}

#[tokio::test]
async fn a_one_time_code_alone_does_not_make_an_old_sign_in_fresh() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let seed = chancery::totp::decode_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let code = || chancery::totp::code(&seed, server.clock.now());
    let page = browser
        .sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    let answer = browser.submit(&page, &[("code", &code())]).await;
    assert!(query_of(answer.location(), "code").is_some());

    server.advance(Lifetime::seconds(100));
    let login = browser
        .send(Request::get(server.authorize(&[("max_age", "60")])))
        .await;
    assert!(login.location().starts_with("/login"), "{}", login.location());
    let second = browser
        .open(&format!("/mfa?i={}", sealed(login.location())))
        .await;
    let after = browser.submit(&second, &[("code", &code())]).await;
    assert!(
        after.body.contains("name=\"password\""),
        "{} {}",
        after.status,
        after.body
    );
}

#[tokio::test]
async fn a_yes_counts_for_the_person_who_said_it() {
    let server = Server::start().await;
    server
        .apply("[[account]]\nusername = \"carol\"\npassword = \"carol also has a long one\"\n")
        .await;
    let mut browser = Browser::new(&server);
    let request = server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid profile"),
    ]);
    let question = browser.sign_in(&request, ALICE.0, ALICE.1).await;
    let yes = browser
        .send(Form::of(&question.body).filled(&[("decision", "allow")]))
        .await;
    let allowed = yes.location().trim_start_matches("/authorize/").to_owned();
    let login = browser.open(&format!("/login?i={allowed}")).await;
    let carol = [("username", "carol"), ("password", "carol also has a long one")];
    let after = browser.submit(&login, &carol).await;
    assert!(
        after.body.contains("id=\"consent-approve\""),
        "{} {}",
        after.status,
        after.body
    );
    assert!(after.body.contains("carol"));
}

#[tokio::test]
async fn claims_cannot_be_had_by_name_beyond_the_scope() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let request = server.authorize(&[
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid"),
        (
            "claims",
            r#"{"userinfo":{"email":null,"name":null},"id_token":{"email":null}}"#,
        ),
    ]);
    let question = browser.sign_in(&request, ALICE.0, ALICE.1).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let code = query_of(answer.location(), "code").unwrap();
    let tokens = server
        .token_as(
            "third",
            "third-secret-of-more-than-32-characters",
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", "https://third.example/cb"),
                ("code_verifier", VERIFIER),
            ],
        )
        .await;
    let told = server.userinfo(&tokens.text("access_token")).await.json();
    assert_eq!(told.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    assert!(
        !server
            .claims(&tokens.text("id_token"))
            .await
            .contains_key("email")
    );
}

#[tokio::test]
async fn a_session_that_gives_way_takes_its_refresh_token_along() {
    let server = Server::start().await;
    let first = server.tokens(&[]).await.text("refresh_token");
    for _ in 0..5 {
        server.advance(Lifetime::seconds(1));
        server.code(&[]).await;
    }
    assert_eq!(
        server.refresh(&first).await.refusal(),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn a_wrong_resource_does_not_use_the_code_up() {
    let server = Server::start().await;
    let code = server.code(&[]).await;
    let wrong = server
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", "https://app.example/cb"),
            ("code_verifier", VERIFIER),
            ("resource", "https://elsewhere.example/"),
        ])
        .await;
    assert_eq!(wrong.refusal(), (400, "invalid_target".into()));
    assert_eq!(server.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_nul_is_refused_on_either_database() {
    let server = Server::start().await;
    for query in [
        "client_id=%00",
        "client_id=web&nonce=a%00b",
        "client_id=web&%00=1",
    ] {
        let answer = server.get(&format!("/authorize?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.header("location").is_none());
    }
    let token = server
        .token(&[("grant_type", "refresh_token"), ("refresh_token", "a\0b")])
        .await;
    assert_eq!(token.refusal(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn one_authorization_header_is_enough() {
    let server = Server::start().await;
    let twice = Request::form("/token", &[("grant_type", "client_credentials")])
        .header("authorization", basic("web", SECRET))
        .header(
            "authorization",
            basic("m2m", "m2m-secret-of-more-than-32-characters"),
        );
    assert_eq!(
        server.send(twice).await.refusal(),
        (400, "invalid_request".into())
    );
    let token = server.tokens(&[]).await.text("access_token");
    let twice = Request::get("/userinfo").bearer(&token).bearer(&token);
    assert_eq!(
        server.send(twice).await.refusal(),
        (400, "invalid_request".into())
    );
}
