//! Sign-ins, tokens and refusals, counted.

use chancery::statistics::flush;
use protocol::time::Lifetime;
use serde_json::{Value, json};

use super::{admin, reader, with_reader};
use crate::support::{Browser, Server};

fn total(series: &Value, kind: &str, label: &str) -> i64 {
    let lines = series["lines"].as_array().unwrap().iter();
    let mut found = lines.filter(|line| line["kind"] == kind && line["label"] == label);
    found.next().map_or(0, |line| line["total"].as_i64().unwrap())
}

#[tokio::test]
async fn sign_ins_tokens_and_refusals_are_counted() {
    let (server, token) = with_reader().await;
    server.tokens(&[]).await;
    let mut browser = Browser::new(&server);
    browser
        .sign_in(&server.authorize(&[]), "alice", "not her password")
        .await;
    server.redeem("no-such-code").await;
    let answer = admin(&server, &token, "/statistics").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let series = answer.json();
    assert_eq!(series["step"], 3600);
    for (kind, label, count) in [
        ("sign_in.success", "password", 1),
        ("sign_in.failure", "password", 1),
        ("token.authorization_code", "web", 1),
        ("token.client_credentials", "reader", 1),
        ("refused.token", "invalid_grant", 1),
    ] {
        assert_eq!(total(&series, kind, label), count, "{kind} {label}: {series}");
    }
    let line = &series["lines"][0];
    assert_eq!(line["counts"].as_array().unwrap().len(), 24);
    let tokens = admin(&server, &token, "/statistics?kind=token&step=day")
        .await
        .json();
    let kinds = tokens["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["kind"].as_str().unwrap());
    assert!(
        kinds.clone().count() == 2 && kinds.clone().all(|kind| kind.starts_with("token.")),
        "{tokens}"
    );
}

#[tokio::test]
async fn hours_are_apart_and_two_nodes_add_up() {
    let (server, _) = with_reader().await;
    let other = chancery::server::open(server.config.clone(), server.clock.clone())
        .await
        .unwrap();
    let kind = chancery::statistics::Kind::SignInSuccess;
    for app in [&server.running.app, &other] {
        app.statistics.count(kind, "totp");
        flush(app).await.unwrap();
    }
    server.advance(Lifetime::hours(1));
    other.statistics.count(kind, "totp");
    flush(&other).await.unwrap();
    let token = reader(&server, "statistics:read").await;
    let series = admin(&server, &token, "/statistics?kind=sign_in").await.json();
    let counts = series["lines"][0]["counts"].as_array().unwrap();
    assert_eq!(counts[counts.len() - 2..], [json!(2), json!(1)], "{series}");
}

#[tokio::test]
async fn what_was_counted_outlives_a_restart() {
    let (server, _) = with_reader().await;
    let (config, clock) = (server.config.clone(), server.clock.clone());
    server
        .running
        .app
        .statistics
        .count(chancery::statistics::Kind::SignInSuccess, "totp");
    let _database = server.stop().await;
    let app = chancery::server::open(config, clock.clone()).await.unwrap();
    let list = async move |db: &mut store::Conn| {
        let (from, until) = (clock.now() - Lifetime::days(1), clock.now() + Lifetime::days(1));
        store::statistics::list(db, from, until, Some("sign_in"), 10).await
    };
    let counts = app.store.read(list).await.unwrap();
    assert_eq!((counts.len(), counts[0].count), (1, 1));
}

#[tokio::test]
async fn only_good_questions_of_those_who_may_are_answered() {
    let (server, token) = with_reader().await;
    for wrong in [
        "?step=week",
        "?from=x",
        "?from=9000&until=1",
        "?from=0",
        "?kind=a%00",
        "?limit=1",
        "?step=day&step=day",
    ] {
        let answer = admin(&server, &token, &format!("/statistics{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    let less = reader(&server, "requests:read").await;
    assert_eq!(admin(&server, &less, "/statistics").await.status, 403);
    let anybody: &Server = &server;
    assert_eq!(anybody.get("/api/admin/v1/statistics").await.status, 401);
}
