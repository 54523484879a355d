//! A copy of all data, for the holder and for those who look after people.

use protocol::time::Lifetime;
use serde_json::Value;

use super::{PASSWORD, at, send, start, token};
use crate::support::{Request, Server};

const EXPORT: &str = "/account/privacy/export";

fn check(document: &Value) {
    assert_eq!(document["account"]["username"], "zaphod-quux");
    assert_eq!(document["account"]["claims"]["nickname"], "Zaph");
    assert_eq!(document["roles"][0]["role"], "editor");
    assert_eq!(document["custom_permissions"][0], "reports:view");
    assert_eq!(document["password"]["set"], true);
    assert_eq!(document["second_factors"]["totp"][0]["name"], "Configured");
    assert!(!document["events"].as_array().unwrap().is_empty());
    for member in [
        "groups",
        "sessions",
        "grants",
        "consents",
        "consent_records",
        "identities",
        "api_keys",
        "owned_resources",
        "resource_permissions",
        "links",
    ] {
        assert!(document[member].is_array(), "{member}");
    }
    let text = document.to_string();
    for secret in ["$argon2", "JBSWY3DP", "secret_hash", "token_hash", "sealed"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

async fn with_factor(server: &Server) {
    server
        .apply(
            "[[account]]\nusername = \"zaphod-quux\"\ntotp_secret = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"\n",
        )
        .await;
}

#[tokio::test]
async fn the_page_gives_a_file_of_everything_but_secrets() {
    let server = start(|_| ()).await;
    let (mut browser, page) = at(&server, "/account/privacy").await;
    let file = send(&mut browser, &page, EXPORT, &[]).await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"account.json\"")
    );
    assert_eq!(file.header("cache-control"), Some("no-store"));
    assert_eq!(file.json()["sessions"].as_array().unwrap().len(), 1);
    let forged = Request::form(EXPORT, &[("csrf", "x")]);
    assert_eq!(browser.send(forged).await.status, 403);
    server.advance(Lifetime::minutes(6));
    let asked = send(&mut browser, &page, EXPORT, &[]).await;
    assert!(asked.location().starts_with("/login"), "{}", asked.location());
}

#[tokio::test]
async fn programs_get_the_same_for_a_fresh_sign_in() {
    let server = start(|_| ()).await;
    let bearer = token(&server, "zaphod-quux", PASSWORD, "openid account:read").await;
    let export = Request::get("/api/account/v1/export").bearer(&bearer);
    assert_eq!(server.send(export.clone()).await.status, 200);
    assert_eq!(server.get("/api/account/v1/export").await.status, 401);
    server.advance(Lifetime::minutes(6));
    let stale = server.send(export).await;
    assert_eq!(stale.refusal(), (401, "insufficient_user_authentication".into()));
}

#[tokio::test]
async fn administrators_need_the_permission_to_export() {
    let server = start(|_| ()).await;
    with_factor(&server).await;
    server
        .apply(
            "[[role]]\nname = \"archivist\"\npermissions = [\"accounts:export\"]\n\
             [[account]]\nusername = \"alice\"\nroles = [\"archivist\"]\n",
        )
        .await;
    let id = server.account_id("zaphod-quux").await;
    let path = format!("/api/admin/v1/accounts/{id}/export");
    let alice = token(
        &server,
        "alice",
        "correct horse battery staple",
        "openid accounts:export",
    )
    .await;
    let document = server.send(Request::get(&path).bearer(&alice)).await;
    assert_eq!(document.status, 200, "{}", document.body);
    check(&document.json());
    // It is on record, and the record tells its subject no more than that it was an account.
    let again = server.send(Request::get(&path).bearer(&alice)).await.json();
    let mut events = again["events"].as_array().unwrap().iter();
    let exported = events.find(|event| event["kind"] == "account.exported").unwrap();
    assert_eq!(exported["by"], "account");
    let other = Request::get(format!(
        "/api/admin/v1/accounts/{}/export",
        chancery::random::uuid()
    ));
    assert_eq!(server.send(other.bearer(&alice)).await.status, 404);
    let narrow = token(
        &server,
        "alice",
        "correct horse battery staple",
        "openid account:read",
    )
    .await;
    assert_eq!(server.send(Request::get(&path).bearer(&narrow)).await.status, 403);
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = []\n")
        .await;
    assert_eq!(server.send(Request::get(&path).bearer(&alice)).await.status, 403);
}
