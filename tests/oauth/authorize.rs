//! `/authorize` (RFC 6749 §3.1, RFC 7636, RFC 9207, OpenID Connect Core §3.1.2).

mod redirect_uri;
mod response;

use protocol::time::Lifetime;

use crate::support::{Answer, Browser, CHALLENGE, Form, Request, Server, query_of};

const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const ISSUER: &str = "http://localhost:8080";

const ERIN: &str = r#"
[[account]]
username = "erin"
email = "erin@example.test"
password = "erin has a long password as well"
"#;

/// A page that says why and leads nowhere.
fn assert_page(answer: &Answer, context: &str) {
    assert_eq!(answer.status, 400, "{context}");
    assert_eq!(answer.header("location"), None, "{context}");
    assert!(
        answer.body.contains("id=\"error-code\""),
        "{context}: {}",
        answer.body
    );
    assert!(
        !answer.body.contains("<form") && !answer.body.contains("http-equiv"),
        "{context}"
    );
}

/// The error that a request is answered with at the redirect URI, with issuer and state.
async fn error(browser: &mut Browser<'_>, path: &str) -> String {
    let answer = browser.open(path).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    let location = answer.location();
    assert!(location.starts_with("https://"), "{location}");
    assert_eq!(query_of(location, "iss").as_deref(), Some(ISSUER), "{location}");
    assert_eq!(
        query_of(location, "state").as_deref(),
        Some("the state"),
        "{location}"
    );
    assert_eq!(query_of(location, "code"), None, "{location}");
    query_of(location, "error").unwrap_or_else(|| panic!("no error in {location}"))
}

async fn signed_in(server: &Server) -> Browser<'_> {
    let mut browser = Browser::new(server);
    let answer = browser.sign_in(&server.authorize(&[]), ALICE.0, ALICE.1).await;
    assert!(query_of(answer.location(), "code").is_some());
    browser
}

async fn auth_time(server: &Server, answer: &Answer) -> i64 {
    let tokens = server.redeem(&query_of(answer.location(), "code").unwrap()).await;
    server.claims(&tokens.text("id_token")).await["auth_time"]
        .as_i64()
        .unwrap()
}

#[tokio::test]
async fn a_challenge_with_s256_is_demanded() {
    let server = Server::start().await;
    let spa = [
        ("client_id", "spa"),
        ("redirect_uri", "https://spa.example/cb"),
        ("scope", "openid"),
    ];
    let legacy = [
        ("client_id", "legacy"),
        ("redirect_uri", "https://legacy.example/cb"),
        ("scope", "openid"),
    ];
    for (client, challenge, method) in [
        (&[][..], "", ""),
        (&[], "", "S256"),
        (&[], CHALLENGE, ""),
        (&[], CHALLENGE, "plain"),
        (&[], CHALLENGE, "s256"),
        (&[], "too-short", "S256"),
        (&spa, "", ""),
        (&spa, CHALLENGE, "plain"),
        (&legacy, CHALLENGE, "plain"),
    ] {
        let mut changes = client.to_vec();
        changes.extend([("code_challenge", challenge), ("code_challenge_method", method)]);
        let told = error(&mut Browser::new(&server), &server.authorize(&changes)).await;
        assert_eq!(told, "invalid_request", "{changes:?}");
    }
}

#[tokio::test]
async fn faults_of_a_trusted_request_go_to_the_client() {
    let server = Server::start().await;
    let mut cases: Vec<(&str, &str, &str)> = [
        "token",
        "id_token",
        "code token",
        "code id_token",
        "id_token token",
        "code code",
        "none",
        "",
    ]
    .map(|kind| ("response_type", kind, "unsupported_response_type"))
    .to_vec();
    cases.extend(
        ["-1", "1e99", "9223372036854775808", "1 ", "0x10", "+5", "1.5"]
            .map(|age| ("max_age", age, "invalid_request")),
    );
    cases.extend([
        ("prompt", "none login", "invalid_request"),
        ("prompt", "nothing", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "unknown", "invalid_scope"),
        ("request", "e30.e30.", "request_not_supported"),
        ("request_uri", "https://evil.test/r", "request_uri_not_supported"),
        ("resource", "https://other.example/", "invalid_target"),
        ("resource", "https://api.example/#x", "invalid_target"),
        ("claims", "[]", "invalid_request"),
        ("id_token_hint", "junk", "invalid_request"),
        ("prompt", "none", "login_required"),
    ]);
    for (name, value, expected) in cases {
        let told = error(&mut Browser::new(&server), &server.authorize(&[(name, value)])).await;
        assert_eq!(told, expected, "{name}={value}");
    }
}

