//! Accounts from elsewhere, and declarative files that meet each other.

use serde_json::{Value, json};

use crate::support::{Answer, Browser, Request, Server};

mod csv;
mod declarative;
mod keycloak;
mod limits;
mod passkey;

const OPS: &str = r#"
[[role]]
name = "importer"
permissions = ["accounts:export"]

[[role]]
name = "assigner"
permissions = ["accounts:export", "roles:assign", "books:read", "books:write"]

[[client]]
client_id = "ops"
client_secret = "ops-secret-of-more-than-32-characters"
grant_types = ["password"]
scope = "openid accounts:export roles:assign"
"#;
const SECRET: &str = "ops-secret-of-more-than-32-characters";
const ALICE: &str = "correct horse battery staple";

/// A server, and the token of alice, who holds this role.
async fn start(role: &str) -> (Server, String) {
    start_with(role, |_| ()).await
}

async fn start_with(role: &str, change: impl FnOnce(&mut chancery::config::Config)) -> (Server, String) {
    let server = Server::start_with(change).await;
    server.apply(OPS).await;
    server
        .apply(&format!(
            "[[account]]\nusername = \"alice\"\nroles = [\"{role}\"]\n"
        ))
        .await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", ALICE),
        ("scope", "openid accounts:export roles:assign"),
    ];
    let answer = server.token_as("ops", SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.text("access_token");
    (server, token)
}

async fn send(server: &Server, token: &str, kind: &str, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = Request::new("POST", format!("/api/admin/v1/import{query}"))
        .header("content-type", kind)
        .body(body)
        .bearer(token);
    server.send(request).await
}

/// The report of an import that is done.
async fn import(server: &Server, token: &str, kind: &str, query: &str, body: &str) -> Value {
    let answer = send(server, token, kind, query, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// How many were created, unchanged and skipped.
fn counts(report: &Value) -> Value {
    json!([report["created"], report["unchanged"], report["skipped"]])
}

async fn signs_in(server: &Server, name: &str, password: &str) -> Answer {
    Browser::new(server).sign_in("/account", name, password).await
}

async fn exists(server: &Server, name: &str) -> bool {
    let name = name.to_owned();
    let find = async move |db: &mut store::Conn| store::accounts::find_by_login(db, &name).await;
    server.running.app.store.read(find).await.unwrap().is_some()
}
