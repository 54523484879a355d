//! One table of the file as JSON, with the line of each key, so that a refusal can point at it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::FileError;
use crate::config::nearest::{hint, line_of};

/// A table whose keys are all known.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) line: usize,
    noun: &'static str,
    lines: BTreeMap<String, usize>,
    values: Map<String, Value>,
}

impl Entry {
    pub(super) fn read(
        text: &str,
        line: usize,
        noun: &'static str,
        table: &DeTable<'_>,
        known: &[&str],
    ) -> Result<Entry, FileError> {
        let (mut lines, mut values) = (BTreeMap::new(), Map::new());
        for (key, value) in table {
            let (name, key_line) = (key.get_ref().as_ref(), line_of(text, key.span().start));
            if !known.contains(&name) {
                let hint = hint(name, known.iter().copied());
                return Err(FileError::at(
                    key_line,
                    format!("{noun}.{name}: unknown key{hint}"),
                ));
            }
            let json = to_json(value.get_ref())
                .map_err(|problem| FileError::at(key_line, format!("{noun}.{name}: {problem}")))?;
            lines.insert(name.to_owned(), key_line);
            values.insert(name.to_owned(), json);
        }
        Ok(Entry {
            line,
            noun,
            lines,
            values,
        })
    }

    /// The same from somewhere else than a file of ours; the line is where it stands there.
    pub(super) fn of(
        line: usize,
        noun: &'static str,
        values: Map<String, Value>,
        known: &[&str],
    ) -> Result<Entry, FileError> {
        if let Some(name) = values.keys().find(|name| !known.contains(&name.as_str())) {
            let hint = hint(name, known.iter().copied());
            return Err(FileError::at(line, format!("{noun}.{name}: unknown key{hint}")));
        }
        Ok(Entry {
            line,
            noun,
            lines: BTreeMap::new(),
            values,
        })
    }

    /// A refusal that names a key of this entry and its line.
    pub(super) fn wrong(&self, key: &str, problem: impl std::fmt::Display) -> FileError {
        let line = self.lines.get(key).copied().unwrap_or(self.line);
        FileError::at(line, format!("{}.{key}: {problem}", self.noun))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Takes one key out, if it was written.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, FileError> {
        match self.values.remove(key) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|e| self.wrong(key, e)),
        }
    }

    /// Takes a text out without ever repeating it: it may be a secret.
    pub(super) fn take_secret(&mut self, key: &str) -> Result<Option<String>, FileError> {
        match self.values.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "must be a text in quotes")),
        }
    }

    /// Writes a key under its proper name.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        if self.has(from) && self.has(to) {
            return Err(self.wrong(from, format!("stands beside {to}; write one of them")));
        }
        if let Some(value) = self.values.remove(from) {
            self.values.insert(to.to_owned(), value);
            if let Some(line) = self.lines.get(from).copied() {
                self.lines.insert(to.to_owned(), line);
            }
        }
        Ok(())
    }

    /// Takes it that an empty text under one of these keys means nothing at all, since TOML has no null.
    pub(super) fn clear(&mut self, optional: &[&str]) {
        for key in optional {
            if let Some(value) = self.values.get_mut(*key)
                && value.as_str() == Some("")
            {
                *value = Value::Null;
            }
        }
    }

    /// The keys that are written, laid over what is stored.
    pub(super) fn over(&self, stored: Map<String, Value>) -> Entry {
        let mut whole = self.clone();
        whole.values = stored;
        whole.values.extend(self.values.clone());
        whole
    }

    /// Reads all that is left as one value.
    pub(super) fn rest<T: DeserializeOwned>(&mut self) -> Result<T, FileError> {
        let values = Value::Object(std::mem::take(&mut self.values));
        serde_path_to_error::deserialize(values).map_err(|e| {
            let path = e.path().to_string();
            let key = path.split(['.', '[']).next().unwrap_or_default();
            if self.lines.contains_key(key) {
                self.wrong(key, e.inner())
            } else {
                FileError::at(self.line, format!("{}: {}", self.noun, e.inner()))
            }
        })
    }
}

/// Without the values: there are secrets among them.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

fn to_json(value: &DeValue<'_>) -> Result<Value, String> {
    match value {
        DeValue::String(text) => Ok(Value::String(text.to_string())),
        DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| "the number is too large".to_owned()),
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().map_err(|_| "is no number".to_owned())?;
            serde_json::Number::from_f64(number)
                .map(Value::Number)
                .ok_or_else(|| "must be a finite number".to_owned())
        }
        DeValue::Datetime(_) => Err("is a date; write it as a text in quotes".to_owned()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| Ok((key.get_ref().to_string(), to_json(value.get_ref())?)))
            .collect::<Result<Map<_, _>, String>>()
            .map(Value::Object),
    }
}
