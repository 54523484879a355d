use serde_json::json;

use super::*;
use crate::scim::schema::{GROUP, MAX_MEMBERS, USER};

fn patched(schema: &'static Schema, operations: &Value) -> Result<Value, ScimError> {
    let start = if schema.name == "User" {
        json!({
            "schemas": [USER.id], "id": "1", "userName": "b", "active": true, "title": "Boss",
            "name": { "familyName": "Jensen", "middleName": "J" },
            "emails": [
                { "value": "b@work.test", "type": "work", "primary": true },
                { "value": "b@home.test", "type": "home" },
            ],
            "groups": [{ "value": "g" }],
        })
    } else {
        json!({
            "schemas": [GROUP.id], "id": "1", "displayName": "Team",
            "members": [{ "value": "a", "display": "A" }, { "value": "b" }, { "value": "c" }],
        })
    };
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let operations = parse(schema, body.as_object().unwrap())?;
    apply(schema, start.as_object().unwrap().clone(), &operations).map(Value::Object)
}

fn user(operations: &Value) -> Result<Value, ScimError> {
    patched(&USER, operations)
}

#[test]
fn users_are_patched() {
    for (operations, pointer, value) in [
        (
            json!([{ "op": "add", "path": "nickName", "value": "Babs" }]),
            "/nickName",
            json!("Babs"),
        ),
        (
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            "/active",
            json!(false),
        ),
        (
            json!([{ "op": "replace", "value": { "active": false } }]),
            "/active",
            json!(false),
        ),
        (
            json!([{ "op": "remove", "path": "title" }]),
            "/title",
            Value::Null,
        ),
        (
            json!([{ "op": "replace", "path": "title", "value": null }]),
            "/title",
            Value::Null,
        ),
        (
            json!([{ "op": "add", "path": "name.givenName", "value": "Barbara" }]),
            "/name",
            json!({ "familyName": "Jensen", "middleName": "J", "givenName": "Barbara" }),
        ),
        (
            json!([{ "op": "replace", "path": "name", "value": { "familyName": "Doe" } }]),
            "/name",
            json!({ "familyName": "Doe", "middleName": "J" }),
        ),
        (
            json!([{ "op": "replace", "value": { "name.familyName": "Doe", "name": { "middleName": null } } }]),
            "/name",
            json!({ "familyName": "Doe" }),
        ),
        (json!([{ "op": "remove", "path": "name" }]), "/name", Value::Null),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@work.test" }]),
            "/emails/0/value",
            json!("new@work.test"),
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
            "/emails",
            json!([{ "value": "b@work.test", "type": "work", "primary": true }]),
        ),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"home\"].value" }]),
            "/emails",
            json!([{ "value": "b@work.test", "type": "work", "primary": true }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
            "/emails",
            json!([{ "value": "b@work.test", "type": "work" }, { "value": "b@home.test", "type": "home", "primary": true }]),
        ),
        (
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "x@x.test", "primary": true }] }]),
            "/emails",
            json!([{ "value": "b@work.test", "type": "work" }, { "value": "b@home.test", "type": "home" },
                { "value": "x@x.test", "primary": true }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails", "value": { "value": "x@x.test" } }]),
            "/emails",
            json!([{ "value": "x@x.test" }]),
        ),
        (
            json!([{ "op": "add", "path": "phoneNumbers[type eq \"work\"].value", "value": "1" }]),
            "/phoneNumbers",
            json!([{ "value": "1", "type": "work" }]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "value": "z@z.test" } }]),
            "/emails/0",
            json!({ "value": "z@z.test" }),
        ),
        (
            json!([{ "op": "add", "path": "externalId", "value": "e" }, { "op": "remove", "path": "externalId" }]),
            "/externalId",
            Value::Null,
        ),
        (
            json!([{ "op": "replace", "value": { "id": "2", "is_admin": true, "schemas": [] } }]),
            "/id",
            Value::Null,
        ),
        (
            json!([{ "op": "add", "path": "title", "value": "A" }, { "op": "add", "path": "title", "value": "B" }]),
            "/title",
            json!("B"),
        ),
    ] {
        let after = user(&operations).unwrap();
        assert_eq!(
            after.pointer(pointer).unwrap_or(&Value::Null),
            &value,
            "{operations}"
        );
        assert!(after.get("groups").is_none() && after.get("is_admin").is_none());
    }
}

