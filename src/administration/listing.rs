//! Lists in pieces: where a piece begins, in which order, and the sealed text that stands for the next one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Refused;
use crate::app::App;

/// The most entries of one piece.
pub(crate) const MAX_LIMIT: usize = 200;
/// How many entries a piece has when nothing is said.
pub(crate) const DEFAULT_LIMIT: usize = 50;

/// A piece of a list that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// What to sort by: one of the names the list allows.
    pub(crate) sort: &'static str,
    /// Whether the greatest comes first.
    pub(crate) descending: bool,
    /// Where the last piece ended.
    pub(crate) after: Option<Value>,
    /// How many entries at most.
    pub(crate) limit: usize,
}

impl Slice {
    /// The first piece, of the usual size.
    pub(crate) fn first(sort: &'static str) -> Slice {
        Slice {
            sort,
            descending: false,
            after: None,
            limit: DEFAULT_LIMIT,
        }
    }

    /// Where the last piece ended, in the terms of the list.
    pub(crate) fn position<P: DeserializeOwned>(&self) -> Result<Option<P>, Refused> {
        let read = |value: &Value| serde_json::from_value(value.clone());
        self.after
            .as_ref()
            .map(read)
            .transpose()
            .map_err(|_| bad_cursor())
    }

    /// How many rows to ask the database for: one more shows whether there is a next piece.
    pub(crate) fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The piece made of the rows that [`Slice::rows`] asked for; `position` says where an entry stands.
    pub(crate) fn cut<T, P: Serialize>(
        &self,
        mut rows: Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> Result<Listed<T>, serde_json::Error> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| more);
        let next = last
            .map(|last| serde_json::to_value(position(last)))
            .transpose()?;
        Ok(Listed { items: rows, next })
    }
}

/// A piece of a list.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    /// Its entries.
    pub(crate) items: Vec<T>,
    /// Where it ends, when there is more.
    pub(crate) next: Option<Value>,
}

impl<T> Listed<T> {
    /// The same piece of other things.
    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> Listed<U> {
        Listed {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

fn bad_cursor() -> Refused {
    Refused::invalid(
        "cursor",
        "is not one that this list gave for this filter and this order",
    )
}

/// The text for the end of a piece. `list` names the list, its filter and its order; the text means nothing elsewhere.
pub(crate) fn seal(app: &App, list: &str, position: &Value) -> String {
    app.sealer
        .seal_text(&format!("cursor/{list}"), position.to_string().as_bytes())
}

/// Reads such a text.
pub(crate) fn open(app: &App, list: &str, cursor: &str) -> Result<Value, Refused> {
    let plain = app.sealer.open_text(&format!("cursor/{list}"), cursor);
    let plain = plain.ok_or_else(bad_cursor)?;
    serde_json::from_slice(&plain).map_err(|_| bad_cursor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_more_than_asked_for_tells_of_a_next_piece() {
        let slice = Slice {
            limit: 2,
            ..Slice::first("number")
        };
        for (rows, items, next) in [
            (vec![1, 2, 3], vec![1, 2], Some(Value::from(2))),
            (vec![1, 2], vec![1, 2], None),
            (vec![], vec![], None),
        ] {
            let piece = slice.cut(rows, |row| *row).unwrap();
            assert_eq!((piece.items, piece.next), (items, next));
        }
    }
}
