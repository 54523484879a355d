//! Sessions and what happened.

use protocol::time::Timestamp;
use serde::Serialize;

/// The sessions of everybody.
#[derive(Clone, Debug, Serialize)]
pub struct SessionList {
    /// The sessions, the latest first.
    pub rows: Vec<SessionRow>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
}

/// A signed-in browser.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// Its identifier.
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// The browser.
    pub user_agent: String,
    /// Where it began.
    pub address: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// How its holder proved who they are.
    pub amr: Vec<String>,
}

/// The audit trail.
#[derive(Clone, Debug, Serialize)]
pub struct AuditList {
    /// The filters, by name, as they were typed.
    pub filters: Vec<(&'static str, String)>,
    /// The outcome asked for.
    pub outcome: String,
    /// Why the filters cannot be.
    pub wrong: bool,
    /// The events, newest first.
    pub rows: Vec<AuditRow>,
    /// The same events as a file: CSV and JSON lines.
    pub exports: [String; 2],
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// Whether it was done.
    pub success: bool,
    /// The account it is about.
    pub account_id: Option<String>,
    /// The app it is about.
    pub client_id: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// The account that did it, when it was one.
    pub actor_account: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What else there is to say, as JSON.
    pub detail: String,
}
