//! `/admin/sessions` and `/admin/audit`.

use super::staff::{MODERATOR, NOBODY, ROOT, VERA, asks_to_sign_in, at, desk, events, send, staffed};

#[tokio::test]
async fn all_sessions_are_listed_and_one_is_ended() {
    let server = staffed().await;
    let (mut alice, _) = at(&server, NOBODY, "/account").await;
    let id = server.account_id("alice").await;
    server.advance(protocol::time::Lifetime::seconds(1));
    let (mut browser, page) = desk(&server, MODERATOR, "/admin/sessions").await;
    assert!(page.body.contains(&format!("/admin/users/{id}")), "{}", page.body);
    let row = page.body.split(&id.to_string()).last().unwrap();
    let answer = send(
        &mut browser,
        &crate::support::Answer {
            body: row.to_owned(),
            ..page.clone()
        },
        "/admin/sessions/end",
        &[],
    )
    .await;
    assert!(answer.body.contains("id=\"notice\""), "{}", answer.body);
    assert!(asks_to_sign_in(&alice.open("/account").await));
    let (_, page) = desk(&server, VERA, "/admin/sessions").await;
    assert!(!page.body.contains("method=\"post\""));
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let server = staffed().await;
    for _ in 0..60 {
        at(&server, NOBODY, "/account").await;
        server.advance(protocol::time::Lifetime::seconds(1));
    }
    let id = server.account_id("alice").await;
    let (mut browser, page) = desk(
        &server,
        VERA,
        &format!("/admin/audit?account={id}&kind=session.started"),
    )
    .await;
    assert_eq!(
        page.body.matches("<code>session.started</code>").count(),
        50,
        "{}",
        page.body
    );
    let (_, next) = page.body.split_once("id=\"next-page\" href=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let page = browser.open(&next).await;
    assert_eq!(
        page.body.matches("<code>session.started</code>").count(),
        10,
        "{}",
        page.body
    );
    assert_eq!(
        browser
            .open(&next.replace("session.started", "session.ended"))
            .await
            .status,
        400
    );
    for (query, found) in [
        ("kind=session.started&outcome=success", true),
        ("kind=session.started&outcome=failure", false),
        ("kind=session.started&from=2027-01-15&until=2027-01-15", true),
        ("kind=session.started&until=2027-01-14", false),
        ("client=nothing", false),
    ] {
        let page = browser.open(&format!("/admin/audit?{query}")).await;
        assert_eq!(
            page.body.contains("<code>session.started</code>"),
            found,
            "{query}: {}",
            page.body
        );
    }
    for wrong in ["account=nobody", "from=yesterday", "until=2027-99-99"] {
        let page = browser.open(&format!("/admin/audit?{wrong}")).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(page.body.contains("id=\"form-error\""), "{wrong}");
    }
}

#[tokio::test]
async fn the_events_are_exported_as_files() {
    let server = staffed().await;
    let (mut browser, _) = desk(&server, ROOT, "/admin/audit").await;
    let csv = browser
        .open("/admin/audit/export?kind=session.started&format=csv")
        .await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"audit.csv\"")
    );
    assert!(
        csv.body.lines().count() == 2 && csv.body.contains("session.started"),
        "{}",
        csv.body
    );
    let lines = browser.open("/admin/audit/export?format=jsonl").await;
    for line in lines.body.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].is_string());
    }
    assert!(
        events(&server)
            .await
            .iter()
            .any(|(kind, _)| kind == "audit.exported")
    );
    let (mut moderator, _) = desk(&server, MODERATOR, "/admin").await;
    assert_eq!(moderator.open("/admin/audit/export").await.status, 403);
}
