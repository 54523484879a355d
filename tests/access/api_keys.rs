//! API keys as they come to `/forward-auth`.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use protocol::api_key::ApiKey;
use protocol::id::ApiKeyId;
use protocol::secret::TokenHash;
use protocol::time::Lifetime;
use store::Conn;

use super::{CLIENTS, library, own};
use crate::support::{Answer, Request, Server};

/// Gives carol a key that names these permissions, changed in some way, and tells its secret.
async fn key(server: &Server, permissions: &[&str], change: impl FnOnce(&mut ApiKey)) -> String {
    let id = chancery::random::uuid();
    let secret = chancery::api_keys::write(&chancery::random::bytes());
    let mut key = ApiKey {
        id: ApiKeyId(id),
        account_id: server.account_id("carol").await,
        name: "shelves".into(),
        prefix: chancery::api_keys::shown(&secret),
        permissions: set(permissions),
        networks: Vec::new(),
        rate: None,
        created_at: server.clock.now(),
        rotated_at: None,
        previous_expires_at: None,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    change(&mut key);
    let hash = TokenHash::of(secret.expose());
    let insert = async move |db: &mut Conn| store::api_keys::insert(db, &key, &hash).await;
    server.running.app.store.write(insert).await.unwrap();
    secret.expose().to_owned()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn ask(server: &Server, secret: &str, query: &str) -> Answer {
    let request = Request::get(format!("/forward-auth{query}"));
    server.send(request.header("x-api-key", secret)).await
}

/// What is behind the proxy is told: subject, user name, scope, roles.
fn told(answer: &Answer) -> [Option<&str>; 4] {
    ["subject", "username", "scope", "roles"].map(|name| answer.header(&format!("x-auth-{name}")))
}

#[tokio::test]
async fn a_key_passes_as_its_owner_with_what_it_names() {
    let server = library().await;
    let carol = server.account_id("carol").await.to_string();
    let some = key(&server, &["books:write"], |_| ()).await;
    let all = key(&server, &["*"], |_| ()).await;
    for (secret, query, scope, roles) in [
        (&some, "", "", ""),
        (&some, "?permission=books:write", "", ""),
        (&some, "?scope=books:write", "books:write", ""),
        (&some, "?resource=books/1&action=write", "", ""),
        (&all, "", "", "librarian"),
        (
            &all,
            "?permission=books:read&permission=access:read",
            "",
            "librarian",
        ),
        (
            &all,
            "?scope=books:read+books:write",
            "books:read books:write",
            "librarian",
        ),
    ] {
        let answer = ask(&server, secret, query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let about = [carol.as_str(), "carol", scope, roles].map(Some);
        assert_eq!(told(&answer), about, "{query}");
    }
    let request = Request::get("/forward-auth?permission=books:write");
    let answer = server
        .send(request.header("authorization", format!("ApiKey {some}")))
        .await;
    assert_eq!((answer.status, told(&answer)[1]), (200, Some("carol")));
}

#[tokio::test]
async fn a_key_passes_nowhere_with_what_it_does_not_name_or_its_owner_does_not_hold() {
    let server = library().await;
    let carol = server.account_id("carol").await;
    own(&server, ("books", "1"), Some(carol)).await;
    let some = key(&server, &["books:write", "books:burn"], |_| ()).await;
    let none = key(&server, &[], |_| ()).await;
    let all = key(&server, &["*"], |_| ()).await;
    for (secret, query) in [
        (&some, "?permission=books:read"),
        (&some, "?permission=books:write&permission=access:read"),
        (&some, "?permission=books:burn"),
        (&some, "?scope=openid"),
        (&some, "?scope=books:write+account:read"),
        (&some, "?resource=books/1&action=read"),
        (&none, "?permission=books:write"),
        (&none, "?scope=books:write"),
        (&none, "?resource=books/1&action=write"),
        (&all, "?permission=books:burn"),
        (&all, "?scope=openid"),
    ] {
        let answer = ask(&server, secret, query).await;
        assert_eq!(answer.status, 403, "{query}: {}", answer.body);
        assert_eq!(told(&answer), [None; 4], "{query}");
    }
    assert_eq!(ask(&server, &none, "").await.status, 200);
    assert_eq!(ask(&server, &some, "?permission=books:write").await.status, 200);
    let take = async move |db: &mut Conn| store::roles::unassign_role(db, carol, "librarian").await;
    server.running.app.store.write(take).await.unwrap();
    let answer = ask(&server, &some, "?permission=books:write").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_key_that_has_ended_or_comes_from_elsewhere_does_not_pass() {
    let server = library().await;
    let now = server.clock.now();
    let ends = |key: &mut ApiKey| key.expires_at = Some(now + Lifetime::seconds(10));
    let soon = key(&server, &["*"], ends).await;
    let revoked = key(&server, &["*"], |key| key.revoked_at = Some(now)).await;
    let away = key(&server, &["*"], |key| key.networks = vec!["192.0.2.0/24".into()]).await;
    let here = key(&server, &["*"], |key| key.networks = vec!["127.0.0.0/8".into()]).await;
    assert_eq!(ask(&server, &soon, "").await.status, 200);
    assert_eq!(ask(&server, &here, "").await.status, 200);
    server.advance(Lifetime::seconds(10));
    let made_up = chancery::api_keys::write(&[7; 32]);
    for secret in [&soon, &revoked, &away, made_up.expose()] {
        let answer = ask(&server, secret, "").await;
        assert_eq!(answer.status, 401, "{}", answer.body);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("ApiKey realm=\"chancery\""));
        assert_eq!(told(&answer), [None; 4]);
    }
    let carol = server.account_id("carol").await;
    let disable = async move |db: &mut Conn| store::accounts::set_disabled(db, carol, true, now).await;
    server.running.app.store.write(disable).await.unwrap();
    assert_eq!(ask(&server, &here, "").await.status, 401);
}

#[tokio::test]
async fn the_network_of_a_key_is_that_of_whom_the_proxy_speaks_for() {
    let server = Server::start_with(|config| {
        config.server.trusted_proxies = vec![IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    })
    .await;
    server.apply(CLIENTS).await;
    let office = key(&server, &["*"], |key| key.networks = vec!["192.0.2.0/24".into()]).await;
    for (address, status) in [("192.0.2.7", 200), ("198.51.100.7", 401)] {
        let request = Request::get("/forward-auth")
            .header("x-api-key", office.as_str())
            .header("x-forwarded-for", address);
        assert_eq!(server.send(request).await.status, status, "{address}");
    }
}

#[tokio::test]
async fn a_key_that_is_used_too_often_waits() {
    let server = library().await;
    let slow = key(&server, &["*"], |key| key.rate = Some("2/1m".into())).await;
    let other = key(&server, &["*"], |_| ()).await;
    for _ in 0..2 {
        assert_eq!(ask(&server, &slow, "").await.status, 200);
    }
    let answer = ask(&server, &slow, "").await;
    assert_eq!(answer.status, 429, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(told(&answer), [None; 4]);
    assert_eq!(ask(&server, &other, "").await.status, 200);
}
