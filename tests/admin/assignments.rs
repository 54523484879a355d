//! Roles and permissions of accounts: nobody gives more than they hold, and somebody who may do everything remains.

use protocol::time::Lifetime;
use serde_json::json;

use super::{PASSWORD, api, path, problem, shown, start, token, with_json};
use crate::support::Server;

async fn give(server: &Server, token: &str, account: &str, role: &str) -> u16 {
    let target = format!("{}/roles/{role}", path(server, account).await);
    server
        .send(with_json("PUT", &target, token, &json!({})))
        .await
        .status
}

async fn take(server: &Server, token: &str, account: &str, role: &str) -> u16 {
    let target = format!("{}/roles/{role}", path(server, account).await);
    server.send(api("DELETE", &target, token)).await.status
}

/// Another who holds everything, for good or for a day.
async fn second(server: &Server, expires: bool) -> String {
    server
        .apply(&format!(
            "[[account]]\nusername = \"second\"\nemail = \"second@example.test\"\npassword = \"{PASSWORD}\"\n"
        ))
        .await;
    let root = token(server, "root").await;
    let body = match expires {
        true => json!({ "expires_at": server.clock.now().0 + 86_400 }),
        false => json!({}),
    };
    let target = format!("{}/roles/super_admin", path(server, "second").await);
    assert_eq!(
        server.send(with_json("PUT", &target, &root, &body)).await.status,
        204
    );
    token(server, "second").await
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_hold() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    for role in ["super_admin", "librarian", "editor"] {
        assert_eq!(give(&server, &anna, "paula", role).await, 403, "{role}");
    }
    assert_eq!(give(&server, &anna, "paula", "nothing").await, 404);
    let target = path(&server, "paula").await;
    for permission in ["*", "books:write", "keys:rotate"] {
        let request = api("PUT", &format!("{target}/permissions/{permission}"), &anna);
        assert_eq!(server.send(request).await.status, 403, "{permission}");
    }
    for roles in [json!(["super_admin"]), json!(["user", "librarian"])] {
        let draft = json!({ "username": "new", "delivery": "none", "roles": roles });
        let answer = server.send(with_json("POST", "/accounts", &anna, &draft)).await;
        assert_eq!(problem(&answer).0, 403, "{}", answer.body);
    }
    assert_eq!(give(&server, &anna, "paula", "moderator").await, 204);
    let request = api("PUT", &format!("{target}/permissions/keys:read"), &anna);
    assert_eq!(server.send(request).await.status, 204);
    let roles = shown(&server, "paula").await["roles"].clone();
    let names: Vec<_> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|held| held["role"].clone())
        .collect();
    assert_eq!(names, [json!("moderator"), json!("user")]);
}

