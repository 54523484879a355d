//! Tampering shows.

use super::{admin, examine, examine_from, seal, tamper, with_events, with_reader};

/// What the only finding says; panics when there are more or none.
async fn problems(server: &crate::support::Server) -> Vec<String> {
    let report = examine(server).await;
    report
        .findings
        .into_iter()
        .map(|finding| finding.problem)
        .collect()
}

#[tokio::test]
async fn a_trail_that_nobody_touched_is_clean_and_grows() {
    let server = with_events().await;
    let report = examine(&server).await;
    assert!(
        report.is_clean() && report.checked > 5 && report.unsealed == 0,
        "{report:?}"
    );
    server.tokens(&[]).await;
    seal(&server).await;
    let more = examine_from(&server, report.anchor.as_deref()).await;
    assert!(more.is_clean() && more.checked > report.checked, "{more:?}");
}

#[tokio::test]
async fn each_changed_column_of_an_event_shows() {
    let server = with_events().await;
    for (column, value, problem) in [
        ("at", "at - 1", "changed, moved or put in"),
        ("kind", "'session.ended'", "changed, moved or put in"),
        ("outcome", "'failure'", "changed, moved or put in"),
        ("client_id", "'other'", "changed, moved or put in"),
        ("request_id", "'other'", "changed, moved or put in"),
        ("account_id", "NULL", "whom the event is about"),
        ("detail", "'{\"x\":1}'", "whom the event is about"),
        ("address", "'192.0.2.99'", "who did it"),
        ("actor", "'cli!'", "who did it"),
    ] {
        let kept = "CREATE TABLE kept AS SELECT * FROM audit_events WHERE kind = 'code.issued'";
        tamper(&server, kept);
        tamper(
            &server,
            &format!("UPDATE audit_events SET {column} = {value} WHERE kind = 'code.issued'"),
        );
        let found = problems(&server).await;
        assert!(
            found.len() == 1 && found[0].contains(problem),
            "{column}: {found:?}"
        );
        tamper(
            &server,
            &format!(
                "UPDATE audit_events SET {column} = (SELECT {column} FROM kept) WHERE id = (SELECT id FROM kept); DROP TABLE kept"
            ),
        );
        assert!(problems(&server).await.is_empty(), "{column}");
    }
}

#[tokio::test]
async fn a_missing_event_shows() {
    let server = with_events().await;
    tamper(&server, "DELETE FROM audit_events WHERE sequence = 3");
    assert_eq!(problems(&server).await, ["an event is missing here"]);
    tamper(&server, "DELETE FROM audit_events WHERE sequence IN (4, 5)");
    assert_eq!(problems(&server).await, ["3 events are missing from here on"]);
}

#[tokio::test]
async fn missing_events_at_either_end_show() {
    let server = with_events().await;
    let last = examine(&server).await.checked;
    tamper(
        &server,
        &format!("DELETE FROM audit_events WHERE sequence > {}", last - 2),
    );
    assert_eq!(problems(&server).await, ["2 events are missing at the end"]);
    tamper(&server, "DELETE FROM audit_events WHERE sequence < 3");
    let found = problems(&server).await;
    assert_eq!(
        found,
        [
            "2 events are missing from here on",
            "2 events are missing at the end"
        ]
    );
}

