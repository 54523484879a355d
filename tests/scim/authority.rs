//! Nobody gives, takes or manages through provisioning what they do not hold.

use std::collections::BTreeSet;

use protocol::role::Role;
use serde_json::{Value, json};

use super::directory::{Directory, USER, account, error, group, is, patch};

async fn send_as(
    directory: &Directory,
    token: &str,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
) -> (u16, String) {
    let request = directory.request(method, path, body).bearer(token);
    let answer = directory.server.send(request).await;
    match answer.status {
        200..=299 => (answer.status, answer.body),
        _ => error(&answer),
    }
}

async fn refusals(directory: &Directory) -> usize {
    let count = async |db: &mut store::Conn| store::audit::list(db, &Default::default(), 1000).await;
    let events = directory.server.running.app.store.read(count).await.unwrap();
    let refused =
        |event: &&store::audit::Event| event.kind == "administration.refused" && event.outcome == "failure";
    events.iter().filter(refused).count()
}

#[tokio::test]
async fn who_holds_more_is_not_touched_and_the_try_is_on_record() {
    let directory = Directory::start().await;
    for name in ["bob", "root"] {
        let id = directory.id_of(name).await;
        let path = format!("/Users/{id}");
        let before = directory.get(&path).await.json();
        let body = json!({ "schemas": [USER], "userName": name, "active": false });
        let off = patch(&json!([{ "op": "replace", "path": "active", "value": false }]));
        let mail = patch(
            &json!([{ "op": "replace", "path": "emails", "value": [{ "value": "evil@corp.example" }] }]),
        );
        for (method, body) in [
            ("PUT", Some(&body)),
            ("PATCH", Some(&off)),
            ("PATCH", Some(&mail)),
            ("DELETE", None),
        ] {
            let answer = directory.send(method, &path, body).await;
            assert_eq!(error(&answer), is(403, ""), "{method} {name}");
        }
        assert_eq!(directory.get(&path).await.json(), before);
    }
    assert_eq!(refusals(&directory).await, 8);
}

#[tokio::test]
async fn a_group_gives_its_roles_at_once_and_takes_them_back() {
    let directory = Directory::start().await;
    let id = directory.add_user("wren", &json!({})).await;
    let group = directory.add_group("writers", &[]).await;
    let path = format!("/Groups/{group}");
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    assert_eq!(directory.patch(&path, &add).await.status, 200);
    assert!(directory.authority(&id).await.holds("books:write"));
    let user = directory.get(&format!("/Users/{id}")).await.json();
    assert_eq!(user["roles"], json!([{ "value": "writer" }]));

    let rename = json!([{ "op": "replace", "path": "displayName", "value": "Readers" }]);
    assert_eq!(directory.patch(&path, &rename).await.status, 200);
    assert!(!directory.authority(&id).await.holds("books:write"));
    let back = json!([{ "op": "replace", "path": "displayName", "value": "Writers" }]);
    assert_eq!(directory.patch(&path, &back).await.status, 200);
    assert!(directory.authority(&id).await.holds("books:write"));
    let remove = json!([{ "op": "remove", "path": "members" }]);
    assert_eq!(directory.patch(&path, &remove).await.status, 200);
    assert!(!directory.authority(&id).await.holds("books:write"));
}

