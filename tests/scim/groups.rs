//! Groups and their members.

use serde_json::{Value, json};

use super::directory::{Directory, GROUP, encoded, error, group, is};

fn members(group: &Value) -> Vec<String> {
    let all = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = all
        .iter()
        .map(|one| one["value"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_group_is_made_changed_and_removed() {
    let directory = Directory::start().await;
    let (a, b, c) = (
        directory.add_user("ann", &json!({})).await,
        directory.add_user("ben", &json!({})).await,
        directory.add_user("cem", &json!({})).await,
    );
    let mut body = group("Team", &[&a, &b, &a]);
    body["externalId"] = json!("g-1");
    let made = directory.post("/Groups", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.text("id");
    let path = format!("/Groups/{id}");
    assert_eq!(members(&made.json()), sorted(&[&a, &b]));
    assert_eq!(directory.get(&path).await.json(), made.json());
    let user = directory.get(&format!("/Users/{a}")).await.json();
    assert_eq!(user["groups"][0]["display"], "Team");
    assert_eq!(user["groups"][0]["value"], id.as_str());

    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": c, "display": "evil" }, { "value": a }] }]);
    let added = directory.patch(&path, &add).await;
    assert_eq!(members(&added.json()), sorted(&[&a, &b, &c]));
    assert_ne!(added.header("etag"), made.header("etag"));
    let one = json!([{ "op": "remove", "path": format!("members[value eq \"{b}\"]") }]);
    assert_eq!(
        members(&directory.patch(&path, &one).await.json()),
        sorted(&[&a, &c])
    );
    let listed = json!([{ "op": "Remove", "path": "members", "value": [{ "value": c }] }]);
    assert_eq!(
        members(&directory.patch(&path, &listed).await.json()),
        sorted(&[&a])
    );
    let renamed = json!([{ "op": "replace", "value": { "id": id, "displayName": "Crew" } }]);
    assert_eq!(
        directory.patch(&path, &renamed).await.json()["displayName"],
        "Crew"
    );

    let tag = directory.get(&path).await.header("etag").unwrap().to_owned();
    let put = |tag: &str| {
        let body = group("Crew", &[&b]);
        let request = directory.request("PUT", &path, Some(&body));
        request.header("if-match", tag).bearer(&directory.token)
    };
    let replaced = directory.server.send(put(&tag)).await;
    assert_eq!(members(&replaced.json()), sorted(&[&b]));
    assert!(replaced.json().get("externalId").is_none());
    assert_eq!(error(&directory.server.send(put(&tag)).await), is(412, ""));

    assert_eq!(directory.send("DELETE", &path, None).await.status, 204);
    assert_eq!(error(&directory.get(&path).await), is(404, ""));
    assert!(directory.stored(&b).await.is_some());
}

#[tokio::test]
async fn groups_are_found() {
    let directory = Directory::start().await;
    let (a, b) = (
        directory.add_user("ann", &json!({})).await,
        directory.add_user("ben", &json!({})).await,
    );
    let first = directory.add_group("Alpha", &[&a, &b]).await;
    directory.add_group("beta", &[&b]).await;
    directory.add_group("Gamma", &[]).await;
    for (query, names) in [
        (String::new(), vec!["Alpha", "beta", "Gamma"]),
        ("?startIndex=2&count=1".to_owned(), vec!["beta"]),
        (
            "?sortBy=displayName&sortOrder=descending".to_owned(),
            vec!["Gamma", "beta", "Alpha"],
        ),
        (
            format!("?filter={}", encoded("displayName eq \"ALPHA\"")),
            vec!["Alpha"],
        ),
        (
            format!("?filter={}", encoded("displayName co \"a\" and not (members pr)")),
            vec!["Gamma"],
        ),
        (
            format!("?filter={}", encoded(&format!("members.value eq \"{a}\""))),
            vec!["Alpha"],
        ),
        (
            format!("?filter={}", encoded(&format!("members[value eq \"{b}\"]"))),
            vec!["Alpha", "beta"],
        ),
        (
            format!(
                "?filter={}",
                encoded(&format!("id eq \"{first}\" and members eq \"{a}\""))
            ),
            vec!["Alpha"],
        ),
    ] {
        assert_eq!(
            directory.listed(&format!("/Groups{query}"), "displayName").await,
            names,
            "{query}"
        );
    }
    let whole = directory.get("/Groups?count=1").await.json();
    assert_eq!(members(&whole["Resources"][0]), sorted(&[&a, &b]));
    let slim = directory
        .get("/Groups?count=1&excludedAttributes=members")
        .await
        .json();
    assert!(slim["Resources"][0].get("members").is_none());
    assert_eq!(slim["Resources"][0]["meta"], whole["Resources"][0]["meta"]);
}

#[tokio::test]
async fn what_cannot_be_a_group_is_refused() {
    let directory = Directory::start().await;
    let a = directory.add_user("ann", &json!({})).await;
    let id = directory.add_group("Team", &[&a]).await;
    let nobody = "00000000-0000-0000-0000-000000000000";
    let nested =
        json!({ "schemas": [GROUP], "displayName": "x", "members": [{ "value": id, "type": "Group" }] });
    for (body, status, keyword) in [
        (group("TEAM", &[]), 409, "uniqueness"),
        (group("", &[]), 400, "invalidValue"),
        (group(" x", &[]), 400, "invalidValue"),
        (group("x\u{0}", &[]), 400, "invalidValue"),
        (group("x", &["nobody"]), 400, "invalidValue"),
        (group("x", &[nobody]), 400, "invalidValue"),
        (group("x", &[&a, nobody]), 400, "invalidValue"),
        (nested, 400, "invalidValue"),
        (json!({ "displayName": "x" }), 400, "invalidSyntax"),
    ] {
        let answer = directory.post("/Groups", &body).await;
        assert_eq!(error(&answer), is(status, keyword), "{body}");
    }
    let path = format!("/Groups/{id}");
    for operation in [
        json!({ "op": "remove", "path": "displayName" }),
        json!({ "op": "add", "path": "members", "value": [{ "value": nobody }] }),
        json!({ "op": "replace", "path": "members.value", "value": nobody }),
        json!({ "op": "add", "path": "roles", "value": [{ "value": "writer" }] }),
    ] {
        assert_eq!(
            error(&directory.patch(&path, &json!([operation])).await).0,
            400,
            "{operation}"
        );
    }
    assert_eq!(directory.listed("/Groups", "displayName").await, ["Team"]);
    assert_eq!(members(&directory.get(&path).await.json()), [a]);
}

#[tokio::test]
async fn a_member_is_the_same_however_its_identifier_is_written() {
    let directory = Directory::start().await;
    let a = directory.add_user("ann", &json!({})).await;
    for upper in [a.to_uppercase(), format!("urn:uuid:{a}"), a.replace('-', "")] {
        let id = directory.add_group(&format!("Team {upper}"), &[&upper]).await;
        let path = format!("/Groups/{id}");
        assert_eq!(members(&directory.get(&path).await.json()), [a.as_str()]);
        for filter in [
            format!("members[value eq \"{upper}\"]"),
            format!("members.value eq \"{upper}\""),
            format!("members eq \"{upper}\" and id eq \"{}\"", id.to_uppercase()),
        ] {
            let found = format!("/Groups?filter={}", encoded(&filter));
            let named = directory.listed(&found, "id").await;
            assert!(named.contains(&id), "{filter}: {named:?}");
        }
        let user = format!(
            "/Users?filter={}",
            encoded(&format!("groups.value eq \"{}\"", id.to_uppercase()))
        );
        assert_eq!(directory.listed(&user, "id").await, [a.as_str()]);
        for operation in [
            json!({ "op": "remove", "path": format!("members[value eq \"{upper}\"]") }),
            json!({ "op": "remove", "path": "members", "value": [{ "value": upper }] }),
        ] {
            let add =
                json!([{ "op": "add", "path": "members", "value": [{ "value": upper }, { "value": a }] }]);
            let added = directory.patch(&path, &add).await;
            assert_eq!(members(&added.json()), [a.as_str()], "{}", added.body);
            let left = directory.patch(&path, &json!([operation])).await;
            assert_eq!(members(&left.json()), [""; 0], "{operation}: {}", left.body);
        }
    }
}
