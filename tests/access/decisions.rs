//! What is decided, and that a change counts at once though copies are kept.

use protocol::time::Lifetime;
use store::Conn;

use super::{assign, give, library, own, post, question, reason, token};
use crate::support::{Request, Server};

const DOC: (&str, &str) = ("docs", "1");

#[tokio::test]
async fn owners_may_everything_then_grants_count_then_roles() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let (alice, carol) = (server.account_id("alice").await, server.account_id("carol").await);
    own(&server, DOC, Some(alice)).await;
    own(&server, ("books", "1"), None).await;
    give(&server, DOC, carol, "docs:read", None).await;
    give(&server, ("books", "1"), carol, "books:read", None).await;
    for (subject, action, thing, expected) in [
        ("alice", "shred", DOC, "owner"),
        ("alice", "docs:read", DOC, "owner"),
        ("alice", "read", ("docs", "2"), "none"),
        ("alice", "read", ("books", "1"), "none"),
        ("carol", "read", DOC, "grant"),
        ("carol", "docs:read", DOC, "grant"),
        ("carol", "write", DOC, "none"),
        ("carol", "read", ("docs", "2"), "none"),
        ("carol", "read", ("books", "1"), "grant"),
        ("carol", "write", ("books", "1"), "role"),
        ("carol", "books:write", DOC, "role"),
        ("carol", "*", ("books", "1"), "none"),
    ] {
        let asked = question(subject, action, thing);
        assert_eq!(reason(&server, &asks, &asked).await, expected, "{asked}");
    }
    assign(&server, alice, "super_admin", None).await;
    let asked = question("alice", "burn", ("books", "9"));
    assert_eq!(reason(&server, &asks, &asked).await, "role");
}

#[tokio::test]
async fn an_account_is_known_by_identifier_name_and_address_and_nobody_else_is() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let carol = server.account_id("carol").await.to_string();
    for (kind, id, may) in [
        ("user", "carol", true),
        ("account", "carol", true),
        ("user", "CAROL", true),
        ("user", "carol@example.test", true),
        ("user", carol.as_str(), true),
        ("user", carol.replace('-', "").as_str(), false),
        ("group", "carol", false),
        ("client", "asking", false),
        ("user", "nobody", false),
        ("user", "00000000-0000-0000-0000-000000000000", false),
    ] {
        let mut asked = question(id, "write", ("books", "1"));
        asked["subject"]["type"] = kind.into();
        assert_eq!(reason(&server, &asks, &asked).await == "role", may, "{kind} {id}");
    }
}

#[tokio::test]
async fn who_may_not_come_in_and_who_is_not_known_look_alike() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let dave = server.account_id("dave").await;
    own(&server, DOC, Some(dave)).await;
    assign(&server, dave, "librarian", None).await;
    let mut answers = Vec::new();
    for subject in ["dave", "nobody", "alice"] {
        let answer = post(
            &server,
            &asks,
            "/access/v1/evaluation",
            &question(subject, "read", DOC),
        )
        .await;
        answers.push((answer.status, answer.body));
    }
    answers.dedup();
    assert_eq!(
        answers,
        [(
            200,
            r#"{"decision":false,"context":{"reason":"none"}}"#.to_owned()
        )]
    );
}

#[tokio::test]
async fn a_change_counts_at_once_though_copies_are_kept() {
    let with_redis = std::env::var("TEST_REDIS_URL").ok();
    for url in [None, with_redis] {
        let server = Server::start_with(|config| config.redis.url = url.clone()).await;
        server.apply(super::CLIENTS).await;
        every_change(&server).await;
    }
}

