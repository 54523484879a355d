//! Keys as administrators see and revoke them, through the admin API and on the command line.

use serde_json::{Value, json};

use super::person::{ALICE, call, events, is_active, make, start, token};
use crate::support::{Answer, Request, Server};

const KEEPER: (&str, &str) = ("keeper", "the keeper has a long password");

async fn with_keeper() -> Server {
    let server = start().await;
    server
        .apply(
            "[[account]]\nusername = \"keeper\"\npassword = \"the keeper has a long password\"\nroles = [\"key-keeper\", \"editor\"]\n",
        )
        .await;
    server
}

async fn admin(server: &Server, token: &str, method: &'static str, path: &str) -> Answer {
    server
        .send(Request::new(method, format!("/api/admin/v1/api-keys{path}")).bearer(token))
        .await
}

#[tokio::test]
async fn they_list_them_in_pieces_and_see_no_secret() {
    let server = with_keeper().await;
    let mut made = Vec::new();
    for n in 0..3 {
        made.push(make(&server, json!({ "name": format!("key {n}") })).await);
        server.advance(protocol::time::Lifetime::seconds(1));
    }
    let bearer = token(&server, KEEPER, "api-keys:read").await;
    let (mut names, mut query) = (Vec::new(), "?limit=2&sort=-created_at".to_owned());
    loop {
        let answer = admin(&server, &bearer, "GET", &query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for key in &made {
            assert!(!answer.body.contains(&key.secret[..13]) && !answer.body.contains("hash"));
        }
        let page = answer.json();
        for key in page["items"].as_array().unwrap() {
            assert_eq!(key["username"], "alice");
            names.push(key["name"].clone());
        }
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=2&sort=-created_at&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(Value::from(names), json!(["key 2", "key 1", "key 0"]));
    let oldest = admin(&server, &bearer, "GET", "?limit=1").await.json();
    assert_eq!(oldest["items"][0]["name"], "key 0");
    let (alice, keeper) = (
        server.account_id("alice").await,
        server.account_id("keeper").await,
    );
    for (account, count) in [(alice, 3), (keeper, 0)] {
        let page = admin(&server, &bearer, "GET", &format!("?account={account}"))
            .await
            .json();
        assert_eq!(page["items"].as_array().unwrap().len(), count);
    }
    let one = admin(&server, &bearer, "GET", &format!("/{}", made[0].id)).await;
    assert_eq!(one.json()["state"], "live");
    assert!(!one.body.contains(&made[0].secret[..13]));
}

#[tokio::test]
async fn they_revoke_keys_of_those_who_hold_no_more() {
    let server = with_keeper().await;
    let key = make(&server, json!({})).await;
    let reader = token(&server, KEEPER, "api-keys:read").await;
    let revoker = token(&server, KEEPER, "api-keys:revoke").await;
    let one = format!("/{}", key.id);
    assert_eq!(admin(&server, &reader, "DELETE", &one).await.status, 403);
    assert_eq!(admin(&server, &revoker, "GET", &one).await.status, 403);
    let stranger = token(&server, ALICE, "openid").await;
    for (method, path) in [("GET", ""), ("GET", one.as_str()), ("DELETE", one.as_str())] {
        let refused = admin(&server, &stranger, method, path).await;
        assert!(matches!(refused.status, 401 | 403), "{method} {path}");
    }
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"admin\"]\n")
        .await;
    assert_eq!(admin(&server, &revoker, "DELETE", &one).await.status, 403);
    assert!(is_active(&server, &key.secret).await);
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"editor\"]\n")
        .await;
    assert_eq!(admin(&server, &revoker, "DELETE", &one).await.status, 204);
    assert!(!is_active(&server, &key.secret).await);
    let event = &events(&server, "api_key.revoked").await[0];
    let keeper = server.account_id("keeper").await;
    assert_eq!(event.actor, Some(format!("account:{keeper}")));
    assert_eq!(event.account_id, Some(server.account_id("alice").await));
    for path in ["/00000000-0000-0000-0000-000000000000", "/junk"] {
        assert_eq!(
            admin(&server, &revoker, "DELETE", path).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_token_made_from_a_key_gives_no_more_than_the_key_carries() {
    let server = start().await;
    server
        .apply("[[account]]\nusername = \"alice\"\nroles = [\"super_admin\"]\n\n[[client]]\nclient_id = \"books\"\nclient_secret = \"books-secret-of-more-than-32-characters\"\ngrant_types = [\"urn:ietf:params:oauth:grant-type:token-exchange\"]\nscope = \"roles:assign accounts:read\"\n")
        .await;
    let bearer = token(&server, ALICE, "account:write").await;
    let refused = call(
        &server,
        &bearer,
        "POST",
        "/api-keys",
        Some(json!({ "name": "x", "permissions": ["roles:assign"] })),
    )
    .await;
    assert_eq!(refused.status, 403);
    let key = command_line(&server, &["roles:assign"]).await;
    let exchanged = super::person::exchange(&server, &key, &[("scope", "roles:assign")]).await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.body);
    let token = exchanged.text("access_token");
    let alice = server.account_id("alice").await;
    let path = format!("/api/admin/v1/accounts/{alice}/roles/super_admin");
    let request = Request::new("PUT", path)
        .bearer(&token)
        .header("content-type", "application/json")
        .body("{}");
    let answer = server.send(request).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
}

/// Makes a key of alice as the command line does, and gives its secret.
async fn command_line(server: &Server, permissions: &[&str]) -> String {
    let id = server.account_id("alice").await;
    let secret = chancery::api_keys::write(&chancery::random::bytes());
    let key = protocol::api_key::ApiKey {
        id: protocol::id::ApiKeyId(chancery::random::uuid()),
        account_id: id,
        name: "by hand".into(),
        prefix: chancery::api_keys::shown(&secret),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        networks: Vec::new(),
        rate: None,
        created_at: server.clock.now(),
        rotated_at: None,
        previous_expires_at: None,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let hash = secret.hash();
    let insert = async move |db: &mut store::Conn| store::api_keys::insert(db, &key, &hash).await;
    server.running.app.store.write(insert).await.unwrap();
    secret.expose().to_owned()
}
