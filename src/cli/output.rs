//! What commands print: aligned columns for people, JSON for programs.

use std::io::Write as _;

use serde_json::Value;

use super::Outcome;

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
                line(format_args!("{key}: {}", cell(value)));
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
            .map(|column| cell(row.get(*column).unwrap_or(&Value::Null)))
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
fn cell(value: &Value) -> String {
    let text = match value {
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
