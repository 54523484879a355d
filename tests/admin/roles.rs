//! Roles, scopes and resource servers over the admin API: nobody gives, takes or changes more than they hold.

use serde_json::{Value, json};

use super::desk::{ANNA, Caller, LIBBY, ROOT, VERA, member, start};

#[tokio::test]
async fn a_role_is_made_read_changed_and_removed() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let new = json!({ "name": "editor2", "permissions": ["books:write"], "mfa": "required" });
    let made = root.post("/roles", &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let shown = root.get("/roles/editor2").await;
    assert_eq!(
        (shown.header("etag"), &shown.body),
        (made.header("etag"), &made.body)
    );
    assert_eq!(
        (&shown.json()["holders"], &shown.json()["mfa"]),
        (&json!(0), &json!("required"))
    );
    assert_eq!(root.post("/roles", &new).await.status, 409);
    assert_eq!(root.get("/roles/librarian").await.json()["holders"], 1);

    let stale = [("if-match", "\"something-else\"")];
    let change = json!({ "description": "Edits", "mfa": null });
    let refused = root.with_body("PATCH", "/roles/editor2", &change, &stale).await;
    assert_eq!(refused.status, 412, "{}", refused.body);
    let unread = [("if-match", "something else")];
    let refused = root.with_body("PATCH", "/roles/editor2", &change, &unread).await;
    assert_eq!(
        (refused.status, &refused.json()["member"]),
        (400, &json!("If-Match"))
    );
    let seen = [("if-match", shown.header("etag").unwrap())];
    let changed = root.with_body("PATCH", "/roles/editor2", &change, &seen).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let shown = root.get("/roles/editor2").await.json();
    assert_eq!(
        (&shown["description"], &shown["mfa"], &shown["permissions"]),
        (&json!("Edits"), &Value::Null, &json!(["books:write"]))
    );
    assert_eq!(root.delete("/roles/editor2").await.status, 204);
    assert_eq!(root.get("/roles/editor2").await.status, 404);
    assert_eq!(root.delete("/roles/editor2").await.status, 404);
    let kinds = root
        .kinds(&format!("actor=account:{}", server.account_id("root").await))
        .await;
    assert_eq!(kinds, ["role.created", "role.deleted", "role.updated"]);
}

