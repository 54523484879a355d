//! Searches: who may, to what, and what; page by page.

use serde_json::{Value, json};

use super::{assign, give, library, own, post, question, reason, token};
use crate::support::{Answer, Server};

async fn search(server: &Server, token: &str, what: &str, body: &Value) -> Answer {
    let answer = post(server, token, &format!("/access/v1/search/{what}"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

fn named(answer: &Answer, member: &str) -> Vec<String> {
    let json = answer.json();
    let results = json["results"].as_array().unwrap().iter();
    results
        .map(|one| one[member].as_str().unwrap().to_owned())
        .collect()
}

/// All that is found, two at a time; no page may be longer, and each result must be good for a decision.
async fn all(server: &Server, token: &str, what: &str, body: &Value) -> Vec<String> {
    let member = if what == "action" { "name" } else { "id" };
    let (mut found, mut body) = (Vec::new(), body.clone());
    body["page"] = json!({ "limit": 2 });
    for _ in 0..20 {
        let answer = search(server, token, what, &body).await;
        let page = named(&answer, member);
        assert!(page.len() <= 2, "{page:?}");
        assert_eq!(answer.json()["page"]["count"], json!(page.len()));
        for name in &page {
            let mut asked = body.clone();
            match what {
                "action" => asked["action"] = json!({ "name": name }),
                _ => asked[what]["id"] = json!(name),
            }
            assert_ne!(reason(server, token, &asked).await, "none", "{asked}");
        }
        found.extend(page);
        match answer.json()["page"]["next_token"].as_str().unwrap() {
            "" => return found,
            next => body["page"]["token"] = json!(next),
        }
    }
    panic!("pages without end: {found:?}");
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test]
async fn everybody_who_may_is_found_once() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let mut ids = Vec::new();
    for name in ["alice", "bob", "carol", "dave"] {
        ids.push(server.account_id(name).await);
    }
    let [alice, bob, carol, dave] = ids[..] else {
        panic!()
    };
    let book = ("books", "1");
    own(&server, book, Some(alice)).await;
    for (account, permission) in [(carol, "books:write"), (dave, "books:write"), (bob, "*")] {
        give(&server, book, account, permission, None).await;
    }
    let ended = server.clock.now();
    give(&server, ("books", "1"), alice, "books:lend", Some(ended)).await;

    // carol through a role as well, bob through another; dave may not come in.
    let mut body = question("ignored", "write", book);
    assert_eq!(
        sorted(all(&server, &asks, "subject", &body).await),
        ["alice", "bob", "carol"]
    );
    body["subject"] = json!({ "type": "account" });
    let by_id = all(&server, &asks, "subject", &body).await;
    assert_eq!(
        sorted(by_id),
        sorted([alice, bob, carol].map(|id| id.to_string()).into())
    );
    body["action"]["name"] = json!("burn");
    body["subject"]["type"] = json!("user");
    assert_eq!(
        sorted(all(&server, &asks, "subject", &body).await),
        ["alice", "bob"]
    );
    body["resource"]["id"] = json!("2");
    assert_eq!(all(&server, &asks, "subject", &body).await, [""; 0]);
    assign(&server, carol, "super_admin", None).await;
    assert_eq!(all(&server, &asks, "subject", &body).await, ["carol"]);
    body["subject"]["type"] = json!("robot");
    assert_eq!(all(&server, &asks, "subject", &body).await, [""; 0]);
}

#[tokio::test]
async fn members_of_groups_and_holders_of_single_permissions_are_found() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let (alice, bob) = (server.account_id("alice").await, server.account_id("bob").await);
    let own_permission = ["docs:read".to_owned()].into();
    let change = async move |db: &mut store::Conn| {
        store::roles::set_account_permissions(db, alice, &own_permission).await
    };
    server.running.app.store.write(change).await.unwrap();
    assign(&server, bob, "librarian", Some(server.clock.now())).await;
    let body = question("x", "read", ("docs", "1"));
    assert_eq!(all(&server, &asks, "subject", &body).await, ["alice"]);
    // bob holds books:write through his own role, and no more through the one that has ended.
    let body = question("x", "access:read", ("books", "1"));
    assert_eq!(all(&server, &asks, "subject", &body).await, ["carol"]);
}

#[tokio::test]
async fn the_things_somebody_may_use_are_found_once() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let (alice, bob) = (server.account_id("alice").await, server.account_id("bob").await);
    for (id, owner) in [
        ("1", Some(alice)),
        ("2", Some(alice)),
        ("3", Some(alice)),
        ("4", Some(bob)),
        ("5", None),
        ("6", None),
    ] {
        own(&server, ("docs", id), owner).await;
    }
    own(&server, ("books", "7"), Some(alice)).await;
    for (id, permission) in [
        ("1", "docs:read"),
        ("4", "docs:read"),
        ("4", "*"),
        ("5", "*"),
        ("6", "docs:write"),
    ] {
        give(&server, ("docs", id), alice, permission, None).await;
    }
    let body = question("alice", "read", ("docs", "ignored"));
    assert_eq!(
        all(&server, &asks, "resource", &body).await,
        ["1", "2", "3", "4", "5"]
    );
    let body = question("bob", "read", ("docs", "ignored"));
    assert_eq!(all(&server, &asks, "resource", &body).await, ["4"]);
    assign(&server, bob, "super_admin", None).await;
    assert_eq!(
        all(&server, &asks, "resource", &body).await,
        ["1", "2", "3", "4", "5", "6"]
    );
    for nobody in ["dave", "nobody"] {
        let body = question(nobody, "read", ("docs", "ignored"));
        assert_eq!(all(&server, &asks, "resource", &body).await, [""; 0]);
    }
}