#[tokio::test]
async fn nobody_gives_themselves_a_role() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    for role in ["super_admin", "moderator", "user", "librarian"] {
        assert_eq!(give(&server, &anna, "anna", role).await, 403, "{role}");
    }
    let target = path(&server, "anna").await;
    let request = api("PUT", &format!("{target}/permissions/keys:read"), &anna);
    assert_eq!(server.send(request).await.status, 403);
    assert_eq!(shown(&server, "anna").await["roles"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_role_with_an_end_is_held_until_then() {
    let server = start().await;
    let root = token(&server, "root").await;
    let target = format!("{}/roles/viewer", path(&server, "paula").await);
    let end = server.clock.now().0 + 120;
    for bad in [
        json!({ "expires_at": server.clock.now().0 }),
        json!({ "expires_at": "soon" }),
        json!({ "until": end }),
    ] {
        assert_eq!(
            problem(&server.send(with_json("PUT", &target, &root, &bad)).await).0,
            400,
            "{bad}"
        );
    }
    let given = server
        .send(with_json("PUT", &target, &root, &json!({ "expires_at": end })))
        .await;
    assert_eq!(given.status, 204, "{}", given.body);
    let paula = token(&server, "paula").await;
    assert_eq!(server.send(api("GET", "/accounts", &paula)).await.status, 200);
    server.advance(Lifetime::seconds(121));
    assert_eq!(server.send(api("GET", "/accounts", &paula)).await.status, 403);
}

#[tokio::test]
async fn who_is_demoted_acts_no_more_with_the_token_they_have() {
    let server = start().await;
    let (root, anna) = (token(&server, "root").await, token(&server, "anna").await);
    assert_eq!(server.send(api("GET", "/accounts", &anna)).await.status, 200);
    assert_eq!(take(&server, &root, "anna", "admin").await, 204);
    assert_eq!(server.send(api("GET", "/accounts", &anna)).await.status, 403);
    assert_eq!(take(&server, &root, "anna", "admin").await, 404);
}

#[tokio::test]
async fn every_permission_is_shown_with_the_way_to_it() {
    let server = start().await;
    let root = token(&server, "root").await;
    let target = path(&server, "paula").await;
    assert_eq!(give(&server, &root, "paula", "editor").await, 204);
    let own = api("PUT", &format!("{target}/permissions/books:write"), &root);
    assert_eq!(server.send(own).await.status, 204);
    let all = shown(&server, "paula").await["effective_permissions"].clone();
    let write = all
        .as_array()
        .unwrap()
        .iter()
        .find(|held| held["permission"] == "books:write")
        .unwrap();
    let ways: Vec<_> = write["through"]
        .as_array()
        .unwrap()
        .iter()
        .map(|way| way["role"].clone())
        .collect();
    assert_eq!(ways, [json!(null), json!("editor")]);
    let gone = api("DELETE", &format!("{target}/permissions/books:write"), &root);
    assert_eq!(server.send(gone.clone()).await.status, 204);
    assert_eq!(server.send(gone).await.status, 404);
}

#[tokio::test]
async fn the_last_who_may_do_everything_stays() {
    let server = start().await;
    // Who holds everything for a while is not enough.
    let second = second(&server, true).await;
    let target = path(&server, "root").await;
    let soon = json!({ "expires_at": server.clock.now().0 + 60 });
    for request in [
        api("POST", &format!("{target}/disable"), &second),
        with_json("PATCH", &target, &second, &json!({ "disabled": true })),
        api("DELETE", &target, &second),
        api("DELETE", &format!("{target}/roles/super_admin"), &second),
        with_json("PUT", &format!("{target}/roles/super_admin"), &second, &soon),
    ] {
        let answer = server.send(request).await;
        assert_eq!(problem(&answer).0, 409, "{}", answer.body);
    }
    let root = shown(&server, "root").await;
    assert_eq!(
        (&root["state"], &root["roles"][0]["expires_at"]),
        (&json!("active"), &json!(null))
    );
    let permanent = with_json(
        "PUT",
        &format!("{}/roles/super_admin", path(&server, "second").await),
        &second,
        &json!({}),
    );
    assert_eq!(server.send(permanent).await.status, 403);
    let root = token(&server, "root").await;
    assert_eq!(give(&server, &root, "second", "super_admin").await, 204);
    assert_eq!(take(&server, &second, "root", "super_admin").await, 204);
    assert_eq!(take(&server, &second, "second", "super_admin").await, 409);
}

#[tokio::test]
async fn of_two_who_remove_one_another_one_remains() {
    let server = start().await;
    let second = second(&server, false).await;
    let root = token(&server, "root").await;
    let (one, other) = tokio::join!(
        take(&server, &root, "second", "super_admin"),
        take(&server, &second, "root", "super_admin"),
    );
    let mut both = [one, other];
    both.sort_unstable();
    // Whoever comes second is refused: by the rule, or because they hold nothing any more.
    assert!(both == [204, 409] || both == [204, 403], "{both:?}");
    let any = async |db: &mut store::Conn| store::administrators::any(db).await;
    assert!(server.running.app.store.read(any).await.unwrap());
}
