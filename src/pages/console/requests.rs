//! Refused requests.

use serde::Serialize;

use crate::administration::refusals::Explained;

/// The latest refused requests.
#[derive(Clone, Debug, Serialize)]
pub struct RequestList {
    /// The request that was looked for in vain.
    pub missing: Option<String>,
    /// The app whose requests are listed.
    pub client: String,
    /// The requests, newest first.
    pub rows: Vec<Explained>,
}