#[tokio::test]
async fn nobody_gives_or_takes_through_groups_what_they_do_not_hold() {
    let directory = Directory::start().await;
    let mallory = directory.add_user("mallory", &json!({})).await;
    let plain = directory.add_group("Plain", &[&mallory]).await;
    let poor = directory.client_token("scim:provision").await;
    let root = directory.root_token().await;
    let (owners, editors, writers) = (
        send_as(&directory, &root, "POST", "/Groups", Some(&group("Owners", &[]))).await,
        send_as(&directory, &root, "POST", "/Groups", Some(&group("Editors", &[]))).await,
        directory.add_group("Writers", &[&mallory]).await,
    );
    let id = |made: &(u16, String)| {
        let made: Value = serde_json::from_str(&made.1).unwrap();
        made["id"].as_str().unwrap().to_owned()
    };
    let (owners, editors) = (id(&owners), id(&editors));
    let add = patch(&json!([{ "op": "add", "path": "members", "value": [{ "value": mallory }] }]));
    let rename = |name: &str| patch(&json!([{ "op": "replace", "path": "displayName", "value": name }]));
    let clear = patch(&json!([{ "op": "remove", "path": "members" }]));
    let directory_token = directory.token.clone();
    for (token, method, path, body) in [
        (
            &directory_token,
            "PATCH",
            format!("/Groups/{owners}"),
            Some(add.clone()),
        ),
        (
            &directory_token,
            "PUT",
            format!("/Groups/{owners}"),
            Some(group("Owners", &[&mallory])),
        ),
        (
            &directory_token,
            "PATCH",
            format!("/Groups/{owners}"),
            Some(rename("Others")),
        ),
        (&directory_token, "DELETE", format!("/Groups/{owners}"), None),
        // It may give books:write, but no more of what editors may do.
        (
            &directory_token,
            "PATCH",
            format!("/Groups/{editors}"),
            Some(add.clone()),
        ),
        (&poor, "PATCH", format!("/Groups/{writers}"), Some(clear)),
        (&poor, "DELETE", format!("/Groups/{writers}"), None),
        (
            &poor,
            "PATCH",
            format!("/Groups/{writers}"),
            Some(rename("Others")),
        ),
        (
            &poor,
            "PATCH",
            format!("/Users/{mallory}"),
            Some(rename("Mallory")),
        ),
    ] {
        let answer = send_as(&directory, token, method, &path, body.as_ref()).await;
        assert_eq!(answer, is(403, ""), "{method} {path} {body:?}");
    }
    // A group that exists does not become a powerful one by its name.
    let gone = send_as(&directory, &root, "DELETE", &format!("/Groups/{owners}"), None).await;
    assert_eq!(gone.0, 204);
    let path = format!("/Groups/{plain}");
    for name in ["Owners", "OWNERS"] {
        let answer = send_as(&directory, &directory_token, "PATCH", &path, Some(&rename(name))).await;
        assert_eq!(answer, is(403, ""), "{name}");
        let made = send_as(
            &directory,
            &directory_token,
            "POST",
            "/Groups",
            Some(&group(name, &[])),
        )
        .await;
        assert_eq!(made, is(403, ""), "{name}");
    }
    let held = directory.authority(&mallory).await;
    assert_eq!(held.permissions, BTreeSet::from(["books:write".to_owned()]));
    assert_eq!(directory.get(&path).await.json()["displayName"], "Plain");
}

#[tokio::test]
async fn nobody_is_put_into_a_group_whose_role_does_not_exist_yet() {
    let directory = Directory::start().await;
    let wren = directory.add_user("wren", &json!({})).await;
    let made = directory.post("/Groups", &group("ghosts", &[])).await;
    assert_eq!(error(&made), is(400, "invalidValue"));
    assert!(made.body.contains("no-such-role"), "{}", made.body);
    let plain = directory.add_group("Plain", &[&wren]).await;
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "Ghosts" }]);
    let renamed = directory.patch(&format!("/Groups/{plain}"), &rename).await;
    assert_eq!(error(&renamed), is(400, "invalidValue"));

    // A group that was there before the configuration named it can be emptied, not filled.
    let id = protocol::id::GroupId(plain.parse().unwrap());
    let name = async move |db: &mut store::Conn| {
        let group = store::groups::find_locked(db, id).await?.unwrap();
        let group = store::groups::Group {
            display_name: "Ghosts".into(),
            ..group
        };
        store::groups::update(db, &group, group.updated_at).await
    };
    directory.server.running.app.store.write(name).await.unwrap();
    let member = json!([{ "value": directory.add_user("jay", &json!({})).await }]);
    let add = json!([{ "op": "add", "path": "members", "value": member }]);
    let filled = directory.patch(&format!("/Groups/{plain}"), &add).await;
    assert_eq!(error(&filled), is(400, "invalidValue"));
    let clear = json!([{ "op": "remove", "path": "members" }]);
    let emptied = directory.patch(&format!("/Groups/{plain}"), &clear).await;
    assert_eq!(emptied.status, 200, "{}", emptied.body);
}

#[tokio::test]
async fn nobody_provisions_themselves() {
    let directory = Directory::start().await;
    let root = directory.root_token().await;
    let path = format!("/Users/{}", directory.id_of("root").await);
    let off = patch(&json!([{ "op": "replace", "path": "active", "value": false }]));
    for (method, body) in [("PATCH", Some(&off)), ("DELETE", None)] {
        let answer = send_as(&directory, &root, method, &path, body).await;
        assert_eq!(answer, is(403, ""), "{method}");
    }
    // Others that hold as much it may shut out.
    let bob = format!("/Users/{}", directory.id_of("bob").await);
    assert_eq!(send_as(&directory, &root, "PATCH", &bob, Some(&off)).await.0, 200);
}

