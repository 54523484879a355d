//! Users: made, replaced, shut and removed.

use serde_json::{Value, json};

use super::directory::{Directory, USER, account, error, is, patch};
use crate::support::{Browser, Request};

#[tokio::test]
async fn a_user_is_made_and_shown_without_secrets() {
    let directory = Directory::start().await;
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "externalId": "701984",
        "name": { "formatted": "Ms. Barbara J Jensen", "familyName": "Jensen", "givenName": "Barbara" },
        "displayName": "Babs Jensen", "title": "Tour Guide", "active": true,
        "emails": [{ "value": "bjensen@corp.example", "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": "555-555-8377", "type": "work" }],
        "password": "a first password of some length",
        "id": "00000000-0000-0000-0000-000000000000", "roles": [{ "value": "super_admin" }],
        "groups": [{ "value": "admins" }], "is_admin": true, "email_verified": true, "tenant_id": 1,
        "meta": { "created": "1970-01-01T00:00:00Z" },
    });
    let made = directory.post("/Users", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.text("id");
    let location = format!("http://localhost:8080/scim/v2/Users/{id}");
    assert_eq!(made.header("location"), Some(location.as_str()));
    assert!(made.header("etag").unwrap().starts_with("W/\""));
    assert!(!made.body.contains("password") && !made.body.contains("argon2"));

    let shown = directory.get(&format!("/Users/{id}")).await;
    assert_eq!(shown.json(), made.json());
    assert_eq!(shown.header("etag"), made.header("etag"));
    let mut expected = body.clone();
    let members = expected.as_object_mut().unwrap();
    for name in [
        "password",
        "roles",
        "groups",
        "is_admin",
        "email_verified",
        "tenant_id",
    ] {
        members.remove(name);
    }
    members.insert("id".into(), json!(id));
    members.insert("meta".into(), made.json()["meta"].clone());
    assert_eq!(made.json(), expected);
    assert_eq!(made.json()["meta"]["created"], "2027-01-15T08:00:00Z");

    let stored = directory.stored(&id).await.unwrap();
    assert!(stored.must_change_password && !stored.email_verified && stored.managed_by.is_none());
    assert_eq!(stored.claims["name"], "Babs Jensen");
    assert_eq!(directory.authority(&id).await, Default::default());
}