#[tokio::test]
async fn the_actions_somebody_may_do_are_found() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let (alice, carol) = (server.account_id("alice").await, server.account_id("carol").await);
    own(&server, ("books", "1"), Some(alice)).await;
    give(&server, ("books", "1"), carol, "books:lend", None).await;
    give(&server, ("books", "1"), carol, "shelf:dust", None).await;
    let of = async |name: &str, id: &str| {
        let mut body = question(name, "x", ("books", id));
        body.as_object_mut().unwrap().remove("action");
        all(&server, &asks, "action", &body).await
    };
    assert_eq!(of("carol", "1").await, ["lend", "read", "shelf:dust", "write"]);
    assert_eq!(of("carol", "2").await, ["read", "write"]);
    assert_eq!(of("alice", "1").await, ["lend", "read", "shelf:dust", "write"]);
    assert_eq!(of("alice", "2").await, [""; 0]);
    assert_eq!(of("nobody", "1").await, [""; 0]);
}

#[tokio::test]
async fn the_way_to_the_next_page_is_for_the_same_search_alone() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let alice = server.account_id("alice").await;
    for id in ["1", "2", "3"] {
        own(&server, ("docs", id), Some(alice)).await;
    }
    let mut body = question("alice", "read", ("docs", "x"));
    body["page"] = json!({ "limit": 1 });
    let first = search(&server, &asks, "resource", &body).await;
    assert_eq!(named(&first, "id"), ["1"]);
    let next = first.json()["page"]["next_token"].as_str().unwrap().to_owned();
    assert!(!next.contains("docs") && !next.is_empty());
    body["page"]["token"] = json!(next);
    let second = search(&server, &asks, "resource", &body).await;
    assert_eq!(named(&second, "id"), ["2"]);

    let status = async |body: &Value, what: &str| {
        let answer = post(&server, &asks, &format!("/access/v1/search/{what}"), body).await;
        (answer.status, answer.json()["member"].clone())
    };
    let refused = (400, json!("page.token"));
    let mut tampered = next.clone();
    tampered.pop();
    for (member, value) in [
        ("page", json!({ "limit": 1, "token": tampered })),
        ("page", json!({ "limit": 1, "token": "eyJhZnRlciI6IjEifQ" })),
        ("page", json!({ "limit": 2, "token": next })),
        ("subject", json!({ "type": "user", "id": "carol" })),
        ("action", json!({ "name": "write" })),
        ("resource", json!({ "type": "books" })),
    ] {
        let mut other = body.clone();
        other[member] = value;
        assert_eq!(status(&other, "resource").await, refused, "{other}");
    }
    assert_eq!(status(&body, "subject").await, refused);
    assert_eq!(status(&body, "action").await, refused);

    body["page"] = json!({ "limit": 0 });
    for what in ["resource", "subject", "action"] {
        let mut body = body.clone();
        body["resource"] = json!({ "type": "docs", "id": "1" });
        assert_eq!(status(&body, what).await, (400, json!("page.limit")), "{what}");
    }
    body["page"] = json!({ "limit": 100_000 });
    let most = search(&server, &asks, "resource", &body).await;
    assert_eq!(named(&most, "id"), ["1", "2", "3"]);
}
