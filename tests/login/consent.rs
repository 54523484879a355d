//! `/consent`: asked in words, answered by the account holder and by nobody else.

use crate::support::{Answer, Browser, Form, Request, Server, query_of};

const PASSWORD: &str = "correct horse battery staple";
const ALLOW: (&str, &str) = ("decision", "allow");

fn request_of_third(server: &Server, changes: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
    ];
    if !changes.iter().any(|(name, _)| *name == "scope") {
        all.push(("scope", "openid profile books:read"));
    }
    all.extend(changes);
    server.authorize(&all)
}

/// Alice in front of the question.
async fn at_question(server: &Server, browser: &mut Browser<'_>, changes: &[(&str, &str)]) -> Answer {
    let page = browser
        .sign_in(&request_of_third(server, changes), "alice", PASSWORD)
        .await;
    assert!(is_question(&page), "{} {}", page.status, page.body);
    page
}

fn is_question(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("id=\"consent-approve\"")
}

fn got_code(answer: &Answer) -> bool {
    answer
        .header("location")
        .is_some_and(|location| query_of(location, "code").is_some())
}

#[tokio::test]
async fn the_page_says_who_asks_for_what() {
    let server = Server::start().await;
    let page = at_question(&server, &mut Browser::new(&server), &[]).await;
    assert!(page.body.contains("Third &lt;party&gt;") && !page.body.contains("<party>"));
    for text in ["See your books", "third.example", "alice", "id=\"consent-deny\""] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    assert!(!page.body.contains("Change your books"));
}

#[tokio::test]
async fn first_parties_do_not_ask() {
    let server = Server::start().await;
    let answer = Browser::new(&server)
        .sign_in(&server.authorize(&[]), "alice", PASSWORD)
        .await;
    assert!(got_code(&answer));
}

#[tokio::test]
async fn a_yes_is_remembered_for_what_it_covered() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_question(&server, &mut browser, &[("scope", "openid profile")]).await;
    let answer = browser.submit(&page, &[ALLOW]).await;
    assert!(got_code(&answer), "{} {}", answer.status, answer.body);
    for (changes, asks) in [
        (vec![("scope", "openid profile")], false),
        (vec![("scope", "openid")], false),
        (vec![("scope", "openid profile books:read")], true),
        (vec![("scope", "openid"), ("prompt", "consent")], true),
    ] {
        let answer = browser.open(&request_of_third(&server, &changes)).await;
        assert_eq!(
            (is_question(&answer), got_code(&answer)),
            (asks, !asks),
            "{changes:?}"
        );
    }
    let mut elsewhere = Browser::new(&server);
    let answer = elsewhere
        .sign_in(
            &request_of_third(&server, &[("scope", "openid")]),
            "alice",
            PASSWORD,
        )
        .await;
    assert!(got_code(&answer));
    let silent = browser
        .open(&request_of_third(&server, &[("prompt", "none")]))
        .await;
    assert_eq!(
        query_of(silent.location(), "error").as_deref(),
        Some("consent_required")
    );
}

#[tokio::test]
async fn a_no_is_told_to_the_client_and_not_remembered() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_question(&server, &mut browser, &[]).await;
    let answer = browser.submit(&page, &[("decision", "deny")]).await;
    let value = |name| query_of(answer.location(), name);
    assert!(answer.location().starts_with("https://third.example/cb?"));
    assert_eq!(value("error").as_deref(), Some("access_denied"));
    assert_eq!(value("state").as_deref(), Some("the state"));
    assert_eq!(value("iss").as_deref(), Some("http://localhost:8080"));
    assert_eq!(value("code"), None);
    assert!(is_question(&browser.open(&request_of_third(&server, &[])).await));
}

