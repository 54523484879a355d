//! Accounts: made, read, changed, shut and deleted, by whoever may.

use protocol::time::Lifetime;
use serde_json::{Value, json};

use super::{PASSWORD, api, events, is_signed_in, path, problem, shown, start, token, with_json};
use crate::support::Browser;

#[tokio::test]
async fn an_account_is_made_and_its_holder_chooses_the_password() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let before = events(&server, "account.created").await.0;
    let draft = json!({
        "username": "nora", "email": "nora@example.test", "claims": { "name": "Nora", "locale": "de" },
        "roles": ["user"], "mfa": "off", "delivery": "link",
    });
    let made = server.send(with_json("POST", "/accounts", &anna, &draft)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let body = made.json();
    let location = made.header("location").unwrap();
    assert_eq!(
        location,
        format!("/api/admin/v1/accounts/{}", body["id"].as_str().unwrap())
    );
    assert_eq!(
        (&body["username"], &body["state"]),
        (&json!("nora"), &json!("active"))
    );
    assert_eq!(body["factors"]["password"], false);
    let link = body["reset_link"].as_str().unwrap();
    let local = link.strip_prefix("http://localhost:8080").unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.open(local).await;
    let done = browser.submit(&page, &[("password", PASSWORD)]).await;
    assert!(done.status < 400, "{} {}", done.status, done.body);
    token(&server, "nora").await;
    // It is shown once, to nobody else.
    assert!(!shown(&server, "nora").await.to_string().contains("link_"));
    assert_eq!(events(&server, "account.created").await.0, before + 1);
}

#[tokio::test]
async fn a_link_to_the_first_password_goes_by_mail_when_nothing_is_said() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let draft = json!({ "username": "nora", "email": "nora@example.test" });
    let made = server.send(with_json("POST", "/accounts", &anna, &draft)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(made.json().get("reset_link").is_none());
    let mail = server.mail_to("nora@example.test").await;
    assert!(mail.link().starts_with("/reset?t="), "{}", mail.text);
    let draft = json!({ "username": "mailless" });
    let refused = server.send(with_json("POST", "/accounts", &anna, &draft)).await;
    assert_eq!(problem(&refused).1["member"], "email");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let server = start().await;
    let root = token(&server, "root").await;
    let target = path(&server, "paula").await;
    let before = shown(&server, "paula").await;
    for (member, value) in [
        ("password", json!("x")),
        ("password_hash", json!("x")),
        ("id", json!("1")),
        ("sub", json!("1")),
        ("roles", json!(["super_admin"])),
        ("permissions", json!(["*"])),
        ("groups", json!([])),
        ("is_admin", json!(true)),
        ("tenant_id", json!("1")),
        ("created_at", json!(1)),
        ("last_login_at", json!(1)),
        ("managed_by", Value::Null),
        ("username", Value::Null),
        ("username", json!("")),
        ("username", json!("a\u{202e}b")),
        ("email", json!("nonsense")),
        ("email", json!(5)),
        ("email_verified", json!("true")),
        ("mfa", json!("sometimes")),
        ("disabled", json!("no")),
        ("claims", json!({ "sub": "x" })),
        ("claims", json!({ "website": "javascript:alert(1)" })),
        ("claims", json!({ "name": "x".repeat(101) })),
        ("claims", json!([])),
    ] {
        let answer = server
            .send(with_json("PATCH", &target, &root, &json!({ member: value })))
            .await;
        let (status, body) = problem(&answer);
        assert_eq!(status, 400, "{member}: {body}");
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"email\":\"a@x.test\",\"email\":\"b@x.test\"}",
        "{\"claims\":{\"name\":\"a\\u0000\"}}",
    ] {
        let request = api("PATCH", &target, &root)
            .header("content-type", "application/json")
            .body(body);
        assert_eq!(problem(&server.send(request).await).0, 400, "{body}");
    }
    let text = api("PATCH", &target, &root)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(problem(&server.send(text).await).0, 415);
    let huge = json!({ "claims": { "name": "x".repeat(300 * 1024) } });
    assert_eq!(
        problem(&server.send(with_json("PATCH", &target, &root, &huge)).await).0,
        413
    );
    for taken in [
        json!({ "username": "VERA" }),
        json!({ "email": "Vera@example.test" }),
        json!({ "username": "vera@example.test" }),
    ] {
        assert_eq!(
            problem(&server.send(with_json("PATCH", &target, &root, &taken)).await).0,
            409
        );
    }
    let password = json!({ "username": "x", "delivery": "none", "password": "y" });
    assert_eq!(
        problem(
            &server
                .send(with_json("POST", "/accounts", &root, &password))
                .await
        )
        .0,
        400
    );
    assert_eq!(shown(&server, "paula").await, before);
}

