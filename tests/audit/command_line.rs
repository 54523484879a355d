//! `chancery audit …`

use std::process::Command;

use serde_json::Value;

use super::{seal, tamper, with_events};
use crate::support::Server;

fn run(server: &Server, line: &str) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chancery"))
        .args(line.split_whitespace())
        .env_clear()
        .env("CHANCERY_DATABASE__URL", &server.config.database.url)
        .env(
            "CHANCERY_KEYS__MASTER_KEY_FILE",
            &server.config.keys.master_key_file,
        )
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn verify_prints_an_anchor_and_exits_1_when_something_was_changed() {
    let server = with_events().await;
    let (code, out, err) = run(&server, "audit verify");
    assert_eq!(code, Some(0), "{out}{err}");
    let anchor = out
        .lines()
        .find_map(|line| line.strip_prefix("anchor "))
        .unwrap()
        .to_owned();
    server.tokens(&[]).await;
    seal(&server).await;
    let (code, out, err) = run(&server, &format!("audit verify --anchor {anchor}"));
    assert_eq!(code, Some(0), "{out}{err}");
    tamper(
        &server,
        "UPDATE audit_events SET outcome = 'failure' WHERE sequence = 2; DELETE FROM audit_events WHERE sequence = 5",
    );
    let (code, out, err) = run(&server, "audit verify");
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(
        out.starts_with("2: the event was changed") && out.contains("\n5: an event is missing here"),
        "{out}"
    );
    assert!(err.contains("not as it was written"), "{err}");
    let (code, out, _) = run(&server, "audit verify --json");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, report["findings"].as_array().unwrap().len()), (Some(1), 2));
    assert_eq!(run(&server, "audit verify --anchor nonsense").0, Some(2));
}

#[tokio::test]
async fn events_are_exported_as_json_lines_and_as_csv() {
    let server = with_events().await;
    let (code, out, err) = run(&server, "audit export");
    assert_eq!(code, Some(0), "{err}");
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 5 && lines.iter().any(|event| event["kind"] == "code.issued"));
    let (_, csv, _) = run(&server, "audit export --format csv");
    assert_eq!(
        csv.lines().next(),
        Some("id,at,kind,outcome,account_id,client_id,actor,address,request_id,detail")
    );
    assert_eq!(csv.lines().count(), lines.len() + 1);
    let (_, out, _) = run(&server, "audit export --kind code.issued");
    assert_eq!(out.lines().count(), 1);
    let id = lines.iter().find(|event| event["kind"] == "code.issued").unwrap()["request_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, out, _) = run(&server, &format!("audit list --json --request-id {id}"));
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn events_that_cannot_be_read_are_marked_and_told_of() {
    let server = with_events().await;
    if !server.running.app.store.is_sqlite() {
        return;
    }
    tamper(
        &server,
        "UPDATE audit_events SET detail = 'notjson' WHERE sequence = 3; UPDATE audit_events SET id = X'00' WHERE sequence = 4",
    );
    let (code, out, _) = run(&server, "audit verify");
    assert_eq!(code, Some(1));
    assert!(
        out.starts_with("3: the event cannot be read: it was changed"),
        "{out}"
    );
    for line in ["audit list", "audit export"] {
        let (code, out, err) = run(&server, line);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("unreadable"), "{out}");
        assert!(
            err.contains("1 events cannot be read") && err.contains("1 events have no identifier"),
            "{err}"
        );
    }
}

#[tokio::test]
async fn events_that_nobody_seals_are_told_of() {
    let server = with_events().await;
    tamper(
        &server,
        "UPDATE audit_events SET sequence = NULL, hash = NULL, personal_hash = NULL, at = 1 \
         WHERE sequence = (SELECT max(sequence) FROM audit_events)",
    );
    let (code, out, _) = run(&server, "audit verify");
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("not been sealed for more than a minute"), "{out}");
}
