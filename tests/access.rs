//! Access decisions: the Authorization API, the permissions on single things that it looks at, and forward-auth.

use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde_json::{Value, json};
use store::Conn;
use store::roles::Assignment;

use crate::support::{Answer, Request, Server};

mod api_keys;
mod decisions;
mod evaluation;
mod forward_auth;
mod nginx;
mod resources;
mod search;

const SECRET: &str = "asking-secret-of-more-than-32-characters";
const CLIENTS: &str = r#"
[[role]]
name = "librarian"
permissions = ["books:read", "books:write", "access:read", "access:write"]

[[scope]]
name = "docs"
requires = ["docs:*"]

[[client]]
client_id = "asking"
client_secret = "asking-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "access:evaluate access:read access:write docs"

[[client]]
client_id = "desk"
client_secret = "asking-secret-of-more-than-32-characters"
grant_types = ["password"]
scope = "openid access:evaluate access:read access:write books:read books:write"

[[account]]
username = "carol"
email = "Carol@example.test"
email_verified = true
password = "carol looks after the books here"
roles = ["librarian"]
"#;

/// A server with a service that asks, people at a desk, and a librarian.
async fn library() -> Server {
    let server = Server::start().await;
    server.apply(CLIENTS).await;
    server
}

/// An access token of the service, or of another client with the same secret.
async fn token(server: &Server, client: &str, scope: &str) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = server.token_as(client, SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

/// An access token of a person.
async fn token_of(server: &Server, name: &str, password: &str, scope: &str) -> String {
    let pairs = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ];
    let answer = server.token_as("desk", SECRET, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

const CAROL: &str = "carol looks after the books here";
const ALICE: &str = "correct horse battery staple";

async fn post(server: &Server, token: &str, path: &str, body: &Value) -> Answer {
    let request = Request::new("POST", path)
        .bearer(token)
        .header("content-type", "application/json");
    server.send(request.body(body.to_string())).await
}

fn question(subject: &str, action: &str, (kind, id): (&str, &str)) -> Value {
    json!({
        "subject": { "type": "user", "id": subject },
        "action": { "name": action },
        "resource": { "type": kind, "id": id },
    })
}

/// The reason of a decision, or `none` when it is no.
async fn reason(server: &Server, token: &str, question: &Value) -> String {
    let answer = post(server, token, "/access/v1/evaluation", question).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let reason = json["context"]["reason"].as_str().unwrap().to_owned();
    assert_eq!(json["decision"], json!(reason != "none"));
    reason
}

/// Makes a thing known.
async fn own(server: &Server, thing: (&'static str, &str), owner: Option<AccountId>) {
    let (now, id) = (server.clock.now(), thing.1.to_owned());
    let insert =
        async move |db: &mut Conn| store::owned_resources::insert(db, thing.0, &id, owner, now).await;
    assert!(server.running.app.store.write(insert).await.unwrap());
}

/// Gives a permission on a thing.
async fn give(
    server: &Server,
    thing: (&'static str, &str),
    account: AccountId,
    permission: &str,
    expires_at: Option<Timestamp>,
) {
    let id = thing.1.to_owned();
    let given = store::resource_permissions::ResourcePermission {
        account,
        permission: permission.to_owned(),
        expires_at,
        granted_at: server.clock.now(),
        granted_by: None,
    };
    let grant = async move |db: &mut Conn| store::resource_permissions::grant(db, thing.0, &id, &given).await;
    server.running.app.store.write(grant).await.unwrap();
}

/// Gives a role.
async fn assign(server: &Server, account: AccountId, role: &str, expires_at: Option<Timestamp>) {
    let assignment = Assignment {
        role: role.to_owned(),
        expires_at,
        granted_at: server.clock.now(),
        granted_by: None,
    };
    let assign = async move |db: &mut Conn| store::roles::assign_role(db, account, &assignment).await;
    server.running.app.store.write(assign).await.unwrap();
}