#[tokio::test]
async fn a_change_is_made_to_what_was_seen_and_to_nothing_else() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let target = path(&server, "paula").await;
    let seen = server.send(api("GET", &target, &anna)).await;
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    let tag = seen.header("etag").unwrap().to_owned();
    let again = server
        .send(api("GET", &target, &anna).header("if-none-match", &tag))
        .await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let change = json!({ "claims": { "nickname": "Pau", "name": null }, "mfa": "required" });
    let request = with_json("PATCH", &target, &anna, &change);
    let changed = server.send(request.clone().header("if-match", &tag)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert_eq!(changed.json()["claims"], json!({ "nickname": "Pau" }));
    assert_eq!(changed.json()["mfa"], "required");
    let late = json!({ "claims": { "nickname": "Late" } });
    let late = with_json("PATCH", &target, &anna, &late).header("if-match", &tag);
    assert_eq!(problem(&server.send(late).await).0, 412);
    let gone = api("DELETE", &target, &anna).header("if-match", &tag);
    assert_eq!(problem(&server.send(gone).await).0, 412);
    let now = server.send(api("GET", &target, &anna)).await;
    assert_eq!(now.json()["claims"]["nickname"], "Pau");
    assert_eq!(now.header("etag"), changed.header("etag"));
    let gone = api("DELETE", &target, &anna).header("if-match", now.header("etag").unwrap());
    assert_eq!(server.send(gone).await.status, 204);
    assert_eq!(problem(&server.send(api("GET", &target, &anna)).await).0, 404);
}

#[tokio::test]
async fn nobody_touches_who_holds_more() {
    let server = start().await;
    let target = path(&server, "root").await;
    let before = shown(&server, "root").await;
    let refused_before = events(&server, "administration.refused").await.0;
    let mut tried = 0;
    for name in ["mo", "anna"] {
        // What happens in one second comes in any order.
        server.advance(Lifetime::seconds(1));
        let token = token(&server, name).await;
        for request in [
            with_json("PATCH", &target, &token, &json!({ "email": "x@evil.test" })),
            with_json("PATCH", &target, &token, &json!({ "disabled": true })),
            api("DELETE", &target, &token),
            api("POST", &format!("{target}/disable"), &token),
            api("POST", &format!("{target}/unlock"), &token),
            api("POST", &format!("{target}/password-reset"), &token),
            api("DELETE", &format!("{target}/factors"), &token),
            api("DELETE", &format!("{target}/sessions"), &token),
            with_json("PUT", &format!("{target}/roles/user"), &token, &json!({})),
            api("DELETE", &format!("{target}/roles/super_admin"), &token),
            api("PUT", &format!("{target}/permissions/accounts:read"), &token),
        ] {
            let answer = server.send(request.clone()).await;
            assert_eq!(problem(&answer).0, 403, "{name}: {request:?}");
            tried += 1;
        }
    }
    let mut after = shown(&server, "root").await;
    after["sessions"] = before["sessions"].clone();
    after["last_login_at"] = before["last_login_at"].clone();
    assert_eq!(after, before);
    assert!(server.mails().await.is_empty());
    let (refused, last) = events(&server, "administration.refused").await;
    assert_eq!(refused - refused_before, tried);
    let last = last.unwrap();
    let anna = server.account_id("anna").await;
    assert_eq!(last.actor, Some(format!("account:{anna}")));
    assert_eq!(last.account_id, Some(server.account_id("root").await));
    assert_eq!(last.outcome, "failure");
    assert!(last.request_id.is_some() && last.address.is_some());
}

#[tokio::test]
async fn nobody_shuts_or_deletes_themselves_or_gets_around_the_account_page() {
    let server = start().await;
    let root = token(&server, "root").await;
    let target = path(&server, "root").await;
    for request in [
        api("DELETE", &target, &root),
        api("POST", &format!("{target}/disable"), &root),
        api("DELETE", &format!("{target}/factors"), &root),
        with_json("PATCH", &target, &root, &json!({ "email": "other@example.test" })),
        with_json("PATCH", &target, &root, &json!({ "mfa": "off" })),
        with_json("PATCH", &target, &root, &json!({ "disabled": true })),
    ] {
        assert_eq!(problem(&server.send(request).await).0, 403);
    }
    let harmless = with_json(
        "PATCH",
        &target,
        &root,
        &json!({ "claims": { "nickname": "Boss" } }),
    );
    assert_eq!(server.send(harmless).await.status, 200);
}