#[tokio::test]
async fn events_that_changed_places_show() {
    let server = with_events().await;
    tamper(
        &server,
        "UPDATE audit_events SET sequence = -1 WHERE sequence = 3; \
         UPDATE audit_events SET sequence = 3 WHERE sequence = 4; \
         UPDATE audit_events SET sequence = 4 WHERE sequence = -1",
    );
    let found = problems(&server).await;
    assert!(
        found.len() >= 2 && found.iter().all(|problem| problem.contains("moved")),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_event_that_was_put_in_shows_and_stops_nothing() {
    let server = with_events().await;
    let last = examine(&server).await.checked;
    tamper(
        &server,
        &format!(
            "INSERT INTO audit_events (id, at, kind, outcome, detail, sequence, hash, personal_hash) \
             SELECT {}, at, 'session.ended', outcome, '{{}}', {}, hash, personal_hash FROM audit_events WHERE sequence = 1",
            if server.running.app.store.is_sqlite() {
                "randomblob(16)"
            } else {
                "gen_random_uuid()"
            },
            last + 1
        ),
    );
    let found = problems(&server).await;
    assert!(
        found.iter().any(|problem| problem.contains("after the end")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|problem| problem.contains("put in")),
        "{found:?}"
    );
    server.tokens(&[]).await;
    seal(&server).await;
    let report = examine(&server).await;
    assert_eq!(report.unsealed, 0, "what follows is sealed");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn ends_that_were_moved_show_and_are_not_signed_anew() {
    let server = with_events().await;
    tamper(
        &server,
        "UPDATE audit_chain SET pruned_sequence = 2, pruned_hash = (SELECT hash FROM audit_events WHERE sequence = 2); \
         DELETE FROM audit_events WHERE sequence <= 2",
    );
    let told = ["the record of where the chain begins and ends was changed"];
    assert_eq!(problems(&server).await, told);
    server.tokens(&[]).await;
    seal(&server).await;
    assert_eq!(problems(&server).await, told);
}

#[tokio::test]
async fn an_older_state_that_was_put_back_shows_by_an_anchor() {
    let server = with_events().await;
    tamper(&server, "CREATE TABLE kept AS SELECT * FROM audit_chain");
    let then = examine(&server).await;
    server.tokens(&[]).await;
    seal(&server).await;
    let now = examine(&server).await;
    tamper(
        &server,
        &format!(
            "DELETE FROM audit_events WHERE sequence > {}; DELETE FROM audit_chain; INSERT INTO audit_chain SELECT * FROM kept",
            then.checked
        ),
    );
    assert!(examine_from(&server, then.anchor.as_deref()).await.is_clean());
    let found = examine_from(&server, now.anchor.as_deref()).await.findings;
    assert!(
        found.len() == 1 && found[0].problem.contains("an older state was put back"),
        "{found:?}"
    );
    let (sequence, hash) = then.anchor.as_deref().unwrap().split_once(':').unwrap();
    let other = format!("{sequence}:{}", hash.chars().rev().collect::<String>());
    let found = examine_from(&server, Some(&other)).await.findings;
    assert!(
        found.len() == 1 && found[0].problem.contains("does not pass the anchor"),
        "{found:?}"
    );
}

#[tokio::test]
async fn two_nodes_at_once_seal_each_event_once() {
    let server = with_events().await;
    for _ in 0..3 {
        server.tokens(&[]).await;
    }
    let other = chancery::server::open(server.config.clone(), server.clock.clone())
        .await
        .unwrap();
    let (one, two) = tokio::join!(
        chancery::audit::seal_due(&server.running.app),
        chancery::audit::seal_due(&other)
    );
    one.unwrap();
    two.unwrap();
    seal(&server).await;
    let report = examine(&server).await;
    assert!(report.is_clean() && report.unsealed == 0, "{report:?}");
}

#[tokio::test]
async fn auditors_verify_through_the_api() {
    let (server, token) = with_reader().await;
    seal(&server).await;
    let answer = admin(&server, &token, "/audit/verify").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let report = answer.json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
    let anchor = report["anchor"].as_str().unwrap();
    let again = admin(&server, &token, &format!("/audit/verify?anchor={anchor}")).await;
    assert_eq!(again.json()["findings"], serde_json::json!([]));
    tamper(
        &server,
        "UPDATE audit_events SET outcome = 'x' WHERE sequence = 2",
    );
    let answer = admin(&server, &token, "/audit/verify").await.json();
    assert_eq!(answer["findings"][0]["sequence"], 2);
    for wrong in ["?anchor=1", "?after=-1", "?after=x", "?other=1"] {
        let answer = admin(&server, &token, &format!("/audit/verify{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    let less = super::reader(&server, "statistics:read").await;
    assert_eq!(admin(&server, &less, "/audit/verify").await.status, 403);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_shows_and_stops_nothing() {
    let server = with_events().await;
    if !server.running.app.store.is_sqlite() {
        // The columns of PostgreSQL hold nothing else than what they are for.
        return;
    }
    tamper(
        &server,
        "INSERT INTO audit_events (id, at, kind, outcome, detail) \
         VALUES (randomblob(16), 1, 'x', 'success', 'not json'), (X'00', 2, 'x', 'success', '{}')",
    );
    server.tokens(&[]).await;
    seal(&server).await;
    let report = examine(&server).await;
    assert_eq!(report.unsealed, 2, "all others are sealed");
    let told = "an event cannot be read and stays unsealed: it was put in or changed";
    assert_eq!(problems(&server).await, [told, told]);
    tamper(&server, "DELETE FROM audit_events WHERE sequence IS NULL");
    tamper(
        &server,
        "UPDATE audit_events SET detail = 'notjson' WHERE sequence = 3",
    );
    tamper(&server, "UPDATE audit_events SET id = X'00' WHERE sequence = 5");
    let report = examine(&server).await;
    let places: Vec<_> = report.findings.iter().map(|finding| finding.sequence).collect();
    assert_eq!(places, [Some(3), Some(5)], "{report:?}");
    let told = "the event cannot be read: it was changed";
    assert_eq!(problems(&server).await, [told, told]);
}
