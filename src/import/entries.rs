//! `[[account]]` of our own declarative file. What else the file holds is for `apply`.

use super::{Candidate, Row, Rows};
use crate::declarative::{self, AccountEntry, FileError};

pub(super) fn rows(text: &str, most: usize) -> Result<Rows, String> {
    let entries = declarative::account_entries(text, most).map_err(|error| error.to_string())?;
    if entries.is_empty() {
        return Err("it names no [[account]]".to_owned());
    }
    let row = |(line, entry): (usize, Result<AccountEntry, FileError>)| {
        let candidate = entry.map_err(|error| error.to_string()).map(|entry| Candidate {
            entry,
            id: None,
            lenient: false,
            groups: Vec::new(),
            notes: Vec::new(),
        });
        Ok(Row {
            place: format!("line {line}"),
            candidate,
        })
    };
    Ok(Box::new(entries.into_iter().map(row)))
}
