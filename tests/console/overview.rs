//! `/admin`: what happened lately, in pictures and tables.

use super::staff::{MODERATOR, ROOT, desk, staffed};
use crate::support::Browser;

#[tokio::test]
async fn sign_ins_failures_tokens_and_refusals_are_counted_and_drawn() {
    let server = staffed().await;
    server.tokens(&[]).await;
    let wrong = Browser::new(&server)
        .sign_in("/account", "alice", "not the password of alice")
        .await;
    assert!(wrong.body.contains("id=\"form-error\""), "{}", wrong.body);
    server.refresh("no such token").await;
    let (mut browser, page) = desk(&server, ROOT, "/admin").await;
    for range in ["24h", "30d"] {
        let page = browser.open(&format!("/admin?range={range}")).await;
        assert_eq!(page.body.matches("<svg viewBox").count(), 3, "{}", page.body);
        assert!(page.body.contains("aria-current=\"true\">") && page.body.contains("</table>"));
        for counted in [
            "Sign-ins: succeeded 2, failed 1",
            "Tokens issued: issued 1",
            "Refused requests: refused 1",
        ] {
            assert!(page.body.contains(counted), "{range} {counted}: {}", page.body);
        }
        for name in ["authorization_code", "web", "token · invalid_grant"] {
            assert!(
                page.body.contains(&format!("<bdi>{name}</bdi>")),
                "{name}: {}",
                page.body
            );
        }
    }
    assert!(!page.body.contains(" style="));
}

#[tokio::test]
async fn who_may_not_see_statistics_gets_the_page_without_them() {
    let server = staffed().await;
    let (_, page) = desk(&server, MODERATOR, "/admin").await;
    assert!(!page.body.contains("<svg"), "{}", page.body);
}
