//! A table (RFC 4180): a row of names, then a row for each account, read one by one.

use std::io::{self, Read};
use std::sync::mpsc::{Sender, channel};

use ::csv::{ReaderBuilder, StringRecord, Trim};
use protocol::profile::ProfileClaim;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Candidate, Row, Rows, shown};
use crate::config::nearest::hint;
use crate::declarative;

/// The names of columns besides those of profile claims.
const COLUMNS: [&str; 13] = [
    "id",
    "username",
    "email",
    "email_verified",
    "phone_number",
    "password_hash",
    "must_change_password",
    "roles",
    "permissions",
    "groups",
    "totp_secret",
    "disabled",
    "mfa",
];
/// The most bytes of one cell.
const MAX_CELL: usize = 16 * 1024;
const MAX_GROUPS: usize = 100;
/// Columns whose cells are one line. A break in one comes of a quote that is not closed on its own line.
const ONE_LINE: [&str; 5] = ["username", "email", "name", "given_name", "family_name"];

fn is_known(name: &str) -> bool {
    COLUMNS.contains(&name) || ProfileClaim::find(name).is_some()
}

/// Reads the row of names and leaves the others to be taken.
pub(super) fn rows(input: Box<dyn Read + Send>) -> Result<Rows, String> {
    let (begins, lines) = channel();
    let mut reader = ReaderBuilder::new()
        .has_headers(true)
        .flexible(false)
        .trim(Trim::All)
        .from_reader(Watched::new(input, begins));
    let names = reader
        .headers()
        .map_err(|error| format!("the row of names cannot be read: {error}"))?
        .clone();
    // Spreadsheets begin with a byte order mark.
    let names: Vec<String> = names
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let known = hint(name, COLUMNS);
        return Err(format!("{}: unknown column{known}", shown(name)));
    }
    if let Some(twice) = names
        .iter()
        .enumerate()
        .find(|(at, name)| names.iter().skip(at + 1).any(|other| other == *name))
    {
        return Err(format!("the column {} is there twice", twice.1));
    }
    if !names.iter().any(|name| name == "username") {
        return Err("there is no column username".to_owned());
    }
    // The first line is that of the names. What is read of a record has been watched before.
    let mut number = lines.try_recv().unwrap_or(1);
    Ok(Box::new(reader.into_records().map(move |record| {
        number = lines.try_recv().unwrap_or(number);
        let candidate = match record {
            Ok(record) => candidate(&names, &record),
            Err(error) if error.is_io_error() => {
                return Err(format!("it cannot be read any further: {error}"));
            }
            Err(error) => Err(reason(&error)),
        };
        Ok(Row {
            place: format!("row {number}"),
            candidate,
        })
    })))
}

/// Bytes on their way to the reader of records, which says neither on which line a record begins nor that the last one
/// ends inside quotes.
struct Watched {
    input: Box<dyn Read + Send>,
    begins: Sender<usize>,
    at: Place,
    line: usize,
    previous: Option<u8>,
}

/// Where in a record the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Record,
    Cell,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end, or the first of two.
    Quote,
}

impl Watched {
    fn new(input: Box<dyn Read + Send>, begins: Sender<usize>) -> Watched {
        Watched {
            input,
            begins,
            at: Place::Record,
            line: 1,
            previous: None,
        }
    }

    fn watch(&mut self, byte: u8) {
        let breaks = matches!(byte, b'\r' | b'\n');
        if self.at == Place::Record && !breaks {
            // Nobody may be listening any more.
            let _ = self.begins.send(self.line);
        }
        self.at = match (self.at, byte) {
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) | (Place::Record | Place::Cell | Place::Quote, b'"') => Place::Quoted,
            (_, b',') => Place::Cell,
            _ if breaks => Place::Record,
            _ => Place::Plain,
        };
        if byte == b'\r' || byte == b'\n' && self.previous != Some(b'\r') {
            self.line += 1;
        }
        self.previous = Some(byte);
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.at == Place::Quoted {
            return Err(io::Error::other(
                "it ends inside quotes: one of them is not closed",
            ));
        }
        for byte in buffer.iter().take(read) {
            self.watch(*byte);
        }
        Ok(read)
    }
}

fn reason(error: &::csv::Error) -> String {
    match error.kind() {
        ::csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("has {len} cells where there are {expected_len} columns"),
        ::csv::ErrorKind::Utf8 { .. } => "is not UTF-8 text".to_owned(),
        _ => "cannot be read".to_owned(),
    }
}

