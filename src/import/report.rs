//! What an import did, account by account.

use serde::Serialize;
use utoipa::ToSchema;

/// The most lines of a report; the counts go on.
const MAX_LINES: usize = 10_000;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportOutcome)]
pub(crate) enum Outcome {
    /// The account was made, or would be.
    Created,
    /// There is such an account already.
    Unchanged,
    /// Nothing was made.
    Skipped,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportLine)]
pub(crate) struct Line {
    /// Where it stands in the source.
    pub(crate) place: String,
    /// The user name, where there is one.
    pub(crate) username: Option<String>,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// Why it was skipped.
    pub(crate) reason: Option<String>,
    /// What could not be taken over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub(crate) struct Report {
    /// The format that was read.
    pub(crate) format: &'static str,
    /// Whether it only says what would be done.
    pub(crate) dry_run: bool,
    /// Whether nothing was done because an entry was bad.
    pub(crate) refused: bool,
    /// Accounts made.
    pub(crate) created: usize,
    /// Accounts that were there.
    pub(crate) unchanged: usize,
    /// Entries of which nothing was made.
    pub(crate) skipped: usize,
    /// The entries, at most 10,000 of them.
    pub(crate) lines: Vec<Line>,
    /// Why reading ended early, if it did.
    pub(crate) ended: Option<String>,
}

impl Report {
    /// Notes what became of an entry.
    pub(crate) fn add(&mut self, line: Line) {
        match line.outcome {
            Outcome::Created => self.created += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Skipped => self.skipped += 1,
        }
        if self.lines.len() < MAX_LINES {
            self.lines.push(line);
        }
    }

    /// Whether an entry was bad.
    pub(crate) fn has_bad(&self) -> bool {
        self.skipped > 0 || self.ended.is_some()
    }
}