#[tokio::test]
async fn roles_are_listed_in_pieces_in_both_orders_and_with_filters() {
    let server = start().await;
    let vera = Caller::new(&server, VERA).await;
    for (sort, sorted) in [("name", true), ("-name", false)] {
        let (mut names, mut path) = (Vec::new(), format!("/roles?limit=2&sort={sort}"));
        loop {
            let piece = vera.get(&path).await;
            assert_eq!(piece.status, 200, "{}", piece.body);
            let page = piece.json();
            let items = page["items"].as_array().unwrap();
            names.extend(items.iter().map(|role| role["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            assert!(piece.header("link").unwrap().contains("rel=\"next\""));
            path = format!("/roles?limit=2&sort={sort}&cursor={next}");
        }
        assert_eq!(names.len(), 7, "{names:?}");
        assert_eq!(names.is_sorted(), sorted, "{names:?}");
    }
    let found = |answer: crate::support::Answer| -> Vec<String> {
        let items = answer.json()["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|role| role["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(found(vera.get("/roles?permission=*").await), ["super_admin"]);
    assert_eq!(found(vera.get("/roles?q=LIBR").await), ["librarian"]);
}

#[tokio::test]
async fn nobody_gives_a_role_what_they_do_not_hold_or_touches_one_that_holds_more() {
    let server = start().await;
    let (root, libby) = (
        Caller::new(&server, ROOT).await,
        Caller::new(&server, LIBBY).await,
    );
    assert_eq!(root.post("/roles", &json!({ "name": "poor" })).await.status, 201);
    let before = root.get("/roles").await.body;
    for (method, path, body) in [
        ("POST", "/roles", json!({ "name": "x", "permissions": ["*"] })),
        (
            "POST",
            "/roles",
            json!({ "name": "x", "permissions": ["books:write", "accounts:read"] }),
        ),
        (
            "PATCH",
            "/roles/librarian",
            json!({ "permissions": ["books:write", "roles:write", "*"] }),
        ),
        ("PATCH", "/roles/poor", json!({ "permissions": ["keys:rotate"] })),
        ("PATCH", "/roles/admin", json!({ "description": "mine" })),
        ("PATCH", "/roles/admin", json!({ "permissions": [] })),
        ("PATCH", "/roles/super_admin", json!({ "mfa": "off" })),
        ("DELETE", "/roles/admin", json!({})),
        ("DELETE", "/roles/super_admin", json!({})),
    ] {
        let refused = libby.with_body(method, path, &body, &[]).await;
        assert_eq!(refused.status, 403, "{method} {path} {body}: {}", refused.body);
    }
    assert_eq!(root.get("/roles").await.body, before);
    let libby_id = server.account_id("libby").await;
    let refusals = root
        .kinds(&format!("actor=account:{libby_id}&outcome=failure"))
        .await;
    assert_eq!(refusals, vec!["administration.refused"; 9]);

    let mine = json!({ "name": "mine", "permissions": ["books:write"] });
    assert_eq!(libby.post("/roles", &mine).await.status, 201);
    assert_eq!(
        libby
            .patch("/roles/poor", &json!({ "permissions": ["books:write"] }))
            .await
            .status,
        200
    );
    assert_eq!(libby.delete("/roles/poor").await.status, 204);
}

#[tokio::test]
async fn somebody_who_may_do_everything_remains() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let before = root.get("/roles/super_admin").await.body;
    for refused in [
        root.patch("/roles/super_admin", &json!({ "permissions": ["accounts:read"] }))
            .await,
        root.delete("/roles/super_admin").await,
    ] {
        assert_eq!(refused.status, 409, "{}", refused.body);
    }
    assert_eq!(root.get("/roles/super_admin").await.body, before);
    let other = json!({ "name": "owner", "permissions": ["*"] });
    assert_eq!(root.post("/roles", &other).await.status, 201);
    // A role that nobody holds saves nobody.
    assert_eq!(root.delete("/roles/super_admin").await.status, 409);
    server
        .apply("[[account]]\nusername = \"anna\"\nroles = [\"owner\"]")
        .await;
    assert_eq!(root.delete("/roles/super_admin").await.status, 204);
    assert_eq!(
        root.get("/roles").await.status,
        403,
        "what was held through the role is gone"
    );
}

#[tokio::test]
async fn a_change_of_a_role_counts_at_the_next_request() {
    let server = start().await;
    let (root, vera) = (Caller::new(&server, ROOT).await, Caller::new(&server, VERA).await);
    assert_eq!(vera.get("/roles").await.status, 200);
    assert_eq!(vera.post("/roles", &json!({ "name": "x" })).await.status, 403);
    let less = json!({ "permissions": ["accounts:read"] });
    assert_eq!(root.patch("/roles/viewer", &less).await.status, 200);
    assert_eq!(vera.get("/roles").await.status, 403);
}

#[tokio::test]
async fn what_no_role_can_be_is_refused_with_its_member() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let long = "x".repeat(501);
    for (body, wrong) in [
        (json!({ "name": "a b" }), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "<script>alert(1)</script> x" }), "name"),
        (
            json!({ "name": "x", "description": "line\nbreak" }),
            "description",
        ),
        (json!({ "name": "x", "description": long }), "description"),
        (json!({ "name": "x", "permissions": ["a b"] }), "permissions"),
        (json!({ "name": "x", "permissions": "a" }), "permissions"),
        (json!({ "name": "x", "mfa": "never" }), "mfa"),
        (json!({ "name": "x", "managed_by": "file" }), "managed_by"),
        (json!({ "name": "x", "holders": 5 }), "holders"),
    ] {
        let refused = root.post("/roles", &body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.body);
        assert!(refused.body.contains(wrong), "{body}: {}", refused.body);
    }
    assert_eq!(
        member(&root.post("/roles", &json!({ "name": "a b" })).await),
        (400, "name".into())
    );
    assert_eq!(
        member(&root.patch("/roles/viewer", &json!({ "name": "other" })).await).0,
        400
    );
}