#[tokio::test]
async fn a_parameter_may_be_sent_once_and_unknown_ones_are_ignored() {
    let server = Server::start().await;
    for name in ["client_id", "redirect_uri"] {
        assert_page(
            &server.get(&format!("{}&{name}=x", server.authorize(&[]))).await,
            name,
        );
    }
    for name in ["nonce", "scope", "response_type", "code_challenge", "foo"] {
        let path = format!("{}&{name}=x&{name}=x", server.authorize(&[]));
        assert_eq!(
            error(&mut Browser::new(&server), &path).await,
            "invalid_request",
            "{name}"
        );
    }
    let twice = server.get(&format!("{}&state=x", server.authorize(&[]))).await;
    assert_eq!(
        query_of(twice.location(), "error").as_deref(),
        Some("invalid_request")
    );
    let unknown = server
        .get(&format!("{}&foo=1&max_age=&login_hint=", server.authorize(&[])))
        .await;
    assert!(unknown.location().starts_with("/login?"));
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let server = Server::start().await;
    let path = server.authorize(&[]);
    let query = path.split_once('?').unwrap().1.to_owned();
    let post = Request::new("POST", "/authorize").body(query);
    let form = post
        .clone()
        .header("content-type", "application/x-www-form-urlencoded");
    assert!(server.send(form).await.location().starts_with("/login?"));
    assert_page(
        &server.send(post.header("content-type", "application/json")).await,
        "JSON",
    );
}

#[tokio::test]
async fn no_page_of_another_origin_may_read_it() {
    let server = Server::start().await;
    for method in ["GET", "OPTIONS"] {
        let request = Request::new(method, server.authorize(&[])).header("origin", "https://app.example");
        let answer = server
            .send(request.header("access-control-request-method", "GET"))
            .await;
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control")),
            "{method}"
        );
    }
}

#[tokio::test]
async fn without_prompts_nothing_is_asked() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    let none = [("prompt", "none")];
    let answer = browser.open(&server.authorize(&none)).await;
    assert!(
        query_of(answer.location(), "code").is_some(),
        "{}",
        answer.location()
    );
    let third = [
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid"),
        none[0],
    ];
    assert_eq!(
        error(&mut browser, &server.authorize(&third)).await,
        "consent_required"
    );
    server.advance(Lifetime::seconds(2));
    assert_eq!(
        error(&mut browser, &server.authorize(&[none[0], ("max_age", "1")])).await,
        "login_required"
    );
    assert_eq!(
        error(&mut browser, &server.authorize(&[none[0], ("max_age", "0")])).await,
        "login_required"
    );
    let mut half = Browser::new(&server);
    half.sign_in(&server.authorize(&[]), "bob", "bob has a long password too")
        .await;
    assert_eq!(
        error(&mut half, &server.authorize(&none)).await,
        "interaction_required"
    );
}

#[tokio::test]
async fn a_fresh_sign_in_is_demanded_and_cannot_be_stripped() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    for fresh in [("prompt", "login"), ("max_age", "1"), ("max_age", "0")] {
        server.advance(Lifetime::seconds(100));
        let page = browser.open(&server.authorize(&[fresh])).await;
        let action = Form::of(&page.body).action;
        let again = browser.open(&action.replace("/login?i=", "/authorize/")).await;
        assert!(
            again.body.contains("name=\"password\""),
            "{fresh:?}: {}",
            again.status
        );
        let answer = browser
            .submit(&again, &[("username", ALICE.0), ("password", ALICE.1)])
            .await;
        assert_eq!(
            auth_time(&server, &answer).await,
            server.clock.now().0,
            "{fresh:?}"
        );
    }
    let before = server.clock.now().0;
    server.advance(Lifetime::seconds(100));
    for age in ["100", "999999999999999999", ""] {
        let answer = browser.open(&server.authorize(&[("max_age", age)])).await;
        assert_eq!(auth_time(&server, &answer).await, before, "{age}");
    }
}

