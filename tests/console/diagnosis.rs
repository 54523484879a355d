//! `/admin/diagnosis`, and why somebody cannot sign in.

use super::staff::{MODERATOR, ROOT, VERA, desk, send, staffed};

#[tokio::test]
async fn why_somebody_cannot_sign_in_is_told_with_the_remedy() {
    let server = staffed().await;
    let id = server.account_id("dave").await;
    let (mut browser, page) = desk(&server, MODERATOR, &format!("/admin/users/{id}/diagnosis")).await;
    assert!(
        page.body.contains("data-level=\"problem\"") && page.body.contains("id=\"risk\""),
        "{}",
        page.body
    );
    let id = server.account_id("alice").await;
    let page = browser.open(&format!("/admin/users/{id}/diagnosis")).await;
    assert!(!page.body.contains("data-level=\"problem\""), "{}", page.body);
}

#[tokio::test]
async fn a_token_is_looked_at_without_being_kept_anywhere() {
    let server = staffed().await;
    let token = server.tokens(&[]).await.text("access_token");
    let (mut browser, page) = desk(&server, VERA, "/admin/diagnosis").await;
    assert!(!page.body.contains("id=\"installation\""));
    let page = send(&mut browser, &page, "/admin/diagnosis", &[("token", &token)]).await;
    for shown in [
        "id=\"token-state\">good<",
        "Access token",
        "&quot;sub&quot;",
        "<code>web</code>",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains(&token));
    for nonsense in ["x", "<b>", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let page = send(&mut browser, &page, "/admin/diagnosis", &[("token", nonsense)]).await;
        assert!(
            page.status == 200 && page.body.contains("id=\"token-state\">not good<"),
            "{nonsense}: {}",
            page.body
        );
    }
}

#[tokio::test]
async fn whoever_may_see_the_installation_sees_how_it_stands() {
    let server = staffed().await;
    let (_, page) = desk(&server, ROOT, "/admin/diagnosis").await;
    let (_, checks) = page.body.split_once("id=\"installation\"").unwrap();
    assert!(checks.contains("data-level=\""), "{checks}");
}