async fn every_change(server: &Server) {
    let asks = token(server, "asking", "access:evaluate").await;
    let (alice, carol) = (server.account_id("alice").await, server.account_id("carol").await);
    let (store, now) = (&server.running.app.store, server.clock.now());
    let writes = question("carol", "write", ("books", "1"));
    let reads = question("alice", "read", DOC);
    let why = async |asked| {
        let first = reason(server, &asks, asked).await;
        assert_eq!(
            reason(server, &asks, asked).await,
            first,
            "a copy says something else"
        );
        first
    };

    assert_eq!(why(&writes).await, "role");
    let take = async move |db: &mut Conn| store::roles::unassign_role(db, carol, "librarian").await;
    store.write(take).await.unwrap();
    assert_eq!(why(&writes).await, "none");
    assign(server, carol, "librarian", None).await;
    assert_eq!(why(&writes).await, "role");

    let empty = protocol::role::Role {
        name: "librarian".into(),
        ..Default::default()
    };
    let change = async move |db: &mut Conn| store::roles::upsert_role(db, &empty, None).await;
    store.write(change).await.unwrap();
    assert_eq!(why(&writes).await, "none");
    let own_permission = ["books:write".to_owned()].into();
    let change =
        async move |db: &mut Conn| store::roles::set_account_permissions(db, carol, &own_permission).await;
    store.write(change).await.unwrap();
    assert_eq!(why(&writes).await, "role");
    for (disabled, expected) in [(true, "none"), (false, "role")] {
        let change = async move |db: &mut Conn| store::accounts::set_disabled(db, carol, disabled, now).await;
        store.write(change).await.unwrap();
        assert_eq!(why(&writes).await, expected);
    }

    assert_eq!(why(&reads).await, "none");
    own(server, DOC, None).await;
    give(server, DOC, alice, "docs:read", None).await;
    assert_eq!(why(&reads).await, "grant");
    let take = async move |db: &mut Conn| {
        store::resource_permissions::revoke(db, DOC.0, DOC.1, alice, "docs:read").await
    };
    store.write(take).await.unwrap();
    assert_eq!(why(&reads).await, "none");
    for (owner, expected) in [
        (Some(alice), "owner"),
        (Some(carol), "none"),
        (Some(alice), "owner"),
    ] {
        let change = async move |db: &mut Conn| {
            store::owned_resources::update_owner(db, DOC.0, DOC.1, owner, now).await
        };
        store.write(change).await.unwrap();
        assert_eq!(why(&reads).await, expected);
    }
    let delete = async move |db: &mut Conn| store::owned_resources::delete(db, DOC.0, DOC.1).await;
    store.write(delete).await.unwrap();
    assert_eq!(why(&reads).await, "none");

    // A name goes with its account.
    let change = async move |db: &mut Conn| {
        let mut account = store::accounts::find(db, carol).await?.unwrap();
        account.username = "caroline".into();
        store::accounts::update(db, &account, now).await
    };
    store.write(change).await.unwrap();
    assert_eq!(why(&writes).await, "none");
    assert_eq!(why(&question("caroline", "write", ("books", "1"))).await, "role");
}

#[tokio::test]
async fn what_is_held_for_a_time_ends_with_it() {
    let server = library().await;
    let asks = token(&server, "asking", "access:evaluate").await;
    let alice = server.account_id("alice").await;
    let soon = server.clock.now() + Lifetime::seconds(30);
    own(&server, DOC, None).await;
    give(&server, DOC, alice, "docs:read", Some(soon)).await;
    assign(&server, alice, "librarian", Some(soon)).await;
    let (reads, writes) = (
        question("alice", "read", DOC),
        question("alice", "write", ("books", "1")),
    );
    assert_eq!(reason(&server, &asks, &reads).await, "grant");
    assert_eq!(reason(&server, &asks, &writes).await, "role");
    server.advance(Lifetime::seconds(30));
    assert_eq!(reason(&server, &asks, &reads).await, "none");
    assert_eq!(reason(&server, &asks, &writes).await, "none");
}

#[tokio::test]
async fn what_has_ended_is_removed_in_time() {
    let server = library().await;
    let alice = server.account_id("alice").await;
    let now = server.clock.now();
    own(&server, DOC, None).await;
    give(
        &server,
        DOC,
        alice,
        "docs:read",
        Some(now + Lifetime::seconds(10)),
    )
    .await;
    give(&server, DOC, alice, "docs:write", None).await;
    let store = &server.running.app.store;
    for (after, left) in [(9, 2), (10, 1)] {
        let at = now + Lifetime::seconds(after);
        let purge = async move |db: &mut Conn| store::purge::expired(db, at, 100).await;
        store.write(purge).await.unwrap();
        let count = async |db: &mut Conn| store::resource_permissions::count(db, DOC.0, DOC.1).await;
        assert_eq!(store.read(count).await.unwrap(), left);
    }
}

#[tokio::test]
async fn a_change_on_one_node_counts_on_the_other() {
    let with_redis = std::env::var("TEST_REDIS_URL").ok();
    for url in [None, with_redis] {
        let first = Server::start_with(|config| config.redis.url = url.clone()).await;
        if first.config.database.url.starts_with("sqlite:") {
            eprintln!("SKIPPED a_change_on_one_node_counts_on_the_other: this run is on SQLite");
            return;
        }
        first.apply(super::CLIENTS).await;
        let second = chancery::server::Server::start_at(first.config.clone(), first.clock.clone())
            .await
            .unwrap();
        let asks = token(&first, "asking", "access:evaluate").await;
        let (alice, carol) = (first.account_id("alice").await, first.account_id("carol").await);
        own(&first, DOC, Some(alice)).await;
        let ask = async |subject: &str, thing: (&str, &str)| {
            let request = Request::new("POST", "/access/v1/evaluation")
                .bearer(&asks)
                .header("content-type", "application/json")
                .body(question(subject, "write", thing).to_string());
            request.send(second.address).await.json()["decision"] == serde_json::json!(true)
        };
        let book = ("books", "1");
        for _ in 0..2 {
            assert!(ask("carol", book).await && ask("alice", DOC).await && !ask("carol", DOC).await);
        }
        let now = first.clock.now();
        let change = async move |db: &mut Conn| {
            store::roles::unassign_role(db, carol, "librarian").await?;
            store::owned_resources::update_owner(db, DOC.0, DOC.1, Some(carol), now).await
        };
        first.running.app.store.write(change).await.unwrap();
        assert!(!ask("carol", book).await && !ask("alice", DOC).await && ask("carol", DOC).await);
        second.shutdown().await;
    }
}
