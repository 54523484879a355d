//! The first page of the console: what happened lately.

use serde::Serialize;

use super::chart::{Bar, Timeline};

/// What happened in the last hours or days.
#[derive(Clone, Debug, Serialize)]
pub struct OverviewView {
    /// `24h` or `30d`.
    pub range: &'static str,
    /// Whether there is anything to see; who may not see statistics gets the page without them.
    pub statistics: bool,
    /// Sign-ins and refused sign-ins.
    pub sign_ins: Timeline,
    /// Tokens.
    pub tokens: Timeline,
    /// Refused requests.
    pub refusals: Timeline,
    /// Counts by name.
    pub tallies: Vec<Tally>,
}

/// Counts by name.
#[derive(Clone, Debug, Serialize)]
pub struct Tally {
    /// Which, as a text names it.
    pub name: &'static str,
    /// The counts.
    pub bars: Vec<Bar>,
}
