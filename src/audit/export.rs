//! Audit events for other programs: JSON, one event a line, and CSV that no spreadsheet takes for formulas.

use serde_json::{Value, json};
use store::audit::Event;

use crate::error::BoxError;

/// The columns of CSV, which are also the members of JSON.
pub const COLUMNS: [&str; 10] = [
    "id",
    "at",
    "kind",
    "outcome",
    "account_id",
    "client_id",
    "actor",
    "address",
    "request_id",
    "detail",
];

/// An event as JSON.
pub fn json(event: &Event) -> Value {
    json!({
        "id": event.id,
        "at": event.at,
        "kind": event.kind,
        "outcome": event.outcome,
        "account_id": event.account_id,
        "client_id": event.client_id,
        "actor": event.actor,
        "address": event.address,
        "request_id": event.request_id,
        "detail": event.detail,
    })
}

/// Events as JSON, one a line. What could break a line or drive a terminal is escaped.
pub fn json_lines(events: &[Event]) -> String {
    let mut lines = String::new();
    for event in events {
        lines.push_str(&one_line(&json(event)));
        lines.push('\n');
    }
    lines
}

/// JSON whose text is all printable: JSON itself leaves some that is not as it is (U+2028, DEL and C1 among them).
fn one_line(value: &Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            // All of them are in the basic plane, and occur in strings only.
            line.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            line.push(c);
        }
    }
    line
}

/// Events as CSV (RFC 4180), with the names of the columns in the first line where that is wanted.
pub fn csv(events: &[Event], header: bool) -> Result<Vec<u8>, BoxError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    if header {
        writer.write_record(COLUMNS)?;
    }
    for event in events {
        let event = json(event);
        writer.write_record(COLUMNS.map(|column| cell(event.get(column))))?;
    }
    Ok(writer.into_inner()?)
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless(text),
        Some(other) => harmless(&one_line(other)),
    }
}

/// A cell that begins like a formula is marked as text.
pub fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use protocol::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn event(actor: &str) -> Event {
        Event {
            id: Uuid::from_u128(1),
            at: Timestamp(5),
            kind: "session.started".into(),
            outcome: "success".into(),
            account_id: None,
            client_id: None,
            actor: Some(actor.into()),
            address: None,
            request_id: None,
            detail: json!({ "a": "b,c" }),
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let lines = json_lines(&[event("a\r\nb\u{1b}[31m\u{2028}\u{85}\u{202e}"), event("c")]);
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.chars().all(|c| c == '\n' || !c.is_control()));
        assert!(!lines.contains('\u{2028}') && !lines.contains('\u{202e}'));
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["actor"], "a\r\nb\u{1b}[31m\u{2028}\u{85}\u{202e}");
    }

    #[test]
    fn no_cell_is_a_formula_and_each_stays_one_cell() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("a\"b,c\r\nd", "a\"b,c\r\nd"),
            ("plain", "plain"),
        ] {
            let written = csv(&[event(text)], true).unwrap();
            let mut reader = csv::Reader::from_reader(written.as_slice());
            let row = reader.records().next().unwrap().unwrap();
            assert_eq!((&row[6], &row[9]), (cell, r#"{"a":"b,c"}"#), "{text:?}");
        }
    }
}