#[tokio::test]
async fn another_browser_cannot_go_on_with_a_request() {
    let server = Server::start().await;
    let page = Browser::new(&server).open(&server.authorize(&[])).await;
    let login = Form::of(&page.body).action;
    let resume = login.replace("/login?i=", "/authorize/");
    for mut other in [signed_in(&server).await, Browser::new(&server)] {
        for path in [&login, &resume] {
            assert_page(&other.open(path).await, path);
        }
    }
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&[])).await;
    let form = Form::of(&page.body).filled(&[("username", ALICE.0), ("password", ALICE.1)]);
    let answer = browser.send(form).await;
    assert_eq!(answer.status, 303);
    let resume = answer.location().to_owned();
    assert!(query_of(browser.open(&resume).await.location(), "code").is_some());
    assert_page(&browser.open(&resume).await, "again");
}

#[tokio::test]
async fn a_hint_names_who_must_be_signed_in() {
    let server = Server::start().await;
    server.apply(ERIN).await;
    let tokens = server.tokens(&[]).await;
    let (alice, access) = (tokens.text("id_token"), tokens.text("access_token"));
    let erin = {
        let answer = Browser::new(&server)
            .sign_in(&server.authorize(&[]), "erin", "erin has a long password as well")
            .await;
        server
            .redeem(&query_of(answer.location(), "code").unwrap())
            .await
            .text("id_token")
    };
    let mut browser = signed_in(&server).await;
    let hinted = |hint: &str, prompt| server.authorize(&[("id_token_hint", hint), ("prompt", prompt)]);
    assert!(query_of(browser.open(&hinted(&alice, "none")).await.location(), "code").is_some());
    assert_eq!(
        error(&mut browser, &hinted(&erin, "none")).await,
        "login_required"
    );
    assert_eq!(
        error(&mut browser, &hinted(&access, "none")).await,
        "invalid_request"
    );
    let two = [
        ("client_id", "web2"),
        ("redirect_uri", "https://two.example/cb"),
        ("id_token_hint", &alice),
    ];
    assert_eq!(
        error(&mut browser, &server.authorize(&two)).await,
        "invalid_request"
    );
    let answer = browser.sign_in(&hinted(&erin, ""), ALICE.0, ALICE.1).await;
    assert_eq!(
        query_of(answer.location(), "error").as_deref(),
        Some("login_required")
    );
}

#[tokio::test]
async fn the_sign_in_page_shows_the_login_hint_escaped() {
    let server = Server::start().await;
    let page = Browser::new(&server)
        .open(&server.authorize(&[("login_hint", "al\"ice<b>")]))
        .await;
    assert!(
        page.body.contains("al&quot;ice&lt;b&gt;") || page.body.contains("al&#34;ice&lt;b&gt;"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("ice<b>"));
}

#[tokio::test]
async fn an_essential_acr_must_be_reached() {
    let server = Server::start().await;
    let wish = server.tokens(&[("acr_values", "2 1")]).await;
    assert_eq!(server.claims(&wish.text("id_token")).await["acr"], "1");
    let essential = (
        "claims",
        r#"{"id_token":{"acr":{"essential":true,"values":["2"]}}}"#,
    );
    let mut browser = signed_in(&server).await;
    assert_eq!(
        error(&mut browser, &server.authorize(&[essential])).await,
        "access_denied"
    );
}

#[tokio::test]
async fn a_request_that_is_not_utf_8_or_too_long_is_not_changed_but_refused() {
    let server = Server::start().await;
    for broken in ["state=%FF", "nonce=%C3", "foo=%ED%A0%80", "foo=%zz", "foo=%4"] {
        let path = format!("{}&{broken}", server.authorize(&[("state", ""), ("nonce", "")]));
        assert_page(&server.get(&path).await, broken);
    }
    let long = "\"".repeat(4096);
    let path = server.authorize(&[("nonce", &long), ("state", &long)]);
    let (_, query) = path.split_once('?').unwrap();
    let posted = Request::new("POST", "/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(query);
    let answer = server.send(posted).await;
    assert_eq!(
        query_of(answer.location(), "error").as_deref(),
        Some("invalid_request"),
        "{}",
        answer.location().len()
    );
}

#[tokio::test]
async fn asking_for_the_head_only_gives_no_code() {
    let server = Server::start().await;
    let mut browser = signed_in(&server).await;
    let answer = browser.send(Request::new("HEAD", server.authorize(&[]))).await;
    assert_eq!(
        (answer.status, answer.header("location"), answer.header("allow")),
        (405, None, Some("GET"))
    );
    let answer = browser.send(Request::new("HEAD", "/logout")).await;
    assert_eq!(answer.status, 405);
    // The session has not ended.
    let answer = browser.open(&server.authorize(&[("prompt", "none")])).await;
    assert!(query_of(answer.location(), "code").is_some());
}
