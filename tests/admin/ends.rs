//! What somebody holds for a time they pass on for that time at most, in whatever way.

use serde_json::{Value, json};

use super::{api, path, problem, shown, start, token, with_json};
use crate::support::{Answer, Server};

/// `paula` may do everything for an hour: her token, and when it is over.
async fn for_an_hour(server: &Server) -> (String, i64) {
    let end = server.clock.now().0 + 3600;
    let root = token(server, "root").await;
    let target = format!("{}/roles/super_admin", path(server, "paula").await);
    let given = with_json("PUT", &target, &root, &json!({ "expires_at": end }));
    assert_eq!(server.send(given).await.status, 204);
    (token(server, "paula").await, end)
}

/// Checks that a refusal says which permission ends, and when.
fn outlasts(answer: &Answer, end: i64, what: &str) {
    let (status, body) = problem(answer);
    assert_eq!((status, &body["until"]), (403, &json!(end)), "{what}: {body}");
    assert!(body["permission"].is_string(), "{what}: {body}");
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("only until") && detail.contains("somebody who holds it for longer"),
        "{what}"
    );
}

#[tokio::test]
async fn what_is_held_for_a_time_is_given_until_then_at_the_latest() {
    let server = start().await;
    let (paula, end) = for_an_hour(&server).await;
    let moderator = format!("{}/roles/moderator", path(&server, "vera").await);
    for body in [json!({}), json!({ "expires_at": end + 1 })] {
        let answer = server.send(with_json("PUT", &moderator, &paula, &body)).await;
        outlasts(&answer, end, &body.to_string());
    }
    for expires_at in [end - 1, end] {
        let body = json!({ "expires_at": expires_at });
        let answer = server.send(with_json("PUT", &moderator, &paula, &body)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
    let own = path(&server, "paula").await;
    let vera = path(&server, "vera").await;
    let draft = json!({ "username": "new", "delivery": "none", "roles": ["moderator"] });
    for (request, what) in [
        (
            with_json("PUT", &format!("{own}/roles/super_admin"), &paula, &json!({})),
            "her own role",
        ),
        (
            api("PUT", &format!("{own}/permissions/keys:read"), &paula),
            "her own permission",
        ),
        (
            api("PUT", &format!("{vera}/permissions/books:write"), &paula),
            "another's",
        ),
        (
            with_json("POST", "/accounts", &paula, &draft),
            "an account with a role",
        ),
    ] {
        outlasts(&server.send(request).await, end, what);
    }
    assert_eq!(shown(&server, "paula").await["roles"][0]["expires_at"], end);
    // What she holds for good as well she gives for good.
    let root = token(&server, "root").await;
    for (giver, target) in [(&root, &own), (&paula, &vera)] {
        let request = api("PUT", &format!("{target}/permissions/books:write"), giver);
        assert_eq!(server.send(request).await.status, 204);
    }
}

#[tokio::test]
async fn what_lasts_takes_nothing_that_is_held_for_a_time() {
    let server = start().await;
    let root = token(&server, "root").await;
    let robot =
        json!({ "client_id": "robot", "grant_types": ["client_credentials"], "scope": "accounts:read" });
    let made = server.send(with_json("POST", "/clients", &root, &robot)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (paula, end) = for_an_hour(&server).await;
    let send =
        async |method, path: &str, body: &Value| server.send(with_json(method, path, &paula, body)).await;
    let another =
        json!({ "client_id": "other", "grant_types": ["client_credentials"], "scope": "keys:read" });
    let trusted = json!({
        "name": "corp", "issuer": "https://corp.example", "client_id": "us", "client_secret": "s",
        "trusted_email_domains": ["corp.example"],
    });
    let librarian = json!({
        "permissions": ["accounts:read", "accounts:write", "books:write", "keys:read", "roles:assign"],
    });
    let anna = path(&server, "anna").await;
    for (method, path, body) in [
        (
            "POST",
            "/roles",
            json!({ "name": "mine", "permissions": ["books:write"] }),
        ),
        ("PATCH", "/roles/librarian", librarian),
        (
            "POST",
            "/scopes",
            json!({ "name": "books:burn", "requires": ["books:write"] }),
        ),
        (
            "PATCH",
            "/scopes/books:read",
            json!({ "requires": ["books:write"] }),
        ),
        ("PATCH", "/scopes/books:write", json!({ "requires": [] })),
        ("DELETE", "/scopes/books:write", json!({})),
        ("POST", "/clients", another),
        ("PATCH", "/clients/robot", json!({ "client_name": "Mine" })),
        ("POST", "/clients/robot/rotate-secret", json!({})),
        ("POST", "/upstreams", trusted),
        ("PATCH", &anna, json!({ "email": "paula@example.test.evil" })),
    ] {
        outlasts(
            &send(method, path, &body).await,
            end,
            &format!("{method} {path} {body}"),
        );
    }
    // What gives nobody anything is hers to do, and so is taking.
    for (method, path, body, status) in [
        ("POST", "/roles", json!({ "name": "mine" }), 201),
        (
            "PATCH",
            "/roles/librarian",
            json!({ "permissions": ["books:write"] }),
            200,
        ),
        (
            "PATCH",
            "/roles/librarian",
            json!({ "description": "Books" }),
            200,
        ),
        (
            "PATCH",
            "/scopes/books:write",
            json!({ "description": "Books" }),
            200,
        ),
        ("PATCH", &anna, json!({ "claims": { "nickname": "Ann" } }), 200),
        ("POST", "/clients/robot/disable", json!({}), 200),
        ("POST", &format!("{anna}/disable"), json!({}), 204),
    ] {
        let answer = send(method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    // Whom she shut she does not let in again: it may be herself by another name.
    for (method, path, body) in [
        ("POST", "/clients/robot/enable", json!({})),
        ("POST", &format!("{anna}/enable"), json!({})),
        ("PATCH", &anna, json!({ "disabled": false })),
        ("DELETE", &format!("{anna}/factors"), json!({})),
    ] {
        let what = format!("{method} {path}");
        outlasts(&send(method, path, &body).await, end, &what);
    }
    let gone = send("DELETE", "/clients/robot", &json!({})).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
}

#[tokio::test]
async fn a_thing_gets_no_owner_and_no_permission_that_outlasts_who_gives_it() {
    let server = start().await;
    let (paula, end) = for_an_hour(&server).await;
    let vera = server.account_id("vera").await;
    let put = async |path: &str, body: Value| server.send(with_json("PUT", path, &paula, &body)).await;
    let thing = "/resources/docs/1";
    assert_eq!(put(thing, json!({ "owner": null })).await.status, 201);
    outlasts(&put(thing, json!({ "owner": vera })).await, end, "an owner");
    let permission = format!("{thing}/permissions/{vera}/docs:read");
    outlasts(&put(&permission, json!({})).await, end, "a permission");
    let later = json!({ "expires_at": end + 1 });
    outlasts(&put(&permission, later).await, end, "a longer permission");
    let given = put(&permission, json!({ "expires_at": end })).await;
    assert_eq!(given.status, 200, "{}", given.body);
}