#[test]
fn members_come_and_go() {
    for (operations, left) in [
        (
            json!([{ "op": "add", "path": "members", "value": [{ "value": "d" }, { "value": "a" }, { "value": "d" }] }]),
            "abcd",
        ),
        (
            json!([{ "op": "Add", "value": { "members": [{ "value": "d", "$ref": "x", "display": "y" }] } }]),
            "abcd",
        ),
        (
            json!([{ "op": "remove", "path": "members[value eq \"b\"]" }]),
            "ac",
        ),
        (
            json!([{ "op": "remove", "path": "members[value eq \"b\" or value eq \"a\"]" }]),
            "c",
        ),
        (
            json!([{ "op": "remove", "path": "members[value eq \"nobody\"]" }]),
            "abc",
        ),
        (
            json!([{ "op": "Remove", "path": "members", "value": [{ "value": "c" }, { "value": "x" }] }]),
            "ab",
        ),
        (json!([{ "op": "remove", "path": "members" }]), ""),
        (
            json!([{ "op": "replace", "path": "members", "value": [{ "value": "z" }] }]),
            "z",
        ),
        (json!([{ "op": "replace", "value": { "members": [] } }]), ""),
    ] {
        let after = patched(&GROUP, &operations).unwrap();
        let members = after["members"].as_array().cloned().unwrap_or_default();
        let ids: String = members.iter().filter_map(key).collect();
        assert_eq!(ids, left, "{operations}");
    }
}

#[test]
fn values_are_found_after_others_have_come_and_gone() {
    let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    let listed = |id: &str| json!({ "op": "remove", "path": "members", "value": [{ "value": id }] });
    let picked = |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let renamed = json!({ "op": "replace", "path": "displayName", "value": "Crew" });
    for (operations, left) in [
        (json!([picked("a"), add("a")]), "bca"),
        (json!([add("d"), picked("d"), add("e"), picked("b")]), "ace"),
        (json!([picked("b"), listed("b"), add("b"), listed("a")]), "cb"),
        (json!([picked("a"), renamed, add("a"), add("a")]), "bca"),
        (
            json!([
                { "op": "replace", "path": "members", "value": [{ "value": "x" }, { "value": "x" }] },
                picked("x"),
                add("y"),
            ]),
            "y",
        ),
        (
            json!([add("d"), { "op": "remove", "path": "members[value gt \"b\"]" }, add("e")]),
            "abe",
        ),
    ] {
        let after = patched(&GROUP, &operations).unwrap();
        let members = after["members"].as_array().unwrap();
        let ids: String = members.iter().filter_map(key).collect();
        assert_eq!(ids, left, "{operations}");
    }
    let home = json!({ "type": "home", "locality": "Bergen" });
    let after = user(&json!([
        { "op": "add", "path": "addresses", "value": [home, home, { "type": "work", "country": "NO" }] },
        { "op": "remove", "path": "addresses", "value": [home] },
    ]));
    let work = json!([{ "type": "work", "country": "NO" }]);
    assert_eq!(after.unwrap()["addresses"], work);
}

/// The members of the largest group after some operations.
fn crowd(operations: &[Value]) -> Result<usize, ScimError> {
    let members: Vec<Value> = (0..MAX_MEMBERS)
        .map(|id| json!({ "value": id.to_string() }))
        .collect();
    let group = json!({ "schemas": [GROUP.id], "id": "1", "displayName": "All", "members": members });
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    let operations = parse(&GROUP, body.as_object().unwrap())?;
    let after = apply(&GROUP, group.as_object().unwrap().clone(), &operations)?;
    Ok(after["members"].as_array().unwrap().len())
}

#[test]
fn a_thousand_members_of_many_come_or_go_at_once() {
    let each = |operation: &dyn Fn(usize) -> Value| (0..1000).map(operation).collect::<Vec<_>>();
    let value = |id: usize| json!({ "value": id.to_string() });
    let remove = |id: usize| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let add = |id: usize| json!({ "op": "add", "path": "members", "value": [value(id)] });
    let many = each(&value);
    for (operations, left) in [
        (each(&remove), MAX_MEMBERS - 1000),
        (each(&add), MAX_MEMBERS),
        (
            each(&|id| {
                if id % 2 == 0 {
                    remove(id)
                } else {
                    add(MAX_MEMBERS + id)
                }
            }),
            MAX_MEMBERS,
        ),
        (
            vec![json!({ "op": "remove", "path": "members", "value": many })],
            MAX_MEMBERS - 1000,
        ),
    ] {
        assert_eq!(crowd(&operations), Ok(left));
    }
}

