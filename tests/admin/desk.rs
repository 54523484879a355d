//! People who administer, with tokens for the admin API.

use serde_json::Value;

use crate::support::{Answer, Request, Server};

const PEOPLE: &str = r#"
[[role]]
name = "librarian"
permissions = ["books:write", "roles:read", "roles:write", "clients:read", "clients:write", "upstreams:read", "upstreams:write"]

[[client]]
client_id = "desk"
client_secret = "desk-secret-of-more-than-32-characters"
grant_types = ["password"]
scope = "openid SCOPE"

[[account]]
username = "root"
password = "root sits on the seventh floor"
roles = ["super_admin"]

[[account]]
username = "anna"
password = "anna runs it day by day"
roles = ["admin"]

[[account]]
username = "vera"
password = "vera sees and never touches"
roles = ["viewer"]

[[account]]
username = "libby"
password = "libby looks after the books"
roles = ["librarian"]
"#;

pub(super) const ROOT: (&str, &str) = ("root", "root sits on the seventh floor");
pub(super) const ANNA: (&str, &str) = ("anna", "anna runs it day by day");
pub(super) const VERA: (&str, &str) = ("vera", "vera sees and never touches");
pub(super) const LIBBY: (&str, &str) = ("libby", "libby looks after the books");

/// A server with the people above.
pub(super) async fn start() -> Server {
    let server = Server::start().await;
    let own: Vec<&str> = protocol::permission::OWN.iter().map(|(name, _)| *name).collect();
    server.apply(&PEOPLE.replace("SCOPE", &own.join(" "))).await;
    server
}

/// Somebody who calls the admin API.
pub(super) struct Caller<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Caller<'a> {
    /// With a token for all that the person may do.
    pub(super) async fn new(server: &'a Server, (name, password): (&str, &str)) -> Caller<'a> {
        let own: Vec<&str> = protocol::permission::OWN.iter().map(|(name, _)| *name).collect();
        let scope = own.join(" ");
        let pairs = [
            ("grant_type", "password"),
            ("username", name),
            ("password", password),
            ("scope", scope.as_str()),
        ];
        let secret = "desk-secret-of-more-than-32-characters";
        let answer = server.token_as("desk", secret, &pairs).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Caller {
            server,
            token: answer.text("access_token"),
        }
    }

    fn request(&self, method: &'static str, path: &str) -> Request {
        Request::new(method, format!("/api/admin/v1{path}")).bearer(&self.token)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.server.send(self.request("GET", path)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.server.send(self.request("DELETE", path)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_body("POST", path, body, &[]).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.with_body("PATCH", path, body, &[]).await
    }

    /// A request with further headers.
    pub(super) async fn with_body(
        &self,
        method: &'static str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self
            .request(method, path)
            .header("content-type", "application/json")
            .body(body.to_string());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.server.send(request).await
    }

    /// The kinds of the events that match a filter, sorted: those of one second have no order.
    pub(super) async fn kinds(&self, filter: &str) -> Vec<String> {
        let listed = self.get(&format!("/audit?limit=200&{filter}")).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        let items = listed.json()["items"].as_array().unwrap().clone();
        let kind = |item: &Value| item["kind"].as_str().unwrap().to_owned();
        let mut kinds: Vec<String> = items.iter().map(kind).collect();
        kinds.sort();
        kinds
    }
}

/// The member that a problem names.
pub(super) fn member(answer: &Answer) -> (u16, String) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{} {}",
        answer.status,
        answer.body
    );
    let member = answer.json()["member"].as_str().unwrap_or_default().to_owned();
    (answer.status, member)
}