fn candidate(names: &[String], record: &StringRecord) -> Result<Candidate, String> {
    let (mut values, mut claims) = (Map::new(), Map::new());
    let (mut id, mut groups) = (None, Vec::new());
    for (name, cell) in names.iter().zip(record) {
        if cell.is_empty() {
            continue;
        }
        if cell.len() > MAX_CELL || cell.contains('\0') {
            return Err(format!("{name}: is longer than {MAX_CELL} bytes or holds a NUL"));
        }
        if ONE_LINE.contains(&name.as_str()) && cell.contains(['\r', '\n']) {
            return Err(format!(
                "{name}: holds a line break; is a quote on this line not closed?"
            ));
        }
        match name.as_str() {
            "id" => id = Some(Uuid::parse_str(cell).map_err(|_| "id: must be a UUID".to_owned())?),
            "groups" => groups = list(cell, |c| c == ';').take(MAX_GROUPS).collect(),
            "email_verified" | "must_change_password" | "disabled" => {
                values.insert(name.clone(), Value::Bool(flag(name, cell)?));
            }
            "roles" | "permissions" => {
                let split = |c: char| c == ';' || c.is_whitespace();
                values.insert(name.clone(), list(cell, split).map(Value::String).collect());
            }
            "phone_number" => {
                claims.insert(name.clone(), Value::from(cell));
            }
            name => match ProfileClaim::find(name) {
                None => {
                    values.insert(name.to_owned(), Value::from(cell));
                }
                Some(claim) => {
                    let value = claim.parse(cell).map_err(|error| format!("{name}: {error}"))?;
                    claims.extend(value.map(|value| (name.to_owned(), Value::String(value))));
                }
            },
        }
    }
    if !claims.is_empty() {
        values.insert("claims".to_owned(), Value::Object(claims));
    }
    let entry = declarative::account_entry(0, values).map_err(|error| error.problem)?;
    Ok(Candidate {
        entry,
        id,
        lenient: false,
        groups,
        notes: Vec::new(),
    })
}

fn list<P: Fn(char) -> bool>(cell: &str, split: P) -> impl Iterator<Item = String> {
    cell.split(split)
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

fn flag(name: &str, cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("{name}: must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(text: &str) -> Result<Vec<Row>, String> {
        rows(Box::new(Cursor::new(text.to_owned().into_bytes())))?.collect()
    }

    #[test]
    fn a_row_becomes_an_account_by_the_names_of_its_columns() {
        let text = "\u{feff}username,email,email_verified,name,roles,disabled,id,groups\r\n\
                    ada,ada@example.test,TRUE,\"Ada, Countess\",editor; user,no,0192d4e0-7b7e-7c5c-9c59-6d3a3f2b1a00,Staff; Old Hands\r\n";
        let rows = read(text).unwrap();
        let ada = rows[0].candidate.as_ref().unwrap();
        assert_eq!(ada.entry.username, "ada");
        assert_eq!(ada.entry.claims.as_ref().unwrap()["name"], "Ada, Countess");
        assert_eq!(ada.entry.roles.as_ref().unwrap().len(), 2);
        assert_eq!(ada.entry.disabled, Some(false));
        assert!(ada.id.is_some());
        assert_eq!(ada.groups, ["Staff", "Old Hands"]);
        assert_eq!(rows[0].place, "row 2");
    }

    #[test]
    fn a_bad_row_names_what_is_wrong_and_the_next_is_read() {
        let text = "username,email,disabled,birthdate\n\
                    a,nonsense,,\n\
                    b,b@example.test,maybe,\n\
                    c,c@example.test\n\
                    d,d@example.test,,2027-02-30\n\
                    ,e@example.test,,\n\
                    f,f@example.test,,\n";
        let says: Vec<String> = read(text)
            .unwrap()
            .into_iter()
            .map(|row| {
                row.candidate
                    .map_or_else(|problem| problem, |_| "good".to_owned())
            })
            .collect();
        for (said, wanted) in says.iter().zip([
            "no mail address",
            "true or false",
            "has 2 cells",
            "does not have the form",
            "username is missing",
            "good",
        ]) {
            assert!(said.contains(wanted), "{said} / {wanted}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_swallows_nobody_in_silence() {
        let text = "username,name\na,\"Ann\nb,Bob\nc,Cid\n";
        let said = read(text).err().unwrap();
        assert!(said.contains("ends inside quotes"), "{said}");
        let text = "username,name\na,\"Ann\nb,\"Bob\"\nc,Cid\n";
        let rows = read(text).unwrap();
        assert!(
            rows[0]
                .candidate
                .as_ref()
                .is_err_and(|said| said.contains("line break"))
        );
        let text = "username,name\na,\"Ann \"\"A\"\" B\"\nb,\"\"\nc,\"Cid\"";
        assert!(read(text).unwrap().iter().all(|row| row.candidate.is_ok()));
    }

    #[test]
    fn a_row_is_named_by_its_line_in_the_file() {
        for end in ["\n", "\r\n"] {
            let text = "\nusername,groups\n\n\na,\"Staff;\nOld Hands\"\nb\nc,\n".replace('\n', end);
            let rows = read(&text).unwrap();
            let places: Vec<&str> = rows.iter().map(|row| row.place.as_str()).collect();
            assert_eq!(places, ["row 5", "row 7", "row 8"], "{end:?}");
        }
    }

    #[test]
    fn a_table_without_the_right_names_is_refused_as_a_whole() {
        for (text, wanted) in [
            ("username,pasword_hash\n", "did you mean password_hash?"),
            ("email\n", "no column username"),
            ("username,email,email\n", "twice"),
            ("username,password\n", "unknown column"),
            ("", "no column username"),
        ] {
            let said = read(text).err().unwrap();
            assert!(said.contains(wanted), "{said}");
        }
    }
}
