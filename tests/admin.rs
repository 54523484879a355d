//! `/api/admin/v1`: administration for programs, by people with more or less to say.

mod accounts;
mod assignments;
mod audit;
mod clients;
mod desk;
mod ends;
mod keys;
mod last;
mod listing;
mod matrix;
mod openapi;
mod recovery;
mod roles;
mod sessions;

use protocol::permission::OWN;
use serde_json::Value;

use crate::support::{Answer, Browser, Request, Server};

pub(crate) const PASSWORD: &str = "seven green lamps over water";
pub(crate) const DESK: &str = "desk-secret-of-more-than-32-characters";

/// `root` holds everything, the others less; `paula` is nobody's administrator.
const PEOPLE: &str = r#"
[[scope]]
name = "plain:read"
description = "Nothing of ours"

[[role]]
name = "librarian"
permissions = ["books:write", "roles:assign", "accounts:read", "accounts:write"]

[[account]]
username = "root"
email = "root@example.test"
password = "seven green lamps over water"
roles = ["super_admin"]

[[account]]
username = "anna"
email = "anna@example.test"
password = "seven green lamps over water"
roles = ["admin"]

[[account]]
username = "mo"
email = "mo@example.test"
password = "seven green lamps over water"
roles = ["moderator"]

[[account]]
username = "vera"
email = "vera@example.test"
password = "seven green lamps over water"
roles = ["viewer"]

[[account]]
username = "paula"
email = "paula@example.test"
email_verified = true
password = "seven green lamps over water"
roles = ["user"]
claims = { name = "Paula Example" }
"#;

/// A server with people, and a client that may ask for all there is.
pub(crate) async fn start() -> Server {
    start_with(|_| ()).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut chancery::config::Config)) -> Server {
    let server = Server::start_with(|config| {
        config.admin.openapi = true;
        change(config);
    })
    .await;
    let own: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
    let client = format!(
        r#"
[[client]]
client_id = "desk"
client_secret = "{DESK}"
redirect_uris = ["https://desk.example/cb"]
grant_types = ["authorization_code", "refresh_token", "password", "client_credentials"]
scope = "openid books:read plain:read account:read {}"
resources = ["https://api.example/"]
"#,
        own.join(" ")
    );
    server.apply(&format!("{PEOPLE}{client}")).await;
    server
}

/// An access token of somebody for all they may do.
pub(crate) async fn token(server: &Server, name: &str) -> String {
    let own: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
    let scope = format!("openid {}", own.join(" "));
    let pairs = [
        ("grant_type", "password"),
        ("username", name),
        ("password", PASSWORD),
        ("scope", &scope),
    ];
    let answer = server.token_as("desk", DESK, &pairs).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    answer.text("access_token")
}

pub(crate) fn api(method: &'static str, path: &str, token: &str) -> Request {
    Request::new(method, format!("/api/admin/v1{path}")).bearer(token)
}

pub(crate) fn with_json(method: &'static str, path: &str, token: &str, body: &Value) -> Request {
    api(method, path, token)
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// Checks that a refusal is a problem document, and gives its status and body.
pub(crate) fn problem(answer: &Answer) -> (u16, Value) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{} {}",
        answer.status,
        answer.body
    );
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    (answer.status, body)
}

/// The path of an account.
pub(crate) async fn path(server: &Server, name: &str) -> String {
    format!("/accounts/{}", server.account_id(name).await)
}

/// The account as `root` sees it.
pub(crate) async fn shown(server: &Server, name: &str) -> Value {
    let root = token(server, "root").await;
    server
        .send(api("GET", &path(server, name).await, &root))
        .await
        .json()
}

/// How many events of a kind there are, and the last of them.
pub(crate) async fn events(server: &Server, kind: &'static str) -> (usize, Option<store::audit::Event>) {
    let filter = store::audit::Filter {
        kind: Some(kind.to_owned()),
        ..Default::default()
    };
    let read = async move |db: &mut store::Conn| store::audit::list(db, &filter, 100).await;
    let found = server.running.app.store.read(read).await.unwrap();
    (found.len(), found.into_iter().next())
}

/// Whether a browser is signed in.
pub(crate) async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    let page = browser.open("/account").await;
    page.status == 200 && !page.body.contains("name=\"password\"")
}

/// Whether a password leads back to the app.
pub(crate) async fn signs_in(server: &Server, name: &str, password: &str) -> bool {
    let path = server.authorize(&[]);
    let answer = Browser::new(server).sign_in(&path, name, password).await;
    answer.header("location").is_some()
}
