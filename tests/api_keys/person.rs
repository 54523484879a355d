//! Somebody who makes keys, and programs that use them.

use serde_json::{Value, json};

use crate::support::{Answer, Request, Server, basic};

pub(super) const CLIENTS: &str = r#"
[[account]]
username = "alice"
roles = ["editor"]

[[role]]
name = "key-keeper"
permissions = ["api-keys:read", "api-keys:revoke"]

[[client]]
client_id = "console"
client_secret = "console-secret-of-more-than-32-characters"
grant_types = ["password", "client_credentials"]
scope = "openid account:read account:write accounts:read api-keys:read api-keys:revoke books:read books:write"

[[client]]
client_id = "books"
client_secret = "books-secret-of-more-than-32-characters"
grant_types = ["urn:ietf:params:oauth:grant-type:token-exchange"]
scope = "openid account:write books:read books:write accounts:read"
resources = ["https://api.example/"]
authority_in_tokens = true
"#;
pub(super) const BOOKS: (&str, &str) = ("books", "books-secret-of-more-than-32-characters");
pub(super) const API: (&str, &str) = ("api", "api-secret-of-more-than-32-characters");
pub(super) const ALICE: (&str, &str) = ("alice", "correct horse battery staple");
const CONSOLE: (&str, &str) = ("console", "console-secret-of-more-than-32-characters");

/// A server that exchanges keys, and alice is an editor.
pub(super) async fn start() -> Server {
    let server = Server::start_with(|config| config.api_keys.token_exchange = true).await;
    server.apply(CLIENTS).await;
    server
}

/// An access token of somebody who has just typed their password.
pub(super) async fn token(server: &Server, (name, password): (&str, &str), scope: &str) -> String {
    let pairs = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
        ("scope", scope),
    ];
    let answer = server.token_as(CONSOLE.0, CONSOLE.1, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

/// A call of the account API.
pub(super) async fn call(
    server: &Server,
    token: &str,
    method: &'static str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let mut request = Request::new(method, format!("/api/account/v1{path}")).bearer(token);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    server.send(request).await
}

/// What alice asks for to make keys for the books.
pub(super) const KEYS: &str = "account:write books:read books:write";

/// A key that was made: its identifier and its secret.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: String,
}

/// Makes a key of alice with these members.
pub(super) async fn make(server: &Server, members: Value) -> Key {
    let token = token(server, ALICE, KEYS).await;
    let mut body = json!({ "name": "backup", "permissions": ["books:write"] });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let answer = call(server, &token, "POST", "/api-keys", Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    Key {
        id: answer.text("id"),
        secret: answer.text("secret"),
    }
}

/// Revokes a key of alice.
pub(super) async fn revoke(server: &Server, key: &Key) {
    let token = token(server, ALICE, "account:write").await;
    let answer = call(server, &token, "DELETE", &format!("/api-keys/{}", key.id), None).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

/// What a resource server is told of a key, with further parameters.
pub(super) async fn ask(server: &Server, secret: &str, further: &[(&str, &str)]) -> Answer {
    let pairs: Vec<_> = std::iter::once(("token", secret))
        .chain(further.iter().copied())
        .collect();
    let request = Request::form("/introspect", &pairs).header("authorization", basic(API.0, API.1));
    server.send(request).await
}

/// Whether a resource server takes a key.
pub(super) async fn is_active(server: &Server, secret: &str) -> bool {
    let answer = ask(server, secret, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    if json["active"] == false {
        assert_eq!(json, json!({ "active": false }));
    }
    json["active"] == true
}

/// An exchange of a key by the client `books`, with further parameters.
pub(super) async fn exchange(server: &Server, secret: &str, further: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", secret),
        ("subject_token_type", "urn:chancery:token-type:api-key"),
    ];
    pairs.retain(|(name, _)| !further.iter().any(|(changed, _)| changed == name));
    pairs.extend(further.iter().filter(|(_, value)| !value.is_empty()));
    server.token_as(BOOKS.0, BOOKS.1, &pairs).await
}

/// The events of a kind that tell of success, or of a refusal, the newest first.
pub(super) async fn events(server: &Server, kind: &str) -> Vec<store::audit::Event> {
    let outcome = if kind == "api_key.refused" {
        "failure"
    } else {
        "success"
    };
    events_with(server, kind, outcome).await
}

/// The events of a kind with an outcome, the newest first.
pub(super) async fn events_with(server: &Server, kind: &str, outcome: &str) -> Vec<store::audit::Event> {
    let filter = store::audit::Filter {
        kind: Some(kind.to_owned()),
        outcome: Some(outcome.to_owned()),
        ..store::audit::Filter::default()
    };
    let list = async move |db: &mut store::Conn| store::audit::list(db, &filter, 50).await;
    server.running.app.store.read(list).await.unwrap()
}