#[tokio::test]
async fn a_scope_requires_only_what_its_maker_holds_before_and_after() {
    let server = start().await;
    let (root, libby) = (
        Caller::new(&server, ROOT).await,
        Caller::new(&server, LIBBY).await,
    );
    let strict = json!({ "name": "people:delete", "requires": ["accounts:delete"] });
    assert_eq!(libby.post("/scopes", &strict).await.status, 403);
    let made = root.post("/scopes", &strict).await;
    assert_eq!(made.status, 201, "{}", made.body);
    for refused in [
        libby
            .patch("/scopes/people:delete", &json!({ "requires": [] }))
            .await,
        libby
            .patch("/scopes/books:read", &json!({ "requires": ["accounts:delete"] }))
            .await,
        libby.delete("/scopes/people:delete").await,
    ] {
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    assert_eq!(root.get("/scopes/people:delete").await.body, made.body);
    assert_eq!(
        root.post("/scopes", &json!({ "name": "films:read" }))
            .await
            .status,
        201
    );
    assert_eq!(
        libby
            .patch("/scopes/films:read", &json!({ "requires": ["books:write"] }))
            .await
            .status,
        200
    );
    for name in ["openid", "accounts:read", "a b", "a\"b", ""] {
        let refused = root.post("/scopes", &json!({ "name": name })).await;
        assert_eq!(member(&refused), (400, "name".into()), "{name:?}");
    }
    assert_eq!(root.delete("/scopes/people:delete").await.status, 204);
    assert_eq!(root.get("/scopes/people:delete").await.status, 404);
}

#[tokio::test]
async fn no_change_of_a_scope_gives_a_client_more_than_it_was_registered_with() {
    let server = start().await;
    let (root, libby) = (
        Caller::new(&server, ROOT).await,
        Caller::new(&server, LIBBY).await,
    );
    assert_eq!(
        root.post("/scopes", &json!({ "name": "films:read" }))
            .await
            .status,
        201
    );
    // Nothing was required when libby, who holds no accounts:read, registered it.
    let robot = json!({ "client_id": "robot", "grant_types": ["client_credentials"], "scope": "films:read" });
    assert_eq!(libby.post("/clients", &robot).await.status, 201);
    let strict = json!({ "requires": ["accounts:read"] });
    let refused = root.patch("/scopes/films:read", &strict).await;
    assert_eq!(member(&refused), (400, "requires".into()), "{}", refused.body);
    assert!(refused.body.contains(": robot;"), "{}", refused.body);

    // The same by way of a scope that goes and comes again.
    assert_eq!(root.delete("/scopes/films:read").await.status, 204);
    for requires in [json!(["accounts:read"]), json!([])] {
        let again = json!({ "name": "films:read", "requires": requires });
        assert_eq!(member(&root.post("/scopes", &again).await), (400, "name".into()));
    }
    assert_eq!(
        root.patch("/clients/robot", &json!({ "scope": "" })).await.status,
        200
    );
    let again = json!({ "name": "films:read", "requires": ["accounts:read"] });
    assert_eq!(root.post("/scopes", &again).await.status, 201);
    let back = json!({ "scope": "films:read" });
    assert_eq!(libby.patch("/clients/robot", &back).await.status, 403);
    assert_eq!(root.patch("/clients/robot", &back).await.status, 200);
}

#[tokio::test]
async fn a_role_that_groups_will_carry_is_made_by_who_may_give_it() {
    let server = super::start_with(|config| {
        config.scim.group_roles = [("Staff".to_owned(), vec!["late".to_owned()])].into();
    })
    .await;
    let mara = format!(
        "[[role]]\nname = \"maker\"\npermissions = [\"roles:write\"]\n\
         [[account]]\nusername = \"mara\"\npassword = \"{}\"\nroles = [\"maker\"]\n",
        super::PASSWORD
    );
    server.apply(&mara).await;
    let (mara, root) = (
        super::token(&server, "mara").await,
        super::token(&server, "root").await,
    );
    for (token, name, status) in [(&mara, "late", 403), (&mara, "other", 201), (&root, "late", 201)] {
        let body = json!({ "name": name });
        let answer = server
            .send(super::with_json("POST", "/roles", token, &body))
            .await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert!(
            status == 201 || answer.body.contains("roles:assign"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_resource_server_is_found_by_its_encoded_identifier() {
    let server = start().await;
    let (root, anna) = (Caller::new(&server, ROOT).await, Caller::new(&server, ANNA).await);
    let new = json!({ "identifier": "https://two.example/api?v=1", "scopes": ["books:read"] });
    assert_eq!(anna.post("/resource-servers", &new).await.status, 403);
    let made = root.post("/resource-servers", &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = "/resource-servers/https%3A%2F%2Ftwo.example%2Fapi%3Fv%3D1";
    assert_eq!(root.get(path).await.body, made.body);
    for (body, wrong) in [
        (json!({ "identifier": "two" }), "identifier"),
        (json!({ "identifier": "https://a.example/#x" }), "identifier"),
        (
            json!({ "identifier": "https://a.example/", "scopes": ["nothing"] }),
            "scopes",
        ),
    ] {
        assert_eq!(
            member(&root.post("/resource-servers", &body).await),
            (400, wrong.into()),
            "{body}"
        );
    }
    let changed = root
        .patch(path, &json!({ "scopes": ["books:read", "books:write"] }))
        .await;
    assert_eq!(changed.json()["scopes"], json!(["books:read", "books:write"]));
    assert_eq!(root.delete(path).await.status, 204);
    assert_eq!(root.get(path).await.status, 404);
}

#[tokio::test]
async fn a_condition_that_nothing_evaluates_is_refused() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    let new = json!({ "name": "editor2", "permissions": ["books:write"] });
    assert_eq!(root.post("/roles", &new).await.status, 201);
    let thing = json!({ "owner": null });
    assert_eq!(
        root.with_body("PUT", "/resources/docs/1", &thing, &[])
            .await
            .status,
        201
    );
    let vera = format!("/accounts/{}", server.account_id("vera").await);
    let (expected, unknown) = (("if-match", "\"x\""), ("if-none-match", "*"));
    for (method, path, body, header) in [
        ("PUT", "/resources/docs/1", &thing, unknown),
        ("PUT", "/resources/docs/2", &thing, unknown),
        ("PATCH", "/roles/editor2", &json!({ "description": "x" }), unknown),
        ("DELETE", "/roles/editor2", &json!({}), unknown),
        (
            "POST",
            "/roles",
            &json!({ "name": "other", "permissions": [] }),
            unknown,
        ),
        (
            "POST",
            "/roles",
            &json!({ "name": "other", "permissions": [] }),
            expected,
        ),
        ("POST", "/clients/post/rotate-secret", &json!({}), expected),
        ("POST", "/clients/post/disable", &json!({}), expected),
        ("POST", "/clients/post/enable", &json!({}), ("if-match", "*")),
        ("POST", &format!("{vera}/disable"), &json!({}), expected),
        ("PUT", &format!("{vera}/roles/editor2"), &json!({}), expected),
        ("DELETE", &format!("{vera}/roles/viewer"), &json!({}), expected),
        (
            "PUT",
            &format!("{vera}/permissions/books:read"),
            &json!({}),
            expected,
        ),
    ] {
        let refused = root.with_body(method, path, body, &[header]).await;
        assert_eq!(member(&refused).0, 400, "{method} {path}: {}", refused.body);
        assert!(
            member(&refused).1.eq_ignore_ascii_case(header.0),
            "{}",
            refused.body
        );
    }
    assert_eq!(root.get("/resources/docs/2").await.status, 404);
    assert_eq!(root.get("/roles/other").await.status, 404);
    assert_eq!(root.get("/roles/editor2").await.json()["holders"], 0);
    assert_eq!(root.get("/clients/post").await.json()["disabled"], false);
}

#[tokio::test]
async fn what_names_the_condition_evaluates_it() {
    let server = start().await;
    let root = Caller::new(&server, ROOT).await;
    for (path, body) in [
        ("/roles", json!({ "name": "r", "permissions": [] })),
        ("/scopes", json!({ "name": "s:see" })),
    ] {
        assert_eq!(root.post(path, &body).await.status, 201, "{path}");
    }
    let thing = json!({ "owner": null });
    let put = root.with_body("PUT", "/resources/docs/1", &thing, &[]).await;
    assert_eq!(put.status, 201, "{}", put.body);
    let vera = format!("/accounts/{}", server.account_id("vera").await);
    let stale = [("if-match", "\"x\"")];
    for (method, path, body) in [
        ("PUT", "/resources/docs/1", &thing),
        ("DELETE", "/resources/docs/1", &json!({})),
        ("PATCH", "/roles/r", &json!({ "description": "x" })),
        ("DELETE", "/roles/r", &json!({})),
        ("PATCH", "/scopes/s:see", &json!({ "description": "x" })),
        ("DELETE", "/scopes/s:see", &json!({})),
        ("PATCH", "/clients/post", &json!({ "client_name": "x" })),
        ("DELETE", "/clients/post", &json!({})),
        ("PATCH", &vera, &json!({ "claims": { "name": "x" } })),
        ("DELETE", &vera, &json!({})),
    ] {
        let refused = root.with_body(method, path, body, &stale).await;
        assert_eq!(refused.status, 412, "{method} {path}: {}", refused.body);
    }
}