#[tokio::test]
async fn a_first_password_signs_in_and_must_be_changed() {
    let directory = Directory::start().await;
    let password = "a first password of some length";
    directory
        .add_user("newcomer@corp.example", &json!({ "password": password }))
        .await;
    let mut browser = Browser::new(&directory.server);
    let page = browser
        .sign_in("/account", "newcomer@corp.example", password)
        .await;
    assert!(
        page.body.contains("autocomplete=\"new-password\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_user_name_that_is_an_address_is_the_address_too() {
    let directory = Directory::start().await;
    let id = directory.add_user("Carol@Corp.example", &json!({})).await;
    let shown = directory.get(&format!("/Users/{id}")).await.json();
    assert_eq!(shown["userName"], "Carol@Corp.example");
    assert_eq!(
        shown["emails"],
        json!([{ "value": "Carol@corp.example", "primary": true }])
    );
    let found = directory
        .listed("/Users?filter=userName%20eq%20%22carol@corp.EXAMPLE%22", "id")
        .await;
    assert_eq!(found, [id]);
}

#[tokio::test]
async fn names_and_addresses_are_nobody_elses() {
    let directory = Directory::start().await;
    directory
        .add_user("first", &json!({ "emails": [{ "value": "first@corp.example" }] }))
        .await;
    let second = directory.add_user("second", &json!({})).await;
    for (name, address) in [
        ("FIRST", "x@corp.example"),
        ("third", "First@corp.example"),
        ("first@corp.example", "y@corp.example"),
        ("alice", "z@corp.example"),
        ("third", "alice@example.test"),
    ] {
        let body = json!({ "schemas": [USER], "userName": name, "emails": [{ "value": address }] });
        let made = directory.post("/Users", &body).await;
        assert_eq!(error(&made), is(409, "uniqueness"), "{name} {address}");
        let replaced = directory
            .send("PUT", &format!("/Users/{second}"), Some(&body))
            .await;
        assert_eq!(error(&replaced), is(409, "uniqueness"), "{name} {address}");
    }
    assert_eq!(
        directory.get(&format!("/Users/{second}")).await.json()["userName"],
        "second"
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_is_made() {
    let directory = Directory::start().await;
    let before = directory.listed("/Users", "userName").await;
    let user = |more: Value| {
        let mut body = json!({ "schemas": [USER], "userName": "bad" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (body, keyword) in [
        (json!([]), "invalidSyntax"),
        (json!("x"), "invalidSyntax"),
        (json!({ "userName": "bad" }), "invalidSyntax"),
        (json!({ "schemas": [USER] }), "invalidValue"),
        (user(json!({ "userName": "bad\u{0}" })), "invalidValue"),
        (user(json!({ "userName": " bad" })), "invalidValue"),
        (user(json!({ "userName": "b\u{202E}ad" })), "invalidValue"),
        (user(json!({ "userName": "x".repeat(300) })), "invalidValue"),
        (user(json!({ "active": "perhaps" })), "invalidValue"),
        (
            user(json!({ "emails": [{ "value": "nowhere" }] })),
            "invalidValue",
        ),
        (user(json!({ "emails": "bad@corp.example" })), "invalidValue"),
        (user(json!({ "displayName": "x".repeat(101) })), "invalidValue"),
        (
            user(json!({ "profileUrl": "javascript:alert(1)" })),
            "invalidValue",
        ),
        (user(json!({ "password": "password" })), "invalidValue"),
        (user(json!({ "password": "short" })), "invalidValue"),
        (
            user(json!({ "phoneNumbers": vec![json!({ "value": "1" }); 50] })),
            "invalidValue",
        ),
    ] {
        let answer = directory.post("/Users", &body).await;
        assert_eq!(error(&answer), is(400, keyword), "{body}");
        assert!(!answer.body.contains("javascript"), "{}", answer.body);
    }
    for raw in [
        "",
        "{",
        "{\"schemas\":",
        &"[".repeat(100_000),
        &"{\"a\":".repeat(50_000),
    ] {
        let request = directory
            .request("POST", "/Users", None)
            .header("content-type", "application/scim+json")
            .body(raw)
            .bearer(&directory.token);
        let answer = directory.server.send(request).await;
        assert_eq!(error(&answer), is(400, "invalidSyntax"));
    }
    assert_eq!(directory.listed("/Users", "userName").await, before);
}

#[tokio::test]
async fn a_user_is_replaced_if_it_is_as_it_was_seen() {
    let directory = Directory::start().await;
    let id = directory
        .add_user(
            "dana",
            &json!({ "title": "Boss", "nickName": "D", "active": false }),
        )
        .await;
    let path = format!("/Users/{id}");
    let seen = directory.get(&path).await.header("etag").unwrap().to_owned();
    let body = json!({ "schemas": [USER], "userName": "dana", "displayName": "Dana" });
    let put = |tag: &str| {
        let request = directory.request("PUT", &path, Some(&body));
        request.header("if-match", tag).bearer(&directory.token)
    };
    let stale = directory.server.send(put("W/\"other\"")).await;
    assert_eq!(error(&stale), is(412, ""));
    let replaced = directory.server.send(put(&seen)).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    let shown = replaced.json();
    assert_eq!(shown["displayName"], "Dana");
    assert!(shown.get("title").is_none() && shown.get("nickName").is_none());
    assert_eq!(
        shown["active"], false,
        "who is shut out is not let in by saying nothing"
    );
    assert_eq!(error(&directory.server.send(put(&seen)).await), is(412, ""));

    let tag = replaced.header("etag").unwrap();
    let known = Request::get(format!("/scim/v2{path}")).header("if-none-match", tag);
    assert_eq!(
        directory.server.send(known.bearer(&directory.token)).await.status,
        304
    );
    let password =
        json!({ "schemas": [USER], "userName": "dana", "password": "a new password of some length" });
    let answer = directory.send("PUT", &path, Some(&password)).await;
    assert_eq!(error(&answer), is(400, "mutability"));
}

#[tokio::test]
async fn who_is_made_inactive_is_out_at_once() {
    let directory = Directory::start().await;
    let server = &directory.server;
    let mut browser = Browser::new(server);
    browser
        .sign_in("/account", "alice", "correct horse battery staple")
        .await;
    let tokens = server.tokens(&[("scope", "openid offline_access")]).await;
    let alice = directory.id_of("alice").await;
    let path = format!("/Users/{alice}");
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    let answer = directory.patch(&path, &off).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["active"], false);

    assert_eq!(server.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(server.refresh(&tokens.text("refresh_token")).await.status, 400);
    let page = browser.open("/account").await;
    assert!(!page.body.contains("account-nav"), "{}", page.body);

    let on = json!([{ "op": "replace", "value": { "active": true } }]);
    assert_eq!(directory.patch(&path, &on).await.json()["active"], true);
    let mut browser = Browser::new(server);
    let page = browser
        .sign_in("/account", "alice", "correct horse battery staple")
        .await;
    assert!(page.body.contains("account-nav"), "{}", page.body);
}

#[tokio::test]
async fn a_new_address_is_unproved_and_the_old_one_is_told() {
    let directory = Directory::start().await;
    let alice = directory.id_of("alice").await;
    let change =
        json!([{ "op": "replace", "path": "emails[primary eq true].value", "value": "alice@new.example" }]);
    let answer = directory.patch(&format!("/Users/{alice}"), &change).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let stored = directory.stored(&alice).await.unwrap();
    assert_eq!(stored.email.as_deref(), Some("alice@new.example"));
    assert!(!stored.email_verified);
    let mail = directory.server.mail_to("alice@example.test").await;
    assert!(mail.text.contains("a•••@new.example"), "{}", mail.text);
}

#[tokio::test]
async fn a_user_that_is_removed_is_gone() {
    let directory = Directory::start().await;
    let id = directory.add_user("leaver", &json!({ "title": "Temp" })).await;
    let group = directory.add_group("Team", &[&id]).await;
    let path = format!("/Users/{id}");
    let stale = directory
        .request("DELETE", &path, None)
        .header("if-match", "\"x\"");
    assert_eq!(
        directory.server.send(stale.bearer(&directory.token)).await.status,
        412
    );
    assert_eq!(directory.send("DELETE", &path, None).await.status, 204);
    assert_eq!(error(&directory.send("DELETE", &path, None).await), is(404, ""));
    assert_eq!(error(&directory.get(&path).await), is(404, ""));
    assert_eq!(directory.stored(&id).await, None);
    let shown = directory.get(&format!("/Groups/{group}")).await.json();
    assert!(shown.get("members").is_none(), "{shown}");
    // The name is free again, for somebody else.
    let other = directory.add_user("leaver", &json!({})).await;
    assert_ne!(account(&other), account(&id));
}

#[tokio::test]
async fn what_changes_nothing_leaves_no_trace() {
    let directory = Directory::start().await;
    let id = directory.add_user("still", &json!({ "title": "Boss" })).await;
    let before = directory.get(&format!("/Users/{id}")).await;
    directory.server.advance(protocol::time::Lifetime::hours(1));
    directory.server.apply("").await;
    let token = directory.client_token("scim:provision").await;
    let body = patch(&json!([{ "op": "replace", "path": "title", "value": "Boss" }]));
    let request = directory.request("PATCH", &format!("/Users/{id}"), Some(&body));
    let after = directory.server.send(request.bearer(&token)).await;
    assert_eq!(after.status, 200, "{}", after.body);
    assert_eq!(after.json(), before.json());
}

#[tokio::test]
async fn a_new_name_looks_like_no_other_and_an_old_one_stays() {
    let directory = Directory::start().await;
    let id = directory.add_user("ann", &json!({})).await;
    let path = format!("/Users/{id}");
    for name in ["\u{ff41}lice", "Jo\u{308}rg", "\u{430}lice"] {
        let body = json!({ "schemas": [USER], "userName": name });
        for (method, target, body) in [
            ("POST", "/Users", body.clone()),
            ("PUT", path.as_str(), body),
            (
                "PATCH",
                path.as_str(),
                patch(&json!([{ "op": "replace", "path": "userName", "value": name }])),
            ),
            (
                "PATCH",
                path.as_str(),
                patch(&json!([{ "op": "replace", "value": { "userName": name } }])),
            ),
        ] {
            let refused = directory.send(method, target, Some(&body)).await;
            assert_eq!(error(&refused), is(400, "invalidValue"), "{method} {name}");
        }
    }
    // A directory may name people as it identifies them.
    let uuid = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5";
    assert_ne!(directory.add_user(uuid, &json!({})).await, uuid);
    // Made before there was such a rule.
    let mut old = directory.stored(&id).await.unwrap();
    old.username = "\u{430}lice".to_owned();
    let now = directory.server.clock.now();
    let write = async move |db: &mut store::Conn| store::accounts::update(db, &old, now).await;
    directory.server.running.app.store.write(write).await.unwrap();
    let kept = json!({ "schemas": [USER], "userName": "\u{430}lice", "title": "Guide" });
    let kept = directory.send("PUT", &path, Some(&kept)).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    let same = json!([{ "op": "replace", "value": { "userName": "\u{430}lice", "title": "Host" } }]);
    assert_eq!(directory.patch(&path, &same).await.status, 200);
}

#[tokio::test]
async fn a_member_that_is_sent_twice_is_refused() {
    let directory = Directory::start().await;
    let id = directory.add_user("ann", &json!({})).await;
    let one = format!("/Users/{id}");
    let before = directory.get(&one).await;
    let schemas = |schema: &str, more: &str| format!(r#"{{"schemas":["{schema}"],{more}}}"#);
    let patch_op = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    for (method, path, body) in [
        (
            "POST",
            "/Users",
            schemas(USER, r#""userName":"eve","userName":"mallory""#),
        ),
        (
            "PUT",
            one.as_str(),
            schemas(
                USER,
                r#""userName":"ann","name":{"familyName":"A","familyName":"B"}"#,
            ),
        ),
        (
            "PATCH",
            one.as_str(),
            schemas(
                patch_op,
                r#""Operations":[{"op":"replace","path":"title","value":"A","value":"B"}]"#,
            ),
        ),
    ] {
        let request = directory.request(method, path, None).bearer(&directory.token);
        let request = request.header("content-type", "application/scim+json").body(body);
        let refused = directory.server.send(request).await;
        assert_eq!(error(&refused), is(400, "invalidSyntax"), "{method}");
        assert!(refused.body.contains("named twice"), "{}", refused.body);
    }
    assert_eq!(directory.get(&one).await.json(), before.json());
}
