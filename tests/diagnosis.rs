//! Why something does not work, asked over the admin API and by command.

use protocol::time::Lifetime;
use serde_json::Value;

use crate::support::{Answer, Request, Server};

const OPS: &str = r#"
[[client]]
client_id = "ops"
client_secret = "ops-secret-of-more-than-32-characters"
grant_types = ["client_credentials"]
scope = "accounts:read grants:read installation:read sessions:read"
"#;

struct Bench {
    server: Server,
    token: String,
}

impl Bench {
    async fn start() -> Bench {
        // Nobody listens there.
        let server = Server::start_with(|config| config.server.issuer = "http://localhost:9".into()).await;
        server.apply(OPS).await;
        let token = Bench::token(&server, "accounts:read grants:read installation:read").await;
        Bench { server, token }
    }

    async fn token(server: &Server, scope: &str) -> String {
        let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
        let secret = "ops-secret-of-more-than-32-characters";
        let answer = server.token_as("ops", secret, &pairs).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.text("access_token")
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("/api/admin/v1{path}")).bearer(&self.token);
        self.server.send(request).await
    }

    async fn inspect(&self, token: &str) -> Value {
        let body = serde_json::json!({ "token": token }).to_string();
        let request = Request::new("POST", "/api/admin/v1/tokens/inspect")
            .header("content-type", "application/json")
            .body(body)
            .bearer(&self.token);
        let answer = self.server.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}

/// The check of a name.
fn check(document: &Value, name: &str) -> Value {
    let found = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {document}")).clone()
}

#[tokio::test]
async fn an_account_that_is_shut_is_said_to_be_with_the_remedy() {
    let bench = Bench::start().await;
    let id = bench.server.account_id("alice").await;
    let path = format!("/accounts/{id}/diagnosis");
    let open = bench.get(&path).await;
    assert_eq!(open.status, 200, "{}", open.body);
    assert_eq!(check(&open.json(), "state")["level"], "ok");
    let now = bench.server.clock.now();
    let disable = async move |db: &mut store::Conn| store::accounts::set_disabled(db, id, true, now).await;
    bench.server.running.app.store.write(disable).await.unwrap();
    let shut = bench.get(&path).await.json();
    assert_eq!(shut["level"], "problem");
    assert_eq!(check(&shut, "state")["remedy"], "enable it");
    let nobody = bench.get(&format!("/accounts/{}/diagnosis", uuid())).await;
    assert_eq!(nobody.status, 404);
}

fn uuid() -> &'static str {
    "00000000-0000-4000-8000-000000000000"
}

#[tokio::test]
async fn wrong_passwords_show_in_the_diagnosis_of_their_account() {
    let bench = Bench::start().await;
    let id = bench.server.account_id("alice").await;
    let wrong = [
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", "wrong"),
    ];
    let refused = bench
        .server
        .token_as("cli", "cli-secret-of-more-than-32-characters", &wrong)
        .await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let document = bench.get(&format!("/accounts/{id}/diagnosis")).await.json();
    let found = check(&document, "wrong passwords");
    assert_eq!(found["level"], "notice", "{found}");
    assert!(
        found["finding"].as_str().unwrap().starts_with("1 wrong"),
        "{found}"
    );
}

#[tokio::test]
async fn a_report_weighs_what_an_account_may_do() {
    let bench = Bench::start().await;
    let id = bench.server.account_id("alice").await;
    let path = format!("/accounts/{id}/security-report");
    let before = bench.get(&path).await;
    assert_eq!(before.status, 200, "{}", before.body);
    assert_ne!(before.json()["risk"], "high");
    let now = bench.server.clock.now();
    let give = async move |db: &mut store::Conn| {
        store::roles::set_account_roles(db, id, &["super_admin".to_owned()].into(), now).await
    };
    bench.server.running.app.store.write(give).await.unwrap();
    let after = bench.get(&path).await.json();
    assert_eq!(after["risk"], "high", "{after}");
    assert_eq!(check(&after, "second factor")["level"], "problem");
}

#[tokio::test]
async fn a_token_is_told_apart_and_said_to_be_good_or_why_not() {
    let bench = Bench::start().await;
    let server = &bench.server;
    let tokens = server.tokens(&[("scope", "openid offline_access")]).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let good = bench.inspect(&access).await;
    assert_eq!(
        (&good["kind"], &good["active"]),
        (&"access_token".into(), &true.into())
    );
    assert_eq!(good["signature"], "valid");
    let id = bench.inspect(&tokens.text("id_token")).await;
    assert_eq!((&id["kind"], &id["active"]), (&"id_token".into(), &true.into()));
    let first = bench.inspect(&refresh).await;
    assert_eq!(
        (&first["kind"], &first["active"]),
        (&"refresh_token".into(), &true.into())
    );
    assert_eq!(server.refresh(&refresh).await.status, 200);
    let used = bench.inspect(&refresh).await;
    assert_eq!((&used["active"], &used["used"]), (&false.into(), &true.into()));
    assert!(used["reason"].as_str().unwrap().contains("used"), "{used}");
    let (rest, signature) = access.rsplit_once('.').unwrap();
    let forged = bench
        .inspect(&format!("{rest}.{}A", &signature[..signature.len() - 4]))
        .await;
    assert_eq!(forged["active"], false);
    for damaged in ["A", "AA=", "not base64url!", ""] {
        let shown = bench.inspect(&format!("{rest}.{damaged}")).await;
        assert_eq!(
            (&shown["kind"], &shown["active"]),
            (&"access_token".into(), &false.into())
        );
        assert!(
            shown["header"]["alg"].is_string() && shown["claims"]["iss"].is_string(),
            "{shown}"
        );
        let signature = shown["signature"].as_str().unwrap();
        assert!(signature.starts_with("not one of ours"), "{shown}");
    }
    for nothing in ["", "abc", "a.b.c"] {
        let unknown = bench.inspect(nothing).await;
        assert_eq!(
            (&unknown["kind"], &unknown["active"]),
            (&"unknown".into(), &false.into())
        );
    }
    let late = Bench::token(server, "grants:read").await;
    server.advance(Lifetime::minutes(9));
    assert_eq!(bench.inspect(&late).await["active"], true);
}

#[tokio::test]
async fn each_diagnosis_needs_its_permission() {
    let bench = Bench::start().await;
    let id = bench.server.account_id("alice").await;
    let other = Bench {
        token: Bench::token(&bench.server, "sessions:read").await,
        server: bench.server,
    };
    for path in [
        format!("/accounts/{id}/diagnosis"),
        format!("/accounts/{id}/security-report"),
        "/installation".to_owned(),
    ] {
        assert_eq!(other.get(&path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn the_installation_is_examined_part_by_part() {
    let bench = Bench::start().await;
    let answer = bench.get("/installation").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let document = answer.json();
    for (name, level) in [
        ("database", "ok"),
        ("migrations", "ok"),
        ("master key", "ok"),
        ("signing keys", "ok"),
        ("audit trail", "ok"),
        ("outgoing requests", "ok"),
        ("way in", "problem"),
        ("administrators", "problem"),
    ] {
        let found = check(&document, name);
        assert_eq!(found["level"], level, "{found}");
        assert_eq!(found["remedy"].is_null(), level == "ok", "{found}");
    }
}
