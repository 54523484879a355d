//! A directory that provisions.

use protocol::id::AccountId;
use protocol::role::Authority;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Request, Server};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const SECRET: &str = "directory-secret-of-more-than-32-characters";

const CLIENTS: &str = r#"
[[role]]
name = "writer"
permissions = ["books:write"]

[[client]]
client_id = "directory"
client_secret = "directory-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "scim:provision books:write accounts:read"

[[scope]]
name = "all"
requires = ["*"]

[[client]]
client_id = "keeper"
client_secret = "directory-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "all scim:provision"

[[client]]
client_id = "staff"
client_secret = "directory-secret-of-more-than-32-characters"
grant_types = ["password"]
scope = "openid scim:provision accounts:read"

[[account]]
username = "root"
email = "root@example.test"
password = "root may do everything in this house"
roles = ["super_admin"]
"#;

/// A server with a token to provision.
pub(super) struct Directory {
    pub(super) server: Server,
    pub(super) token: String,
}

impl Directory {
    pub(super) async fn start() -> Directory {
        let server = Server::start_with(|config| {
            config.scim.enabled = true;
            let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            config.scim.group_roles = [
                ("Writers".to_owned(), roles(&["writer"])),
                ("Owners".to_owned(), roles(&["super_admin"])),
                ("Editors".to_owned(), roles(&["editor"])),
                ("Ghosts".to_owned(), roles(&["writer", "no-such-role"])),
            ]
            .into();
        })
        .await;
        server.apply(CLIENTS).await;
        let mut directory = Directory {
            server,
            token: String::new(),
        };
        directory.token = directory.client_token("scim:provision books:write").await;
        directory
    }

    pub(super) async fn client_token(&self, scope: &str) -> String {
        self.token_of("directory", scope).await
    }

    /// The token of a client that may do everything.
    pub(super) async fn keeper_token(&self) -> String {
        self.token_of("keeper", "all scim:provision").await
    }

    async fn token_of(&self, client: &str, scope: &str) -> String {
        let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
        let answer = self.server.token_as(client, SECRET, &pairs).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("access_token")
    }

    /// The token of a person that may provision.
    pub(super) async fn staff_token(&self, name: &str, password: &str, scope: &str) -> String {
        let pairs = [
            ("grant_type", "password"),
            ("username", name),
            ("password", password),
            ("scope", scope),
        ];
        let answer = self.server.token_as("staff", SECRET, &pairs).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("access_token")
    }

    pub(super) async fn root_token(&self) -> String {
        let password = "root may do everything in this house";
        self.staff_token("root", password, "openid scim:provision").await
    }

    pub(super) fn request(&self, method: &'static str, path: &str, body: Option<&Value>) -> Request {
        let request = Request::new(method, format!("/scim/v2{path}"));
        match body {
            Some(body) => request
                .header("content-type", "application/scim+json")
                .body(body.to_string()),
            None => request,
        }
    }

    pub(super) async fn send(&self, method: &'static str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path, body).bearer(&self.token);
        self.server.send(request).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// Makes a user, and gives its identifier.
    pub(super) async fn add_user(&self, name: &str, more: &Value) -> String {
        let mut body = json!({ "schemas": [USER], "userName": name });
        let more = more.as_object().cloned().unwrap_or_default();
        body.as_object_mut().unwrap().extend(more);
        let answer = self.post("/Users", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.text("id")
    }

    /// Makes a group, and gives its identifier.
    pub(super) async fn add_group(&self, name: &str, members: &[&str]) -> String {
        let answer = self.post("/Groups", &group(name, members)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.text("id")
    }

    pub(super) async fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = patch(operations);
        self.send("PATCH", path, Some(&body)).await
    }

    /// What an account holds.
    pub(super) async fn authority(&self, id: &str) -> Authority {
        let (id, now) = (account(id), self.server.clock.now());
        let read = async move |db: &mut store::Conn| store::roles::authority(db, id, now).await;
        self.server.running.app.store.read(read).await.unwrap()
    }

    /// An account as it is stored.
    pub(super) async fn stored(&self, id: &str) -> Option<store::Account> {
        let id = account(id);
        let read = async move |db: &mut store::Conn| store::accounts::find(db, id).await;
        self.server.running.app.store.read(read).await.unwrap()
    }

    pub(super) async fn id_of(&self, name: &str) -> String {
        self.server.account_id(name).await.to_string()
    }

    /// The values of an attribute in a list.
    pub(super) async fn listed(&self, path: &str, attribute: &str) -> Vec<String> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        values(&answer, attribute)
    }
}

pub(super) fn account(id: &str) -> AccountId {
    AccountId(Uuid::parse_str(id).unwrap())
}

pub(super) fn values(answer: &Answer, attribute: &str) -> Vec<String> {
    let json = answer.json();
    let resources = json["Resources"].as_array().unwrap();
    let value = |resource: &Value| resource[attribute].as_str().unwrap_or_default().to_owned();
    resources.iter().map(value).collect()
}

pub(super) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

pub(super) fn patch(operations: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

/// Text as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Checks that a refusal is a SCIM error, and gives its status and keyword.
pub(super) fn error(answer: &Answer) -> (u16, String) {
    let json = answer.json();
    assert_eq!(
        answer.header("content-type"),
        Some("application/scim+json"),
        "{}",
        answer.body
    );
    assert_eq!(json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    assert_eq!(json["status"], answer.status.to_string());
    assert!(json["detail"].is_string());
    let keyword = json["scimType"].as_str().unwrap_or_default().to_owned();
    (answer.status, keyword)
}

pub(super) fn is(status: u16, keyword: &str) -> (u16, String) {
    (status, keyword.to_owned())
}
