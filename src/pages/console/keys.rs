//! Signing keys.

use protocol::time::Timestamp;
use serde::Serialize;

/// The signing keys.
#[derive(Clone, Debug, Serialize)]
pub struct KeyList {
    /// The keys.
    pub rows: Vec<KeyRow>,
    /// The algorithms in use, each of which can be given a new key.
    pub algorithms: Vec<&'static str>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
}

/// A signing key.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRow {
    /// Its identifier.
    pub kid: String,
    /// What it signs with.
    pub algorithm: String,
    /// What it does now: `upcoming`, `active`, `retired` or `expired`.
    pub state: &'static str,
    /// When it begins to sign.
    pub activates_at: Timestamp,
    /// When it stops signing.
    pub retires_at: Option<Timestamp>,
    /// When it leaves the published keys.
    pub expires_at: Option<Timestamp>,
}
