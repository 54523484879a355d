//! How an answer travels (RFC 9207, OAuth 2.0 Form Post Response Mode).

use super::{ALICE, ISSUER};
use crate::support::{Browser, Form, Server, query_of};

#[tokio::test]
async fn state_and_issuer_come_back_unchanged() {
    let server = Server::start().await;
    let mut state = "&=\"'<script>%41+ ü€😀#?;/".repeat(70);
    while state.len() > 2048 {
        state.pop();
    }
    let changes = [("state", state.as_str())];
    let mut browser = Browser::new(&server);
    let page = browser.open(&server.authorize(&changes)).await;
    assert!(!page.body.contains("<script>"));
    let success = browser
        .submit(&page, &[("username", ALICE.0), ("password", ALICE.1)])
        .await;
    let failure = server
        .get(&server.authorize(&[changes[0], ("response_type", "token")]))
        .await;
    for answer in [success, failure] {
        assert_eq!(query_of(answer.location(), "state").as_ref(), Some(&state));
        assert_eq!(query_of(answer.location(), "iss").as_deref(), Some(ISSUER));
    }
    let posted = server
        .get(&server.authorize(&[changes[0], ("response_mode", "form_post"), ("prompt", "none")]))
        .await;
    assert!(Form::of(&posted.body).hidden.contains(&("state".into(), state)));
    assert!(!posted.body.contains("<script>%41"));
    let none = server
        .get(&server.authorize(&[("state", ""), ("prompt", "none")]))
        .await;
    assert_eq!(query_of(none.location(), "state"), None);
}

#[tokio::test]
async fn a_form_can_carry_the_answer() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    let path = |more: &[(&str, &str)]| server.authorize(&[&[("response_mode", "form_post")], more].concat());
    let refused = browser.open(&path(&[("prompt", "none")])).await;
    let accepted = browser.sign_in(&path(&[]), ALICE.0, ALICE.1).await;
    for (answer, name) in [(refused, "error"), (accepted, "code")] {
        assert_eq!((answer.status, answer.header("location")), (200, None));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let form = Form::of(&answer.body);
        assert_eq!(form.action, "https://app.example/cb");
        let value = |name: &str| {
            form.hidden
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!((value("iss"), value("state")), (Some(ISSUER), Some("the state")));
        assert!(value(name).is_some_and(|value| !value.is_empty()), "{name}");
    }
}
