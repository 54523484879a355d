//! Patches as large directories send them (RFC 7644 §3.5.2).

use serde_json::{Value, json};

use super::directory::{Directory, error, is};

#[tokio::test]
async fn the_habits_of_large_directories_are_understood() {
    let directory = Directory::start().await;
    let id = directory
        .add_user(
            "pat@corp.example",
            &json!({ "name": { "givenName": "Pat" }, "title": "Boss" }),
        )
        .await;
    let path = format!("/Users/{id}");
    for (operations, pointer, value) in [
        (
            json!([{ "op": "Add", "path": "name.familyName", "value": "Doe" }]),
            "/name/familyName",
            json!("Doe"),
        ),
        (
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            "/active",
            json!(false),
        ),
        (
            json!([{ "op": "replace", "value": { "active": true, "displayName": "Pat D" } }]),
            "/displayName",
            json!("Pat D"),
        ),
        (
            json!([{ "op": "replace", "value": { "name.givenName": "Patricia" } }]),
            "/name/givenName",
            json!("Patricia"),
        ),
        (
            json!([{ "op": "Add", "path": "emails[type eq \"work\"].value", "value": "pd@corp.example" },
                   { "op": "Add", "path": "emails[type eq \"work\"].primary", "value": "True" }]),
            "/emails",
            json!([{ "value": "pd@corp.example", "type": "work", "primary": true }]),
        ),
        (
            json!([{ "op": "Replace", "path": "phoneNumbers", "value": [{ "value": "1", "type": "mobile" }] }]),
            "/phoneNumbers/0/value",
            json!("1"),
        ),
        (
            json!([{ "op": "Remove", "path": "phoneNumbers[type eq \"mobile\"]" }]),
            "/phoneNumbers",
            Value::Null,
        ),
        (
            json!([{ "op": "remove", "path": "title" }]),
            "/title",
            Value::Null,
        ),
        (
            json!([{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:externalId", "value": "7" }]),
            "/externalId",
            json!("7"),
        ),
        (
            json!([{ "op": "replace", "path": "userName", "value": "patricia" }]),
            "/userName",
            json!("patricia"),
        ),
    ] {
        let answer = directory.patch(&path, &operations).await;
        assert_eq!(answer.status, 200, "{operations}: {}", answer.body);
        let shown = directory.get(&path).await.json();
        assert_eq!(answer.json(), shown);
        assert_eq!(
            shown.pointer(pointer).unwrap_or(&Value::Null),
            &value,
            "{operations}"
        );
    }
}

#[tokio::test]
async fn a_patch_of_which_a_part_is_wrong_changes_nothing() {
    let directory = Directory::start().await;
    let id = directory.add_user("whole", &json!({ "title": "Boss" })).await;
    let path = format!("/Users/{id}");
    let before = directory.get(&path).await.json();
    let good = json!({ "op": "replace", "path": "title", "value": "Changed" });
    for (bad, keyword) in [
        (json!({ "op": "explode" }), "invalidSyntax"),
        (json!({ "op": "remove" }), "noTarget"),
        (
            json!({ "op": "replace", "path": "is_admin", "value": true }),
            "invalidPath",
        ),
        (
            json!({ "op": "replace", "path": "emails[", "value": "x" }),
            "invalidFilter",
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"none\"].value", "value": "x@y.test" }),
            "noTarget",
        ),
        (
            json!({ "op": "replace", "path": "id", "value": "x" }),
            "mutability",
        ),
        (
            json!({ "op": "add", "path": "roles", "value": [{ "value": "super_admin" }] }),
            "mutability",
        ),
        (
            json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }),
            "mutability",
        ),
        (
            json!({ "op": "replace", "path": "password", "value": "a new password of some length" }),
            "mutability",
        ),
        (
            json!({ "op": "add", "value": { "roles": [{ "value": "super_admin" }] } }),
            "mutability",
        ),
        (json!({ "op": "remove", "path": "userName" }), "invalidValue"),
        (
            json!({ "op": "replace", "path": "active", "value": "perhaps" }),
            "invalidValue",
        ),
        (
            json!({ "op": "replace", "path": "displayName", "value": "\u{0}" }),
            "invalidValue",
        ),
    ] {
        let answer = directory.patch(&path, &json!([good, bad])).await;
        assert_eq!(error(&answer), is(400, keyword), "{bad}");
    }
    assert_eq!(directory.get(&path).await.json(), before);
}

#[tokio::test]
async fn a_patch_that_asks_for_too_much_is_refused() {
    let directory = Directory::start().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(directory.add_user(&format!("user-{number}"), &json!({})).await);
    }
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let group = directory.add_group("Team", &members).await;
    let path = format!("/Groups/{group}");
    let before = directory.get(&path).await.json();

    let terms = vec!["value sw \"x\""; 64].join(" or ");
    let costly = json!({ "op": "remove", "path": format!("members[{terms}]") });
    let title = json!({ "op": "replace", "path": "displayName", "value": "Team" });
    for operations in [vec![costly; 40], vec![title; 1001]] {
        let answer = directory.patch(&path, &json!(operations)).await;
        assert_eq!(error(&answer), is(400, "tooMany"));
    }
    assert_eq!(directory.get(&path).await.json(), before);

    let each: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
        .collect();
    let answer = directory.patch(&path, &json!(each)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json().get("members").is_none());
}
