//! `/api/account/v1`: the account pages for programs (RFC 6750, RFC 9457, RFC 9470).

use serde_json::Value;

use super::person::code;
use crate::support::{Answer, Browser, Request, Server, VERIFIER, query_of};

mod access;
mod profile;
mod sign_in;

const CONSOLE: &str = r#"
[[client]]
client_id = "console"
client_secret = "console-secret-of-more-than-32-characters"
redirect_uris = ["https://console.example/cb"]
grant_types = ["authorization_code", "refresh_token", "password", "client_credentials"]
scope = "openid offline_access account:read account:write books:read"
resources = ["https://api.example/"]
"#;
const SECRET: &str = "console-secret-of-more-than-32-characters";
const ALL: &str = "openid account:read account:write";

async fn start() -> Server {
    let server = Server::start().await;
    server.apply(CONSOLE).await;
    server
}

/// An access token for somebody's password, and their code where they have a second factor.
async fn token(server: &Server, (name, password): (&str, &str), scope: &str) -> String {
    let otp = code(server);
    let mut pairs = vec![
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ];
    if name == "bob" {
        pairs.push(("otp", &otp));
    }
    let answer = server.token_as("console", SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

/// An access token for the session of a browser.
async fn session_token(server: &Server, browser: &mut Browser<'_>) -> String {
    let path = server.authorize(&[
        ("client_id", "console"),
        ("redirect_uri", "https://console.example/cb"),
        ("scope", ALL),
    ]);
    let answer = browser.open(&path).await;
    let code = query_of(answer.location(), "code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", "https://console.example/cb"),
        ("code_verifier", VERIFIER),
    ];
    server
        .token_as("console", SECRET, &pairs)
        .await
        .text("access_token")
}

fn api(method: &'static str, path: &str) -> Request {
    Request::new(method, format!("/api/account/v1{path}"))
}

fn with_json(method: &'static str, path: &str, body: &Value) -> Request {
    api(method, path)
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// Checks that a refusal is a problem document, and gives its status and error.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{} {}",
        answer.status,
        answer.body
    );
    assert_eq!(answer.json()["status"], answer.status);
    let error = answer.json()["error"].as_str().unwrap_or_default().to_owned();
    (answer.status, error)
}
