//! Old events go, from the old end on, and the rest still holds.

use chancery::audit::remove_old;
use protocol::time::Lifetime;

use super::{examine, examine_from, of_kind, seal, tamper, with_events};

#[tokio::test]
async fn old_events_go_and_the_chain_holds() {
    let server = with_events().await;
    let app = &server.running.app;
    let before = examine(&server).await;
    assert_eq!(remove_old(app).await.unwrap(), 0);
    server.advance(Lifetime::days(300));
    server.token(&[("grant_type", "nonsense")]).await;
    server.tokens(&[]).await;
    seal(&server).await;
    server.advance(Lifetime::days(101));
    remove_old(app).await.unwrap();
    seal(&server).await;
    let report = examine_from(&server, before.anchor.as_deref()).await;
    assert!(report.is_clean() && report.checked > 1, "{report:?}");
    let told = of_kind(&server, "audit.removed").await;
    let removed: i64 = told
        .iter()
        .map(|event| event.detail["events"].as_i64().unwrap())
        .sum();
    assert_eq!(removed, before.checked);
    assert_eq!(remove_old(app).await.unwrap(), 0);
}

#[tokio::test]
async fn removal_by_somebody_else_still_shows_after_retention() {
    let server = with_events().await;
    let last = examine(&server).await.checked;
    server.advance(Lifetime::days(401));
    server.tokens(&[]).await;
    seal(&server).await;
    remove_old(&server.running.app).await.unwrap();
    tamper(
        &server,
        &format!("DELETE FROM audit_events WHERE sequence = {}", last + 1),
    );
    let found = examine(&server).await.findings;
    assert!(
        found.len() == 1 && found[0].problem == "an event is missing here",
        "{found:?}"
    );
}