#[test]
fn work_has_an_end() {
    let terms = ["not (value eq \"x\")"; 11].join(" and ");
    let long = "x".repeat(64 * 11);
    let remove = |filter: &str| json!({ "op": "remove", "path": format!("members[{filter}]") });
    let replace = json!({ "op": "replace", "path": "members[value eq \"1\"]", "value": { "value": "1" } });
    let rename = json!({ "op": "replace", "path": "displayName", "value": "All" });
    let one = json!({ "op": "add", "path": "members", "value": [{ "value": "1" }] });
    for operations in [
        vec![remove("value sw \"x\""); 11],
        vec![remove(&terms)],
        vec![remove(&format!("value co \"{long}\""))],
        vec![replace.clone(); 11],
        vec![[one, rename]; 11].concat(),
    ] {
        let refused = crowd(&operations).unwrap_err();
        assert_eq!(
            (refused.status, refused.scim_type),
            (400, Some(ScimType::TooMany))
        );
    }
    assert_eq!(crowd(&vec![remove("value sw \"x\""); 10]), Ok(MAX_MEMBERS));
    assert_eq!(crowd(&vec![replace; 10]), Ok(MAX_MEMBERS));
}

#[test]
fn wrong_patches_are_refused_with_their_reason() {
    let many = vec![json!({ "op": "add", "path": "title", "value": "x" }); MAX_OPERATIONS + 1];
    let nested = format!("emails[{}type pr{}]", "(".repeat(40), ")".repeat(40));
    for (operations, reason) in [
        (json!([]), ScimType::InvalidSyntax),
        (json!({}), ScimType::InvalidSyntax),
        (json!([1]), ScimType::InvalidSyntax),
        (
            json!([{ "op": "move", "path": "title" }]),
            ScimType::InvalidSyntax,
        ),
        (json!([{ "op": "add", "path": "title" }]), ScimType::InvalidSyntax),
        (json!([{ "op": "add", "value": "x" }]), ScimType::InvalidSyntax),
        (json!([{ "op": "remove" }]), ScimType::NoTarget),
        (
            json!([{ "op": "add", "path": 7, "value": 1 }]),
            ScimType::InvalidPath,
        ),
        (
            json!([{ "op": "add", "path": "is_admin", "value": true }]),
            ScimType::InvalidPath,
        ),
        (
            json!([{ "op": "add", "path": nested, "value": "x" }]),
            ScimType::InvalidFilter,
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "x" }]),
            ScimType::NoTarget,
        ),
        (
            json!([{ "op": "replace", "path": "id", "value": "x" }]),
            ScimType::Mutability,
        ),
        (
            json!([{ "op": "replace", "path": "meta.created", "value": "x" }]),
            ScimType::Mutability,
        ),
        (
            json!([{ "op": "add", "path": "groups", "value": [{ "value": "admins" }] }]),
            ScimType::Mutability,
        ),
        (
            json!([{ "op": "add", "value": { "roles": [{ "value": "super_admin" }] } }]),
            ScimType::Mutability,
        ),
        (
            json!([{ "op": "replace", "path": "password", "value": "x" }]),
            ScimType::Mutability,
        ),
        (
            json!([{ "op": "replace", "path": "active", "value": "maybe" }]),
            ScimType::InvalidValue,
        ),
        (
            json!([{ "op": "replace", "path": "title", "value": { "a": 1 } }]),
            ScimType::InvalidValue,
        ),
        (
            json!([{ "op": "remove", "path": "userName" }]),
            ScimType::InvalidValue,
        ),
        (
            json!([{ "op": "replace", "path": "userName", "value": "" }]),
            ScimType::InvalidValue,
        ),
        (
            json!([{ "op": "add", "path": "emails.primary", "value": true }]),
            ScimType::InvalidValue,
        ),
        (json!(many), ScimType::TooMany),
    ] {
        let refused = user(&operations).unwrap_err();
        assert_eq!(refused.scim_type, Some(reason), "{operations}: {refused:?}");
    }
    let refused = patched(
        &GROUP,
        &json!([{ "op": "replace", "path": "members.value", "value": "x" }]),
    );
    assert_eq!(refused.unwrap_err().scim_type, Some(ScimType::Mutability));
    let plain = json!({ "Operations": [{ "op": "remove", "path": "title" }] });
    assert!(parse(&USER, plain.as_object().unwrap()).is_err());
}

#[test]
fn hostile_texts_end_quickly_and_change_nothing() {
    let pieces = [
        "(",
        "[",
        "]",
        ")",
        ".",
        "\"",
        "\\",
        "not",
        " and ",
        " or ",
        "emails",
        "value eq ",
        "\u{0}",
        "é",
        "%",
        "'",
    ];
    let mut state = 7_u64;
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..(state % 24) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let piece = usize::try_from(state >> 33).unwrap() % pieces.len();
            text.push_str(pieces[piece]);
        }
        state = state.wrapping_add(1);
        let _ = crate::scim::filter::parse(&USER, &text);
        let patch = json!([{ "op": "replace", "path": text, "value": true }]);
        if let Ok(after) = user(&patch) {
            let known = |name: &String| USER.attribute(name).is_some();
            assert!(after.as_object().unwrap().keys().all(known), "{text}");
        }
    }
}
