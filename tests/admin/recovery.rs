//! Helping people in again: what is started for them, and what they are told.

use serde_json::json;
use store::Conn;

use super::{PASSWORD, api, events, path, problem, signs_in, start, token, with_json};
use crate::support::Browser;

#[tokio::test]
async fn a_new_password_is_started_by_mail_and_chosen_by_its_holder() {
    let server = start().await;
    let mo = token(&server, "mo").await;
    let target = format!("{}/password-reset", path(&server, "paula").await);
    let answer = server.send(api("POST", &target, &mo)).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    let mail = server.mail_to("paula@example.test").await;
    let mut browser = Browser::new(&server);
    let page = browser.open(&mail.link()).await;
    let new = "four ferries in the morning rain";
    browser.submit(&page, &[("password", new)]).await;
    assert!(signs_in(&server, "paula", new).await);
}

#[tokio::test]
async fn no_link_is_mailed_where_it_could_not_be_used() {
    let server = start().await;
    let root = token(&server, "root").await;
    server.apply("[[account]]\nusername = \"mailless\"\n").await;
    let target = format!("{}/password-reset", path(&server, "mailless").await);
    assert_eq!(problem(&server.send(api("POST", &target, &root)).await).0, 400);
    let paula = path(&server, "paula").await;
    assert_eq!(
        server
            .send(api("POST", &format!("{paula}/disable"), &root))
            .await
            .status,
        204
    );
    let target = format!("{paula}/password-reset");
    assert_eq!(problem(&server.send(api("POST", &target, &root)).await).0, 400);
    assert!(server.mails().await.is_empty());
}

#[tokio::test]
async fn lost_factors_are_removed_and_the_owner_is_told() {
    let server = start().await;
    let mo = token(&server, "mo").await;
    server
        .apply("[[account]]\nusername = \"paula\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n")
        .await;
    let target = path(&server, "paula").await;
    let answer = server
        .send(api("DELETE", &format!("{target}/factors"), &mo))
        .await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "removed": 1 })));
    let mail = server.mail_to("paula@example.test").await;
    assert_eq!(mail.subject, "Your second factors were removed");
    token(&server, "paula").await;
    assert_eq!(events(&server, "account.factors_reset").await.0, 1);
}

#[tokio::test]
async fn who_was_locked_out_is_let_try_again() {
    let server = start().await;
    let mo = token(&server, "mo").await;
    let id = server.account_id("paula").await;
    let guess = async move |db: &mut Conn| {
        for _ in 0..100 {
            store::passwords::count_failure(db, Some(id)).await?;
        }
        Ok(())
    };
    server.running.app.store.write(guess).await.unwrap();
    assert!(!signs_in(&server, "paula", PASSWORD).await);
    let target = format!("{}/unlock", path(&server, "paula").await);
    assert_eq!(server.send(api("POST", &target, &mo)).await.status, 204);
    assert!(signs_in(&server, "paula", PASSWORD).await);
}

#[tokio::test]
async fn a_deleted_account_is_told_and_gone() {
    let server = start().await;
    let (anna, paula) = (token(&server, "anna").await, token(&server, "paula").await);
    let target = path(&server, "paula").await;
    let deleted = server.send(api("DELETE", &target, &anna)).await;
    assert_eq!(deleted.status, 204, "{}", deleted.body);
    assert_eq!(server.send(api("GET", "/accounts", &paula)).await.status, 401);
    for (method, path) in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/disable"),
        ("POST", "/unlock"),
    ] {
        let answer = server.send(api(method, &format!("{target}{path}"), &anna)).await;
        assert!(
            [403, 404].contains(&answer.status),
            "{method} {path}: {}",
            answer.body
        );
    }
    let change = with_json("PATCH", &target, &anna, &json!({ "claims": { "name": "x" } }));
    assert_eq!(problem(&server.send(change).await).0, 404);
    server.mail_to("paula@example.test").await;
    let (count, last) = events(&server, "account.deleted").await;
    assert_eq!((count, last.unwrap().account_id), (1, None));
}