#[tokio::test]
async fn only_this_browsers_own_form_counts() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_question(&server, &mut browser, &[]).await;
    let form = Form::of(&page.body);
    let mut other = Browser::new(&server);
    let foreign = Form::of(&at_question(&server, &mut other, &[]).await.body).hidden;
    let action = || form.action.clone();
    let refused = [
        Request::form(action(), &[ALLOW]),
        Request::form(action(), &[ALLOW, ("csrf", "wrong")]),
        Form {
            action: action(),
            hidden: foreign,
        }
        .filled(&[ALLOW]),
        form.filled(&[ALLOW]).header("origin", "https://evil.example"),
        form.filled(&[ALLOW]).header("origin", "null"),
        form.filled(&[ALLOW]).header("sec-fetch-site", "cross-site"),
        form.filled(&[ALLOW]).header("sec-fetch-site", "same-site"),
    ];
    for (index, request) in refused.into_iter().enumerate() {
        let answer = browser.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{index}");
    }
    let got = browser.open(&format!("{}&decision=allow", form.action)).await;
    assert!(!got_code(&got));
    assert!(is_question(&browser.open(&request_of_third(&server, &[])).await));
    let own = form
        .filled(&[ALLOW])
        .header("origin", "http://localhost:8080")
        .header("sec-fetch-site", "same-origin");
    assert_eq!(browser.send(own).await.status, 303);
}

#[tokio::test]
async fn another_browser_cannot_go_on_with_the_request() {
    let server = Server::start().await;
    let mut victim = Browser::new(&server);
    assert!(got_code(
        &victim.sign_in(&server.authorize(&[]), "alice", PASSWORD).await
    ));
    let page = at_question(&server, &mut Browser::new(&server), &[]).await;
    let action = Form::of(&page.body).action;
    let sealed = query_of(&action, "i").unwrap();
    for path in [
        action,
        format!("/authorize/{sealed}"),
        format!("/login?i={sealed}"),
    ] {
        let answer = victim.open(&path).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{path}");
    }
}

#[tokio::test]
async fn the_form_says_yes_or_no_and_nothing_more() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_question(&server, &mut browser, &[("scope", "openid")]).await;
    let form = Form::of(&page.body);
    for fields in [
        vec![ALLOW, ("granted_scope", "openid books:read")],
        vec![ALLOW, ("scope", "books:read")],
        vec![ALLOW, ("client_id", "web")],
        vec![ALLOW, ("decision", "deny")],
        vec![("decision", "perhaps")],
        vec![],
    ] {
        let answer = browser.send(form.filled(&fields)).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{fields:?}"
        );
    }
    let answer = browser.submit(&page, &[ALLOW]).await;
    let code = query_of(answer.location(), "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://third.example/cb"),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let tokens = server
        .token_as("third", "third-secret-of-more-than-32-characters", &pairs)
        .await;
    assert_eq!(tokens.text("scope"), "openid");
}

#[tokio::test]
async fn an_answered_request_gives_no_second_code() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let page = at_question(&server, &mut browser, &[]).await;
    assert!(got_code(&browser.submit(&page, &[ALLOW]).await));
    let again = browser.submit(&page, &[ALLOW]).await;
    assert_eq!((again.status, again.header("location")), (400, None));
}

#[tokio::test]
async fn the_yes_of_one_account_is_not_that_of_the_next_in_the_same_browser() {
    let server = Server::start().await;
    server
        .apply("[[account]]\nusername = \"carol\"\npassword = \"carol has a long password as well\"\n")
        .await;
    let third = [
        ("client_id", "third"),
        ("redirect_uri", "https://third.example/cb"),
        ("scope", "openid profile"),
    ];
    let mut browser = Browser::new(&server);
    let page = browser
        .sign_in(&server.authorize(&third), "alice", "correct horse battery staple")
        .await;
    let allowed = browser
        .send(Form::of(&page.body).filled(&[("decision", "allow")]))
        .await;
    let alices = allowed.location().to_owned();
    assert!(alices.starts_with("/authorize/"));
    let other = server.authorize(&[("prompt", "login")]);
    let answer = browser
        .sign_in(&other, "carol", "carol has a long password as well")
        .await;
    assert!(query_of(answer.location(), "code").is_some());
    let asked = browser.open(&alices).await;
    assert_eq!(asked.status, 200);
    assert!(asked.body.contains("consent-approve"), "{}", asked.body);
}
