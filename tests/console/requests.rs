//! `/admin/requests`: refused OAuth requests.

use super::staff::{VERA, desk, staffed};

#[tokio::test]
async fn a_refused_request_is_found_by_its_number_without_its_secrets() {
    let server = staffed().await;
    let answer = server
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", "the-code-that-was-sent"),
            ("redirect_uri", "https://app.example/cb"),
            ("code_verifier", "a-verifier-that-nobody-should-ever-see-here"),
        ])
        .await;
    let id = answer.header("x-request-id").unwrap().to_owned();
    let (mut browser, page) = desk(&server, VERA, &format!("/admin/requests?id={id}")).await;
    for shown in [
        "invalid_grant",
        "id=\"hint\"",
        "/token",
        "authorization_code",
        "https://app.example/cb",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    for hidden in ["the-code-that-was-sent", "a-verifier", "web-secret"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    let page = browser.open("/admin/requests?client=web").await;
    assert!(page.body.contains(&id), "{}", page.body);
    let page = browser.open("/admin/requests?client=third").await;
    assert!(!page.body.contains(&id), "{}", page.body);
}

#[tokio::test]
async fn a_number_that_is_none_is_told_so() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, VERA, "/admin/requests").await;
    for id in ["0123456789abcdef0123456789abcdef", "%3Cb%3E", "%27%22--"] {
        let page = browser.open(&format!("/admin/requests?id={id}")).await;
        assert_eq!(page.status, 404);
        assert!(
            page.body.contains("id=\"missing\"") && !page.body.contains("<b>"),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn the_number_on_an_error_page_leads_to_the_rule() {
    let server = staffed().await;
    let answer = server
        .get(&server.authorize(&[("redirect_uri", "https://evil.example/cb")]))
        .await;
    let id = answer.header("x-request-id").unwrap().to_owned();
    assert!(answer.body.contains(&id));
    let (_, page) = desk(&server, VERA, &format!("/admin/requests?id={id}")).await;
    assert!(
        page.body.contains("redirect_uri") && page.body.contains("https://evil.example/cb"),
        "{}",
        page.body
    );
}
