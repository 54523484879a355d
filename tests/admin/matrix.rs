//! Every operation of the document for everybody: who may come in is exactly who holds what it says it needs.

use protocol::permission;
use protocol::time::Lifetime;
use serde_json::Value;

use super::openapi::METHODS;
use super::{DESK, problem, start, token};
use crate::support::{Request, Server};

/// Who tries, what with, and what they hold; nothing where they must not even be known.
struct Caller {
    name: &'static str,
    token: Option<String>,
    held: Option<std::collections::BTreeSet<String>>,
}

async fn client_token(server: &Server, scope: &str) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = server.token_as("desk", DESK, &pairs).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.text("access_token")
}

async fn elsewhere(server: &Server) -> String {
    let pairs = [
        ("grant_type", "password"),
        ("username", "root"),
        ("password", super::PASSWORD),
        ("scope", "accounts:read accounts:write books:read"),
        ("resource", "https://api.example/"),
    ];
    server.token_as("desk", DESK, &pairs).await.text("access_token")
}

async fn callers(server: &Server) -> Vec<Caller> {
    let stranger = |name, token| Caller {
        name,
        token,
        held: None,
    };
    let mut callers = vec![
        stranger("anonymous", None),
        stranger("junk", Some("junk".to_owned())),
        stranger("for another audience", Some(elsewhere(server).await)),
        Caller {
            name: "client without a scope of ours",
            token: Some(client_token(server, "plain:read").await),
            held: Some(Default::default()),
        },
        Caller {
            name: "client that may read accounts",
            token: Some(client_token(server, "accounts:read").await),
            held: Some([permission::ACCOUNTS_READ.to_owned()].into()),
        },
    ];
    for name in ["paula", "vera", "mo", "anna", "root"] {
        let id = server.account_id(name).await;
        let now = server.clock.now();
        let held = async move |db: &mut store::Conn| store::roles::authority(db, id, now).await;
        let held = server.running.app.store.read(held).await.unwrap().permissions;
        callers.push(Caller {
            name,
            token: Some(token(server, name).await),
            held: Some(held),
        });
    }
    callers
}

fn request(method: &str, path: &str, operation: &Value) -> Request {
    let method = match method {
        "get" => "GET",
        "put" => "PUT",
        "post" => "POST",
        "patch" => "PATCH",
        _ => "DELETE",
    };
    let mut filled = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let value = match parameter["schema"]["format"].as_str() {
            Some("uuid") => "00000000-0000-0000-0000-000000000000",
            _ => "nobody",
        };
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    let request = Request::new(method, format!("/api/admin/v1{filled}"));
    if operation.get("requestBody").is_some() {
        return request.header("content-type", "application/json").body("{}");
    }
    request
}

#[tokio::test]
async fn who_may_come_in_holds_what_the_operation_needs() {
    let server = start().await;
    let document = server.get("/api/admin/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let mut tried = 0;
    for caller in callers(&server).await {
        for (path, item) in paths {
            for method in METHODS {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let needed = operation["x-permission"].as_str().unwrap();
                let mut request = request(method, path, operation);
                if let Some(token) = &caller.token {
                    request = request.bearer(token);
                }
                let answer = server.send(request).await;
                let what = format!(
                    "{} {method} {path}: {} {}",
                    caller.name, answer.status, answer.body
                );
                assert!(answer.status < 500, "{what}");
                tried += 1;
                match &caller.held {
                    None => assert_eq!(problem(&answer).0, 401, "{what}"),
                    Some(held) if permission::covers(held, needed) => {
                        let lacks = answer.status == 403 && answer.json()["permission"] == needed;
                        assert!(answer.status != 401 && !lacks, "{what}");
                    }
                    Some(_) => {
                        let (status, body) = problem(&answer);
                        assert_eq!((status, &body["permission"]), (403, &needed.into()), "{what}");
                    }
                }
            }
        }
        // What a network may ask in a minute is not the point here.
        server.advance(Lifetime::seconds(20));
    }
    assert!(tried > 250, "{tried}");
}