#[tokio::test]
async fn the_last_who_may_do_everything_stays() {
    let directory = Directory::start().await;
    let server = &directory.server;
    // Somebody who may do everything, but only for an hour.
    let passing = server.account_id("alice").await;
    let assignment = store::roles::Assignment {
        role: "super_admin".into(),
        expires_at: Some(server.clock.now() + protocol::time::Lifetime::hours(1)),
        granted_at: server.clock.now(),
        granted_by: None,
    };
    let give = async move |db: &mut store::Conn| store::roles::assign_role(db, passing, &assignment).await;
    server.running.app.store.write(give).await.unwrap();
    let token = directory
        .staff_token("alice", "correct horse battery staple", "openid scim:provision")
        .await;
    let root = directory.id_of("root").await;
    let path = format!("/Users/{root}");
    let off = patch(&json!([{ "op": "replace", "path": "active", "value": false }]));
    for (method, body) in [("PATCH", Some(&off)), ("DELETE", None)] {
        let answer = send_as(&directory, &token, method, &path, body).await;
        assert_eq!(answer, is(409, ""), "{method}");
    }
    assert!(
        directory
            .stored(&root)
            .await
            .is_some_and(|account| !account.disabled)
    );

    // The same through a group that carries everything, which nobody fills who holds that only for an hour.
    let filled = group("Owners", &[&root]);
    let refused = send_as(&directory, &token, "POST", "/Groups", Some(&filled)).await;
    assert_eq!(refused, is(403, ""));
    let made = send_as(
        &directory,
        &directory.root_token().await,
        "POST",
        "/Groups",
        Some(&filled),
    )
    .await;
    let made: Value = serde_json::from_str(&made.1).unwrap();
    let owners = format!("/Groups/{}", made["id"].as_str().unwrap());
    let id = account(&root);
    let join = patch(&json!([{ "op": "add", "path": "members", "value": [{ "value": passing }] }]));
    let joined = send_as(&directory, &token, "PATCH", &owners, Some(&join)).await;
    assert_eq!(joined, is(403, ""));
    let mail =
        patch(&json!([{ "op": "replace", "path": "emails", "value": [{ "value": "alice@evil.test" }] }]));
    let moved = send_as(&directory, &token, "PATCH", &path, Some(&mail)).await;
    assert_eq!(moved, is(403, ""));
    let strip = async move |db: &mut store::Conn| store::roles::unassign_role(db, id, "super_admin").await;
    assert!(server.running.app.store.write(strip).await.unwrap());
    let clear = patch(&json!([{ "op": "remove", "path": "members" }]));
    let rename = patch(&json!([{ "op": "replace", "path": "displayName", "value": "Others" }]));
    for (method, path, body) in [
        ("PATCH", &owners, Some(&clear)),
        ("PATCH", &owners, Some(&rename)),
        ("DELETE", &owners, None),
        ("PATCH", &path, Some(&off)),
        ("DELETE", &path, None),
    ] {
        let answer = send_as(&directory, &token, method, path, body).await;
        assert_eq!(answer, is(409, ""), "{method} {path}");
    }
    assert!(directory.authority(&root).await.holds("*"));
}

#[tokio::test]
async fn the_mailbox_of_the_last_one_is_not_taken_away() {
    const ZED: &str =
        "[[account]]\nusername = \"zed\"\nemail = \"zed@example.test\"\nroles = [\"super_admin\"]\n";
    let directory = Directory::start().await;
    let server = &directory.server;
    server.apply(ZED).await;
    let token = directory.keeper_token().await;
    let zed = format!("/Users/{}", directory.id_of("zed").await);
    let nothing = patch(&json!([{ "op": "remove", "path": "emails" }]));
    let root = server.account_id("root").await;
    let strip = async move |db: &mut store::Conn| store::roles::unassign_role(db, root, "super_admin").await;
    assert!(server.running.app.store.write(strip).await.unwrap());
    let refused = send_as(&directory, &token, "PATCH", &zed, Some(&nothing)).await;
    assert_eq!(refused, is(409, ""));
    server
        .apply("[[account]]\nusername = \"root\"\nroles = [\"super_admin\"]\n")
        .await;
    let taken = send_as(&directory, &token, "PATCH", &zed, Some(&nothing)).await;
    assert_eq!(taken.0, 200, "{}", taken.1);
}

#[tokio::test]
async fn groups_carry_what_the_configuration_says_when_a_server_starts() {
    let directory = Directory::start().await;
    let id = directory.add_user("wren", &json!({})).await;
    directory.add_group("Writers", &[&id]).await;
    directory.add_group("Plain", &[&id]).await;
    let role = Role {
        name: "late".into(),
        permissions: BTreeSet::from(["late:act".to_owned()]),
        ..Role::default()
    };
    let add = async move |db: &mut store::Conn| store::roles::upsert_role(db, &role, None).await;
    directory.server.running.app.store.write(add).await.unwrap();
    let mut config = directory.server.config.clone();
    config.scim.group_roles = [("plain".to_owned(), vec!["late".to_owned()])].into();
    let again = chancery::server::Server::start_at(config, directory.server.clock.clone())
        .await
        .unwrap();
    let held = directory.authority(&id).await;
    assert_eq!(held.roles, BTreeSet::from(["late".to_owned()]));
    again.shutdown().await;
}
