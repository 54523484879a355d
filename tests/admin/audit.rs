//! The audit trail over the admin API: filters, pieces and files.

use protocol::time::Timestamp;
use serde_json::{Value, json};
use store::Conn;

use super::desk::{Caller, LIBBY, ROOT, VERA, start};
use crate::support::Server;

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().clone()
}

/// Adds events of one kind.
async fn add(server: &Server, kind: &'static str, count: usize) {
    let event = move |number: usize| store::audit::Event {
        id: chancery::random::uuid(),
        at: Timestamp(1_799_000_000 + i64::try_from(number / 7).unwrap()),
        kind: kind.to_owned(),
        outcome: "success".to_owned(),
        account_id: None,
        client_id: None,
        actor: Some("=cmd|' /C calc'!A0".to_owned()),
        address: None,
        request_id: Some(format!("request-{number}")),
        detail: json!({ "text": "two\r\nlines, \"quoted\" \u{2028}" }),
    };
    let write = async move |db: &mut Conn| {
        for number in 0..count {
            store::audit::record(db, &event(number)).await?;
        }
        Ok(())
    };
    server.running.app.store.write(write).await.unwrap();
}

#[tokio::test]
async fn events_are_found_by_what_they_are_about() {
    let server = start().await;
    let (root, vera) = (Caller::new(&server, ROOT).await, Caller::new(&server, VERA).await);
    root.post("/roles", &json!({ "name": "one" })).await;
    let robot = json!({ "client_id": "robot", "grant_types": ["client_credentials"], "scope": "books:read" });
    root.post("/clients", &robot).await;
    vera.post("/roles", &json!({ "name": "two" })).await;
    let (root_id, vera_id) = (server.account_id("root").await, server.account_id("vera").await);
    let (now, by_root) = (server.clock.now().0, format!("actor=account:{root_id}"));
    for (filter, kinds) in [
        (
            format!("actor=account:{root_id}"),
            vec!["client.created", "role.created"],
        ),
        (
            format!("actor=account:{vera_id}&outcome=failure"),
            vec!["administration.refused"],
        ),
        ("client=robot".to_owned(), vec!["client.created"]),
        (format!("kind=role.created&{by_root}"), vec!["role.created"]),
        (
            format!("kind=role.created&{by_root}&from={now}"),
            vec!["role.created"],
        ),
        (format!("kind=role.created&{by_root}&until={now}"), vec![]),
        (format!("kind=role.created&{by_root}&from={}", now + 1), vec![]),
        ("kind=role.created&outcome=failure".to_owned(), vec![]),
    ] {
        assert_eq!(vera.kinds(&filter).await, kinds, "{filter}");
    }
    let event = items(&vera.get("/audit?client=robot").await.json()).remove(0);
    let id = event["id"].as_str().unwrap();
    assert_eq!(vera.get(&format!("/audit/{id}")).await.json(), event);
    let request = event["request_id"].as_str().unwrap();
    assert_eq!(
        vera.kinds(&format!("request_id={request}")).await,
        ["client.created"]
    );
    assert_eq!(
        vera.get("/audit/00000000-0000-0000-0000-000000000000")
            .await
            .status,
        404
    );
    assert_eq!(vera.get("/audit/nothing").await.status, 404);
}

#[tokio::test]
async fn pieces_follow_one_another_and_a_forged_cursor_is_refused() {
    let server = start().await;
    add(&server, "test.listed", 23).await;
    let vera = Caller::new(&server, VERA).await;
    let (mut seen, mut path) = (Vec::new(), "/audit?kind=test.listed&limit=5".to_owned());
    let mut cursors = Vec::new();
    loop {
        let page = vera.get(&path).await.json();
        seen.extend(
            items(&page)
                .iter()
                .map(|event| (event["at"].as_i64(), event["id"].clone())),
        );
        let Some(next) = page["next"].as_str() else { break };
        cursors.push(next.to_owned());
        path = format!("/audit?kind=test.listed&limit=5&cursor={next}");
    }
    assert_eq!((seen.len(), cursors.len()), (23, 4));
    assert!(seen.iter().rev().map(|(at, _)| at).is_sorted());
    let ids: std::collections::BTreeSet<String> = seen.iter().map(|(_, id)| id.to_string()).collect();
    assert_eq!(ids.len(), 23, "none is shown twice");
    let cursor = &cursors[0];
    let (head, tail) = cursor.split_at(cursor.len() / 2);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    for forged in [
        format!("kind=test.listed&cursor={head}{other}{}", &tail[1..]),
        format!("kind=test.listed&cursor={head}"),
        format!("kind=role.created&cursor={cursor}"),
        format!("cursor={cursor}"),
        "cursor=AAAA".to_owned(),
        "outcome=maybe".to_owned(),
        "account=alice".to_owned(),
        "from=yesterday".to_owned(),
        "sort=kind".to_owned(),
        "sort=-newest".to_owned(),
        "colour=red".to_owned(),
    ] {
        assert_eq!(
            vera.get(&format!("/audit?{forged}")).await.status,
            400,
            "{forged}"
        );
    }
}

#[tokio::test]
async fn the_whole_trail_is_a_file_that_no_spreadsheet_runs() {
    let server = start().await;
    add(&server, "test.exported", 1_203).await;
    let vera = Caller::new(&server, VERA).await;
    let lines = vera.get("/audit/export?format=jsonl&kind=test.exported").await;
    assert_eq!(lines.status, 200, "{}", lines.body);
    assert_eq!(
        lines.header("content-disposition"),
        Some("attachment; filename=\"audit.jsonl\"")
    );
    assert_eq!(lines.body.lines().count(), 1_203);
    let events: Vec<Value> = lines
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ids: std::collections::BTreeSet<String> =
        events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), 1_203);
    assert_eq!(events[0]["detail"]["text"], "two\r\nlines, \"quoted\" \u{2028}");
    let table = vera.get("/audit/export?format=csv&kind=test.exported").await;
    assert!(table.header("content-type").unwrap().starts_with("text/csv"));
    assert!(table.body.starts_with("id,at,kind,outcome,"));
    assert_eq!(
        table.body.matches("id,at,kind").count(),
        1,
        "the names of the columns stand there once"
    );
    assert_eq!(table.body.lines().count(), 1_204);
    assert!(table.body.contains(",'=cmd|' /C calc'!A0,"), "a formula is text");
    assert_eq!(vera.kinds("kind=audit.exported").await.len(), 2);
    let libby = Caller::new(&server, LIBBY).await;
    assert_eq!(libby.get("/audit/export").await.status, 403);
    assert_eq!(libby.get("/audit").await.status, 403);
    for query in [
        "format=xml",
        "limit=5",
        "cursor=x",
        "format=csv&format=csv",
        "kind=%00",
        "from=x",
    ] {
        assert_eq!(
            vera.get(&format!("/audit/export?{query}")).await.status,
            400,
            "{query}"
        );
    }
}
