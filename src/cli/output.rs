//! What commands print: aligned columns for people, JSON for programs.

use std::io::Write as _;

use serde_json::Value;

use super::Outcome;
use crate::pages::machine_time;

/// How a listing is printed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Format {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints a line. A reader that has gone away is no failure.
pub(super) fn line(text: impl std::fmt::Display) {
    let _gone = writeln!(std::io::stdout(), "{text}");
}

/// Prints one thing: `key: value` lines, or the JSON object.
pub(super) fn one(format: Format, value: &Value) -> Outcome {
    match value {
        Value::Object(fields) if !format.json => {
            for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                line(format_args!("{key}: {}", cell(key, value)));
            }
        }
        value => line(format_args!("{value:#}")),
    }
    Ok(())
}

/// Prints many things: the named fields in columns, or the JSON array.
pub(super) fn many(format: Format, columns: &[&str], rows: Vec<Value>) -> Outcome {
    if format.json {
        line(format_args!("{:#}", Value::Array(rows)));
        return Ok(());
    }
    let head: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
    let body = rows.iter().map(|row| {
        columns
            .iter()
            .map(|column| cell(column, row.get(*column).unwrap_or(&Value::Null)))
            .collect()
    });
    let table: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let width = |index: usize| {
        table
            .iter()
            .filter_map(|row| row.get(index))
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in &table {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        line(cells.join("  ").trim_end());
    }
    Ok(())
}

/// A value as people read it; control characters would let stored text write to the terminal.
fn cell(name: &str, value: &Value) -> String {
    let is_time = name == "at" || name.ends_with("_at");
    let text = match value {
        Value::Number(seconds) if is_time => seconds.as_i64().map_or_else(|| "-".to_owned(), machine_time),
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_read_times_and_no_control_characters() {
        for (name, value, read) in [
            ("created_at", json!(0), "1970-01-01T00:00:00Z"),
            ("at", json!(1_800_000_000), "2027-01-15T08:00:00Z"),
            ("count", json!(5), "5"),
            ("ended_at", json!(null), "-"),
            ("name", json!("a\u{1b}[2J"), "a\u{fffd}[2J"),
            ("roles", json!(["a", "b"]), "a b"),
        ] {
            assert_eq!(cell(name, &value), read, "{name}");
        }
    }
}
