//! Sessions and grants: seen and ended.

use serde_json::json;

use super::{PASSWORD, api, is_signed_in, path, problem, start, token};
use crate::support::Browser;

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = start().await;
    let mo = token(&server, "mo").await;
    let (mut one, mut two) = (Browser::new(&server), Browser::new(&server));
    for browser in [&mut one, &mut two] {
        browser.sign_in("/login", "paula", PASSWORD).await;
        assert!(is_signed_in(browser).await);
    }
    let id = server.account_id("paula").await;
    let listed = server
        .send(api("GET", &format!("/sessions?account={id}"), &mo))
        .await
        .json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!(
        (&items[0]["account_id"], &items[0]["acr"], &items[0]["amr"]),
        (&json!(id), &json!("1"), &json!(["pwd"]))
    );
    let first = format!("/sessions/{}", items[0]["id"].as_str().unwrap());
    assert_eq!(server.send(api("GET", &first, &mo)).await.json(), items[0]);
    assert_eq!(server.send(api("DELETE", &first, &mo)).await.status, 204);
    assert_eq!(problem(&server.send(api("DELETE", &first, &mo)).await).0, 404);
    assert_eq!(problem(&server.send(api("GET", &first, &mo)).await).0, 404);
    assert_ne!(is_signed_in(&mut one).await, is_signed_in(&mut two).await);
    let rest = format!("{}/sessions", path(&server, "paula").await);
    assert_eq!(
        server.send(api("DELETE", &rest, &mo)).await.json(),
        json!({ "ended": 1 })
    );
    for browser in [&mut one, &mut two] {
        assert!(!is_signed_in(browser).await);
    }
}

#[tokio::test]
async fn nobody_ends_sessions_or_grants_of_who_holds_more() {
    let server = start().await;
    let (anna, root) = (token(&server, "anna").await, server.account_id("root").await);
    Browser::new(&server).sign_in("/login", "root", PASSWORD).await;
    token(&server, "root").await;
    for noun in ["sessions", "grants"] {
        let listed = server
            .send(api("GET", &format!("/{noun}?account={root}"), &anna))
            .await
            .json();
        let id = listed["items"][0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{listed}"));
        let answer = server.send(api("DELETE", &format!("/{noun}/{id}"), &anna)).await;
        assert_eq!(problem(&answer).0, 403, "{noun}");
    }
}

#[tokio::test]
async fn grants_are_listed_and_revoked() {
    let server = start().await;
    let (anna, paula) = (token(&server, "anna").await, token(&server, "paula").await);
    let id = server.account_id("paula").await;
    let listed = server
        .send(api("GET", &format!("/grants?account={id}&client=desk"), &anna))
        .await
        .json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{listed}");
    let path = format!("/grants/{}", items[0]["id"].as_str().unwrap());
    assert_eq!(server.send(api("GET", &path, &anna)).await.json(), items[0]);
    assert_eq!(server.send(api("GET", "/accounts", &paula)).await.status, 403);
    assert_eq!(server.send(api("DELETE", &path, &anna)).await.status, 204);
    assert_eq!(server.send(api("GET", "/accounts", &paula)).await.status, 401);
    assert_eq!(problem(&server.send(api("DELETE", &path, &anna)).await).0, 404);
    let other = server
        .send(api("GET", &format!("/grants?account={id}&client=web"), &anna))
        .await
        .json();
    assert_eq!(other["items"], json!([]));
}
