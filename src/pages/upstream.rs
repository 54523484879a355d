//! What pages say of sign-ins elsewhere, as plain data.

use protocol::time::Timestamp;
use serde::Serialize;

/// A provider to sign in at.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamCard {
    /// The name in addresses.
    pub name: String,
    /// The name people know it by.
    pub title: String,
    /// The link that leads there.
    pub action: String,
}

/// A connection between the account and somebody at a provider.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdentityCard<'a> {
    /// What people call the provider.
    pub title: &'a str,
    /// Sent back as `identity` to take it away.
    pub id: &'a str,
    /// Whether one can sign in with it now.
    pub open: bool,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_used_at: Option<Timestamp>,
}
