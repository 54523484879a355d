//! Keys as their owners look after them, in the browser and through `/api/account/v1/api-keys`.

use protocol::time::Lifetime;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use super::person::{ALICE, KEYS, Key, call, events, events_with, is_active, make, start, token};
use crate::support::{Answer, Browser, Form, Server};

const PAGE: &str = "/account/api-keys";

fn secret_on(page: &Answer) -> Option<String> {
    let html = Html::parse_document(&page.body);
    let secret = html.select(&Selector::parse("#secret").unwrap()).next()?;
    Some(secret.text().collect())
}

async fn signed_in(server: &Server) -> (Browser<'_>, Answer) {
    let mut browser = Browser::new(server);
    let page = browser.sign_in(PAGE, ALICE.0, ALICE.1).await;
    assert!(page.body.contains("id=\"make-key\""), "{}", page.body);
    (browser, page)
}

#[tokio::test]
async fn a_person_makes_renews_and_revokes_keys_in_the_browser() {
    let server = start().await;
    let (mut browser, page) = signed_in(&server).await;
    assert!(page.body.contains("name=\"may:books:write\"") && !page.body.contains("may:accounts:read"));
    let fields = [
        ("name", "nightly <b>backup"),
        ("may:books:write", "yes"),
        ("days", "30"),
        ("networks", "127.0.0.0/8, 192.0.2.7"),
        ("rate", "100/1m"),
    ];
    let made = browser.send(Form::at(&page.body, PAGE).filled(&fields)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert!(made.body.contains("nightly &lt;b&gt;backup"));
    let first = secret_on(&made).unwrap();
    assert!(is_active(&server, &first).await);
    let page = browser.open(PAGE).await;
    assert!(secret_on(&page).is_none() && !page.body.contains(&first));
    assert!(page.body.contains(&first[..12]) && page.body.contains("192.0.2.7/32"));

    let form = Form::at(&page.body, "/account/api-keys/rotate");
    let renewed = browser.send(form.filled(&[("overlap", "1h")])).await;
    let second = secret_on(&renewed).unwrap();
    assert!(is_active(&server, &first).await && is_active(&server, &second).await);

    let page = browser.open(PAGE).await;
    let form = Form::at(&page.body, "/account/api-keys/revoke");
    let gone = browser.send(form.filled(&[])).await;
    assert_eq!(gone.location(), "/account/api-keys?done=api-key-revoked");
    assert!(!is_active(&server, &first).await && !is_active(&server, &second).await);
    let page = browser.open(gone.location()).await;
    assert!(page.body.contains("id=\"notice\"") && !page.body.contains("/account/api-keys/revoke"));
    for kind in ["api_key.created", "api_key.rotated", "api_key.revoked"] {
        assert_eq!(events(&server, kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn what_was_typed_wrong_comes_back_and_nothing_is_made() {
    let server = start().await;
    let (mut browser, page) = signed_in(&server).await;
    let form = Form::at(&page.body, PAGE);
    for (field, value) in [
        ("name", ""),
        ("networks", "here"),
        ("rate", "often"),
        ("days", "0"),
        ("days", "100000"),
        ("may:accounts:read", "yes"),
    ] {
        let mut fields = vec![("name", "backup"), ("may:books:write", "yes")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let answer = browser.send(form.filled(&fields)).await;
        assert_eq!(answer.status, 400, "{field}");
        assert!(
            answer.body.contains("id=\"form-error\"") && secret_on(&answer).is_none(),
            "{field}"
        );
    }
    let forged = browser
        .send(
            Form {
                hidden: vec![],
                ..form
            }
            .filled(&[("name", "backup")]),
        )
        .await;
    assert_eq!(forged.status, 403);
    assert_eq!(events(&server, "api_key.created").await.len(), 0);
}

#[tokio::test]
async fn a_change_in_the_browser_needs_a_fresh_sign_in() {
    let server = start().await;
    let (mut browser, page) = signed_in(&server).await;
    let made = browser
        .send(Form::at(&page.body, PAGE).filled(&[("name", "backup"), ("everything", "yes")]))
        .await;
    let secret = secret_on(&made).unwrap();
    let page = browser.open(PAGE).await;
    server.advance(Lifetime::seconds(301));
    assert_eq!(browser.open(PAGE).await.status, 200);
    for (action, fields) in [
        (PAGE, &[("name", "more")][..]),
        ("/account/api-keys/rotate", &[]),
        ("/account/api-keys/revoke", &[]),
    ] {
        let answer = browser.send(Form::at(&page.body, action).filled(fields)).await;
        assert!(
            answer.status == 303 && answer.location().starts_with("/login"),
            "{action}"
        );
    }
    assert!(is_active(&server, &secret).await);
    assert_eq!(events(&server, "api_key.created").await.len(), 1);
}

#[tokio::test]
async fn weighty_calls_need_a_fresh_sign_in_and_the_scope() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let (reader, writer) = (
        token(&server, ALICE, "account:read").await,
        token(&server, ALICE, "account:write").await,
    );
    let one = format!("/api-keys/{}", key.id);
    let rotate = format!("{one}/rotate");
    let calls: [(&'static str, &str, Option<Value>, bool); 5] = [
        ("GET", "/api-keys", None, false),
        ("GET", &one, None, false),
        ("POST", "/api-keys", Some(json!({ "name": "x" })), true),
        ("POST", &rotate, Some(json!({})), true),
        ("DELETE", &one, None, true),
    ];
    for (method, path, body, writes) in &calls {
        let (lacks, anonymous) = (if *writes { &reader } else { &writer }, "junk");
        let refused = call(&server, lacks, method, path, body.clone()).await;
        assert_eq!(
            refused.refusal(),
            (403, "insufficient_scope".into()),
            "{method} {path}"
        );
        let refused = call(&server, anonymous, method, path, body.clone()).await;
        assert_eq!(
            refused.refusal(),
            (401, "invalid_token".into()),
            "{method} {path}"
        );
    }
    server.advance(Lifetime::seconds(301));
    for (method, path, body, _) in calls.iter().filter(|(.., writes)| *writes) {
        let refused = call(&server, &writer, method, path, body.clone()).await;
        let expected = (401, "insufficient_user_authentication".into());
        assert_eq!(refused.refusal(), expected, "{method} {path}");
    }
    assert!(is_active(&server, &key.secret).await);
}

#[tokio::test]
async fn a_key_is_its_owners_alone() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let mallory = ("mallory", "a stranger owns this long phrase");
    server
        .apply("[[account]]\nusername = \"mallory\"\npassword = \"a stranger owns this long phrase\"\n")
        .await;
    let theirs = token(&server, mallory, "account:read account:write").await;
    let one = format!("/api-keys/{}", key.id);
    for (method, path, body) in [
        ("GET", one.clone(), None),
        ("POST", format!("{one}/rotate"), Some(json!({}))),
        ("DELETE", one, None),
        ("GET", "/api-keys/junk".to_owned(), None),
    ] {
        let answer = call(&server, &theirs, method, &path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    let listed = call(&server, &theirs, "GET", "/api-keys", None).await;
    assert_eq!(listed.json(), json!({ "api_keys": [] }));
    assert!(is_active(&server, &key.secret).await);
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_with_the_member_at_fault() {
    let server = start().await;
    let bearer = token(&server, ALICE, "account:write").await;
    let past = server.clock.now();
    for (members, member) in [
        (json!({ "permissions": [] }), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x".repeat(65) }), "name"),
        (json!({ "name": "a\u{1b}b" }), "name"),
        (json!({ "name": 1 }), "name"),
        (
            json!({ "name": "x", "permissions": "books:write" }),
            "permissions",
        ),
        (json!({ "name": "x", "permissions": ["a b"] }), "permissions"),
        (json!({ "name": "x", "permissions": ["a\u{0}"] }), "permissions"),
        (
            json!({ "name": "x", "permissions": (0..101).map(|n| format!("p{n}")).collect::<Vec<_>>() }),
            "permissions",
        ),
        (json!({ "name": "x", "networks": ["10.0.0.0/33"] }), "networks"),
        (json!({ "name": "x", "networks": "10.0.0.0/8" }), "networks"),
        (json!({ "name": "x", "rate": "1" }), "rate"),
        (json!({ "name": "x", "rate": "5/0s" }), "rate"),
        (json!({ "name": "x", "expires_at": past }), "expires_at"),
        (json!({ "name": "x", "expires_at": 1.5 }), "expires_at"),
        (json!({ "name": "x", "expires_at": "soon" }), "expires_at"),
        (json!({ "name": "x", "account_id": "1" }), "account_id"),
        (json!({ "name": "x", "secret": "chk_mine" }), "secret"),
        (json!({ "name": "x", "last_used_at": 5 }), "last_used_at"),
    ] {
        let answer = call(&server, &bearer, "POST", "/api-keys", Some(members.clone())).await;
        assert_eq!(answer.status, 400, "{members}: {}", answer.body);
        assert_eq!(answer.json()["member"], member, "{members}");
    }
    assert_eq!(events(&server, "api_key.created").await.len(), 0);
}

#[tokio::test]
async fn nobody_gets_a_key_for_more_than_they_hold_or_let_the_client_do() {
    let server = start().await;
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"editor\", \"viewer\"]\n")
        .await;
    let narrow = token(&server, ALICE, "account:write").await;
    // With more scopes than those of the account the token is still for this server alone.
    let wide = token(&server, ALICE, "account:write accounts:read books:write").await;
    for (bearer, permissions, lacking) in [
        (&narrow, json!([]), None),
        (&narrow, json!(["books:write"]), Some(json!("books:write"))),
        (&narrow, json!(["accounts:read"]), Some(json!("accounts:read"))),
        (&narrow, json!(["*"]), Some(json!("*"))),
        // What she does not hold is not hers to name at all.
        (&narrow, json!(["books:burn"]), Some(json!(null))),
        (&narrow, json!(["accounts:delete"]), Some(json!(null))),
        (&wide, json!(["accounts:read"]), None),
        (&wide, json!(["accounts:read", "books:write"]), None),
        (
            &wide,
            json!(["accounts:read", "books:read"]),
            Some(json!("books:read")),
        ),
        (
            &wide,
            json!(["accounts:read", "roles:read"]),
            Some(json!("roles:read")),
        ),
        (&wide, json!(["*"]), Some(json!("*"))),
    ] {
        let body = json!({ "name": "x", "permissions": permissions });
        let answer = call(&server, bearer, "POST", "/api-keys", Some(body)).await;
        let status = if lacking.is_some() { 403 } else { 201 };
        assert_eq!(answer.status, status, "{permissions}: {}", answer.body);
        if let Some(lacking) = lacking {
            assert_eq!(answer.json()["permission"], lacking, "{}", answer.body);
        }
    }
    assert_eq!(events_with(&server, "api_key.created", "failure").await.len(), 8);
    // Nor by renewing one that was made in the browser.
    let (mut browser, page) = signed_in(&server).await;
    let fields = [("name", "all"), ("everything", "yes")];
    let made = browser.send(Form::at(&page.body, PAGE).filled(&fields)).await;
    assert_eq!(made.status, 200);
    let keys = call(
        &server,
        &token(&server, ALICE, "account:read").await,
        "GET",
        "/api-keys",
        None,
    )
    .await;
    let keys = keys.json();
    let all = keys["api_keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "all")
        .unwrap();
    let path = format!("/api-keys/{}/rotate", all["id"].as_str().unwrap());
    let refused = call(&server, &narrow, "POST", &path, Some(json!({}))).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(is_active(&server, &secret_on(&made).unwrap()).await);
}

#[tokio::test]
async fn an_account_has_no_more_keys_than_it_may() {
    let server = Server::start_with(|config| config.api_keys.max_per_account = 2).await;
    server.apply(super::person::CLIENTS).await;
    let Key { id, .. } = make(&server, json!({})).await;
    make(
        &server,
        json!({ "expires_at": server.clock.now() + Lifetime::seconds(10) }),
    )
    .await;
    let bearer = token(&server, ALICE, "account:write").await;
    let more = async || {
        let body = json!({ "name": "more" });
        call(&server, &bearer, "POST", "/api-keys", Some(body)).await
    };
    let refused = more().await;
    assert_eq!(
        (refused.status, refused.json()["member"].clone()),
        (400, json!("keys"))
    );
    server.advance(Lifetime::seconds(10));
    assert_eq!(more().await.status, 201);
    assert_eq!(more().await.status, 400);
    call(&server, &bearer, "DELETE", &format!("/api-keys/{id}"), None).await;
    assert_eq!(more().await.status, 201);
}

#[tokio::test]
async fn a_configured_lifetime_is_the_longest() {
    let server = Server::start_with(|config| config.api_keys.max_lifetime = Some(Lifetime::days(10))).await;
    server.apply(super::person::CLIENTS).await;
    let now = server.clock.now();
    let bearer = token(&server, ALICE, "account:write").await;
    for (end, status) in [(now + Lifetime::days(10), 201), (now + Lifetime::days(11), 400)] {
        let body = json!({ "name": "x", "expires_at": end });
        let answer = call(&server, &bearer, "POST", "/api-keys", Some(body)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let body = json!({ "name": "x" });
    let made = call(&server, &bearer, "POST", "/api-keys", Some(body)).await;
    assert_eq!(made.json()["expires_at"], json!(now + Lifetime::days(10)));
}

#[tokio::test]
async fn of_two_renewals_at_once_one_wins() {
    let server = start().await;
    let key = make(&server, json!({})).await;
    let bearer = token(&server, ALICE, KEYS).await;
    let path = format!("/api-keys/{}/rotate", key.id);
    let renew = || call(&server, &bearer, "POST", &path, Some(json!({})));
    let (one, two) = tokio::join!(renew(), renew());
    let answers = [one, two];
    let secrets: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert!(!secrets.is_empty());
    let mut active = 0;
    for answer in secrets {
        active += usize::from(is_active(&server, &answer.text("secret")).await);
    }
    assert_eq!(active, 1);
}
