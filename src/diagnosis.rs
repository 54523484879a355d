//! Why something does not work, and what helps: each check says what it found and, where that is not well, the remedy.
//! The same for the command line, the admin API and the console.

use serde::Serialize;
use utoipa::ToSchema;

pub mod installation;
pub mod report;
pub mod sign_in;
pub mod token;

/// How well something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is broken.
    Notice,
    /// This does not work, or is not safe.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it stands.
    pub level: Level,
    /// What was found, in a sentence.
    pub finding: String,
    /// What helps, where something is to be done.
    pub remedy: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, finding: impl Into<String>) -> Check {
        Check {
            name,
            level: Level::Ok,
            finding: finding.into(),
            remedy: None,
        }
    }

    /// Worth knowing.
    pub fn notice(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check {
            level: Level::Notice,
            remedy: Some(remedy.into()),
            ..Check::ok(name, finding)
        }
    }

    /// Not as it should be.
    pub fn problem(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check {
            level: Level::Problem,
            ..Check::notice(name, finding, remedy)
        }
    }
}

/// How the worst of some checks stands.
pub fn worst(checks: &[Check]) -> Level {
    checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok)
}
