//! The admin API for things and the permissions on them: nobody gives what they do not hold.

use serde_json::{Value, json};
use store::Conn;

use super::{ALICE, CAROL, assign, library, own, question, reason, token, token_of};
use crate::support::{Answer, Request, Server};

const DOC: &str = "/api/admin/v1/resources/docs/1";

async fn send(server: &Server, method: &'static str, path: &str, token: &str, body: Option<Value>) -> Answer {
    let request = Request::new(method, path).bearer(token);
    let request = match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(body.to_string()),
        None => request,
    };
    server.send(request).await
}

/// The kinds of the newest events about things.
async fn events(server: &Server) -> Vec<String> {
    let list = async |db: &mut Conn| store::audit::list(db, &store::audit::Filter::default(), 100).await;
    let events = server.running.app.store.read(list).await.unwrap();
    let mut kinds: Vec<_> = events
        .into_iter()
        .filter(|event| event.detail["type"] == "docs" || event.kind == "administration.refused")
        .map(|event| event.kind)
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn a_service_keeps_the_owners_of_its_things() {
    let server = library().await;
    let keeps = token(&server, "asking", "access:read access:write docs").await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let (alice, carol) = (server.account_id("alice").await, server.account_id("carol").await);
    let (as_alice, as_carol) = (
        question("alice", "read", ("docs", "1")),
        question("carol", "read", ("docs", "1")),
    );

    assert_eq!(send(&server, "GET", DOC, &keeps, None).await.status, 404);
    let made = send(&server, "PUT", DOC, &keeps, Some(json!({ "owner": alice }))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(reason(&server, &asks, &as_alice).await, "owner");
    let shown = send(&server, "GET", DOC, &keeps, None).await;
    let at = server.clock.now();
    assert_eq!(
        shown.json(),
        json!({ "type": "docs", "id": "1", "owner": alice, "created_at": at, "updated_at": at })
    );
    assert_eq!(shown.header("etag"), made.header("etag"));

    let moved = send(&server, "PUT", DOC, &keeps, Some(json!({ "owner": carol }))).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    assert_eq!(reason(&server, &asks, &as_alice).await, "none");
    assert_eq!(reason(&server, &asks, &as_carol).await, "owner");

    let path = format!("{DOC}/permissions/{alice}/read");
    let given = send(
        &server,
        "PUT",
        &path,
        &keeps,
        Some(json!({ "expires_at": at.0 + 60 })),
    )
    .await;
    assert_eq!(given.status, 403, "holding docs:* is not holding docs:read");
    let everything = format!("{DOC}/permissions/{alice}/docs:*");
    let given = send(&server, "PUT", &everything, &keeps, Some(json!({}))).await;
    assert_eq!(given.status, 200, "{}", given.body);
    let listed = send(&server, "GET", &format!("{DOC}/permissions"), &keeps, None).await;
    assert_eq!(listed.json()["items"][0]["permission"], "docs:*");
    assert_eq!(listed.json()["items"][0]["granted_by"], "client:asking");

    assert_eq!(send(&server, "DELETE", DOC, &keeps, None).await.status, 204);
    assert_eq!(reason(&server, &asks, &as_carol).await, "none");
    assert_eq!(send(&server, "DELETE", DOC, &keeps, None).await.status, 404);
    assert_eq!(
        events(&server).await,
        [
            "administration.refused",
            "resource.created",
            "resource.deleted",
            "resource.owner_changed",
            "resource.permission_granted",
        ]
    );
}

#[tokio::test]
async fn nobody_gives_or_takes_what_they_do_not_hold_unless_they_own_the_thing() {
    let server = library().await;
    let (alice, carol) = (server.account_id("alice").await, server.account_id("carol").await);
    let carols = token_of(&server, "carol", CAROL, "access:read access:write").await;
    let asks = token(&server, "asking", "access:evaluate").await;
    own(&server, ("books", "1"), Some(alice)).await;
    own(&server, ("books", "2"), Some(carol)).await;
    own(&server, ("books", "3"), None).await;
    let at = |id: &str, rest: &str| format!("/api/admin/v1/resources/books/{id}{rest}");
    let permission = |id: &str, account, name: &str| at(id, &format!("/permissions/{account}/{name}"));

    for (method, path, body, status) in [
        // What she holds everywhere she may give on anything.
        ("PUT", permission("1", alice, "read"), Some(json!({})), 200),
        ("PUT", permission("1", alice, "books:write"), Some(json!({})), 200),
        ("PUT", permission("1", alice, "burn"), Some(json!({})), 403),
        ("PUT", permission("1", carol, "burn"), Some(json!({})), 403),
        ("PUT", permission("1", carol, "*"), Some(json!({})), 403),
        (
            "PUT",
            permission("1", carol, "accounts:read"),
            Some(json!({})),
            403,
        ),
        ("DELETE", permission("1", alice, "read"), None, 204),
        ("DELETE", permission("1", alice, "read"), None, 404),
        // What is hers is hers.
        ("PUT", permission("2", alice, "burn"), Some(json!({})), 200),
        ("PUT", permission("2", alice, "*"), Some(json!({})), 200),
        ("DELETE", permission("2", alice, "*"), None, 204),
        ("PUT", at("2", ""), Some(json!({ "owner": alice })), 200),
        ("PUT", at("2", ""), Some(json!({ "owner": carol })), 403),
        ("DELETE", permission("2", alice, "burn"), None, 403),
        ("DELETE", at("2", ""), None, 403),
        // To own is to hold everything.
        ("PUT", at("1", ""), Some(json!({ "owner": carol })), 403),
        ("PUT", at("1", ""), Some(json!({ "owner": null })), 403),
        ("PUT", at("3", ""), Some(json!({ "owner": carol })), 403),
        ("PUT", at("new", ""), Some(json!({ "owner": carol })), 403),
        ("PUT", at("new", ""), Some(json!({ "owner": null })), 201),
        ("PUT", at("new", ""), Some(json!({ "owner": null })), 200),
        ("DELETE", at("new", ""), None, 204),
        ("DELETE", at("1", ""), None, 403),
    ] {
        let answer = send(&server, method, &path, &carols, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {path} {body:?}: {}", answer.body);
    }
    // What was refused changed nothing, and what was given counts.
    for (subject, action, id, expected) in [
        ("carol", "burn", "1", "none"),
        ("alice", "burn", "1", "owner"),
        ("carol", "burn", "2", "none"),
        ("carol", "burn", "3", "none"),
        ("carol", "burn", "new", "none"),
    ] {
        let asked = question(subject, action, ("books", id));
        assert_eq!(reason(&server, &asks, &asked).await, expected, "{asked}");
    }

    assign(&server, alice, "super_admin", None).await;
    let alices = token_of(&server, "alice", ALICE, "access:read access:write").await;
    let owner = Some(json!({ "owner": carol }));
    assert_eq!(
        send(&server, "PUT", &at("1", ""), &alices, owner).await.status,
        200
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let server = library().await;
    let alice = server.account_id("alice").await;
    let keeps = token(&server, "asking", "access:read access:write docs").await;
    let reads = token(&server, "asking", "access:read docs").await;
    own(&server, ("docs", "1"), Some(alice)).await;
    let nobody = "00000000-0000-0000-0000-000000000001";
    let long = format!("/api/admin/v1/resources/docs/{}", "x".repeat(600));
    let permission = |account: &str, name: &str| format!("{DOC}/permissions/{account}/{name}");
    let alices = alice.to_string();
    let owner = json!({ "owner": alice });
    for (path, body, status) in [
        (DOC.to_owned(), json!({}), 400),
        (DOC.to_owned(), json!({ "owner": alice, "kind": "x" }), 400),
        (DOC.to_owned(), json!({ "owner": "alice" }), 400),
        (DOC.to_owned(), json!({ "owner": nobody }), 404),
        (long, owner.clone(), 400),
        ("/api/admin/v1/resources/do%0Acs/1".to_owned(), owner.clone(), 400),
        (permission(nobody, "docs:*"), json!({}), 404),
        (permission("alice", "docs:*"), json!({}), 404),
        (permission(&alices, "docs:*"), json!({ "expires_at": 5 }), 400),
        (permission(&alices, "docs:*"), json!({ "until": 5 }), 400),
        (permission(&alices, "a%20b"), json!({}), 400),
        (
            format!("/api/admin/v1/resources/docs/2/permissions/{alices}/docs:*"),
            json!({}),
            404,
        ),
    ] {
        let answer = send(&server, "PUT", &path, &keeps, Some(body.clone())).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        assert_eq!(
            send(&server, "PUT", &path, &reads, Some(body)).await.status,
            403,
            "{path}"
        );
    }
    let listed = send(&server, "GET", &format!("{DOC}/permissions"), &reads, None).await;
    assert_eq!(listed.json()["items"], json!([]));
    let stale = Request::new("PUT", DOC)
        .bearer(&keeps)
        .header("content-type", "application/json")
        .header("if-match", "\"old\"")
        .body(json!({ "owner": null }).to_string());
    assert_eq!(server.send(stale).await.status, 412);
    let shown = send(&server, "GET", DOC, &reads, None).await;
    assert_eq!(shown.json()["owner"], json!(alice));
}