#[tokio::test]
async fn who_is_shut_out_is_out_at_once() {
    let server = start().await;
    let (root, anna) = (token(&server, "root").await, token(&server, "anna").await);
    let mut browser = Browser::new(&server);
    browser.sign_in("/login", "anna", PASSWORD).await;
    assert!(is_signed_in(&mut browser).await);
    let target = path(&server, "anna").await;
    assert_eq!(server.send(api("GET", "/accounts", &anna)).await.status, 200);
    let shut = server
        .send(api("POST", &format!("{target}/disable"), &root))
        .await;
    assert_eq!(shut.status, 204, "{}", shut.body);
    assert_eq!(server.send(api("GET", "/accounts", &anna)).await.status, 401);
    assert!(!is_signed_in(&mut browser).await);
    assert_eq!(shown(&server, "anna").await["state"], "disabled");
    let open = with_json("PATCH", &target, &root, &json!({ "disabled": false }));
    assert_eq!(server.send(open).await.json()["state"], "active");
    // What was ended stays so.
    assert_eq!(server.send(api("GET", "/accounts", &anna)).await.status, 401);
    token(&server, "anna").await;
    for kind in ["account.disabled", "account.enabled"] {
        let (count, last) = events(&server, kind).await;
        let root = server.account_id("root").await;
        let last = last.unwrap();
        assert!(last.request_id.is_some(), "{kind}");
        assert_eq!(
            (count, last.actor),
            (1, Some(format!("account:{root}"))),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_new_address_is_told_to_the_old_one() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let target = path(&server, "paula").await;
    let change = json!({ "email": "paula@new.example" });
    let changed = server.send(with_json("PATCH", &target, &anna, &change)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.json()["email_verified"], false);
    let told = server.mail_to("paula@example.test").await;
    assert!(told.text.contains("p•••@new.example"), "{}", told.text);
    server.mail_to("paula@new.example").await;
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let server = start().await;
    let vera = token(&server, "vera").await;
    server
        .apply("[[account]]\nusername = \"paula\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n")
        .await;
    let target = path(&server, "paula").await;
    for path in [target.as_str(), "/accounts", "/sessions", "/grants"] {
        let body = server.send(api("GET", path, &vera)).await.body;
        for secret in ["$argon2", "JBSWY3DP", "secret", "hash"] {
            assert!(!body.contains(secret), "{path}: {body}");
        }
    }
    let factors = &server.send(api("GET", &target, &vera)).await.json()["factors"];
    assert_eq!(
        (&factors["totp"], &factors["password"]),
        (&json!(1), &json!(true))
    );
}

#[tokio::test]
async fn a_new_name_looks_like_no_other_and_an_old_one_stays() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let target = path(&server, "paula").await;
    for name in ["\u{ff41}nna", "Jo\u{308}rg", "\u{430}nna"] {
        let draft = json!({ "username": name, "delivery": "none" });
        for request in [
            with_json("POST", "/accounts", &anna, &draft),
            with_json("PATCH", &target, &anna, &json!({ "username": name })),
        ] {
            let (status, body) = problem(&server.send(request).await);
            assert_eq!((status, &body["member"]), (400, &json!("username")), "{name}");
        }
    }
    for name in [
        "J\u{f6}rg",
        "\u{430}\u{43d}\u{43d}\u{430}",
        "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5",
    ] {
        let draft = json!({ "username": name, "delivery": "none" });
        let made = server.send(with_json("POST", "/accounts", &anna, &draft)).await;
        assert_eq!(made.status, 201, "{name}: {}", made.body);
    }
    // Brought in with a name of old.
    server.apply("[[account]]\nusername = \"p\u{430}ul\"\n").await;
    let target = path(&server, "p\u{430}ul").await;
    let same = json!({ "username": "p\u{430}ul", "claims": { "name": "Paul" } });
    let kept = server.send(with_json("PATCH", &target, &anna, &same)).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
}

#[tokio::test]
async fn a_member_that_is_sent_twice_is_refused() {
    let server = start().await;
    let anna = token(&server, "anna").await;
    let target = path(&server, "paula").await;
    for (method, path, body) in [
        ("PATCH", target.as_str(), r#"{"claims":{"name":"A","name":"B"}}"#),
        ("PATCH", target.as_str(), r#"{"username":"a","username":"b"}"#),
        (
            "POST",
            "/accounts",
            r#"{"username":"eve","delivery":"none","claims":{"name":"A","name":"B"}}"#,
        ),
    ] {
        let request = api(method, path, &anna).header("content-type", "application/json");
        let (status, body) = problem(&server.send(request.body(body)).await);
        assert_eq!(
            (status, &body["member"]),
            (400, &json!("body")),
            "{method} {body}"
        );
        assert!(body.to_string().contains("named twice"), "{body}");
    }
}
