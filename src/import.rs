//! Accounts from elsewhere: our own declarative file, the export of a Keycloak realm, or a table. Here they are read and
//! checked, each by itself, by the rules of the declarative file; `administration::import` makes them.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::declarative::AccountEntry;

mod csv;
mod entries;
mod keycloak;
mod report;

pub(crate) use report::{Line, Outcome, Report};

/// The most bytes of a table, which is read row by row.
const MAX_TABLE: u64 = 256 * 1024 * 1024;
/// The most bytes of a document, which is read whole.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;
/// The most accounts at once; a longer file is to be split.
const MAX_ROWS: usize = 1_000_000;
/// The most accounts in one request, which is to be answered soon.
const MAX_SENT: usize = 250;

/// How the accounts are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// `[[account]]` of a declarative file.
    Chancery,
    /// The JSON of a Keycloak realm export.
    Keycloak,
    /// A table with a row of names.
    Csv,
}

impl Format {
    /// The name in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Format::Chancery => "chancery",
            Format::Keycloak => "keycloak",
            Format::Csv => "csv",
        }
    }

    /// What the ending of a file's name says.
    pub(crate) fn of_file(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "toml" => Some(Format::Chancery),
            "json" => Some(Format::Keycloak),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// Where they are written down. It can be read more than once.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In a file of this machine; what it names beside it may be read too.
    File(PathBuf),
    /// In what was sent.
    Sent(Arc<[u8]>),
}

/// An account to be made.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// What the declarative file would say of it.
    pub(crate) entry: AccountEntry,
    /// The identifier it had, which clients know it by.
    pub(crate) id: Option<Uuid>,
    /// Whether roles that do not exist here are left out rather than refused.
    pub(crate) lenient: bool,
    /// The names of groups it was in.
    pub(crate) groups: Vec<String>,
    /// What could not be taken over.
    pub(crate) notes: Vec<String>,
}

/// One entry of a source.
#[derive(Debug)]
pub(crate) struct Row {
    /// Where it stands.
    pub(crate) place: String,
    /// The account, or why it is none.
    pub(crate) candidate: Result<Candidate, String>,
}

/// All entries of a source in their order. An error ends it: the source itself cannot be read any further.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Row, String>> + Send>;

impl Source {
    /// The folder in which files are looked for that an entry names.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Source::File(path) => Some(path.parent().unwrap_or(Path::new(""))),
            Source::Sent(_) => None,
        }
    }

    /// Begins to read.
    pub(crate) fn rows(&self, format: Format) -> Result<Rows, String> {
        let most = match self {
            Source::File(_) => MAX_ROWS,
            Source::Sent(_) => MAX_SENT,
        };
        let rows: Rows = match format {
            Format::Csv => csv::rows(self.open(MAX_TABLE)?)?,
            // One more than may be, so that too many is noticed.
            Format::Chancery => entries::rows(&self.text()?, most + 1)?,
            Format::Keycloak => keycloak::rows(&self.text()?)?,
        };
        let mut count = 0;
        Ok(Box::new(rows.map(move |row| {
            count += 1;
            if count > most {
                return Err(format!("there are more than {most} accounts; split the file"));
            }
            row
        })))
    }

    fn open(&self, most: u64) -> Result<Box<dyn Read + Send>, String> {
        match self {
            Source::Sent(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Source::File(path) => {
                let unreadable = |error| format!("{} cannot be read: {error}", path.display());
                let file = File::open(path).map_err(unreadable)?;
                let length = file.metadata().map_err(unreadable)?.len();
                if length > most {
                    let most = most / (1024 * 1024);
                    return Err(format!("{} is larger than {most} MiB; split it", path.display()));
                }
                Ok(Box::new(BufReader::new(file.take(most))))
            }
        }
    }

    fn text(&self) -> Result<String, String> {
        let mut text = String::new();
        self.open(MAX_DOCUMENT)?
            .read_to_string(&mut text)
            .map_err(|error| format!("it cannot be read as UTF-8 text: {error}"))?;
        Ok(text)
    }
}

/// A text of a file as a report may repeat it.
pub(crate) fn shown(text: &str) -> String {
    let clean: String = text.chars().take(80).collect();
    format!("{clean:?}")
}
