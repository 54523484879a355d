//! What the page of API keys says, as plain data.

use protocol::time::Timestamp;
use serde::Serialize;

/// A key of the account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ApiKeyCard<'a> {
    /// Sent back as `key`.
    pub id: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// The first characters of its secret.
    pub prefix: &'a str,
    /// `live`, `expired` or `revoked`.
    pub state: &'a str,
    /// Whether it names all that its owner holds.
    pub everything: bool,
    /// The permissions it names, with spaces between them.
    pub permissions: &'a str,
    /// The networks it may be used from, with commas between them.
    pub networks: &'a str,
    /// Its own rate.
    pub rate: Option<&'a str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// Until when its old secret is good.
    pub previous_expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A key that was made or got a new secret just now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewApiKey<'a> {
    /// What its owner calls it.
    pub name: &'a str,
    /// The secret, shown this once.
    pub secret: &'a str,
}

/// A permission that a new key may name.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PermissionChoice<'a> {
    /// The permission.
    pub name: &'a str,
    /// Whether it was chosen.
    pub chosen: bool,
}

/// The form for a new key, with what was typed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ApiKeyForm<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it is to name all that its owner holds.
    pub everything: bool,
    /// What it may name one by one.
    pub permissions: &'a [PermissionChoice<'a>],
    /// Days until its end.
    pub days: &'a str,
    /// The most days there may be.
    pub most_days: Option<i64>,
    /// The networks.
    pub networks: &'a str,
    /// The rate.
    pub rate: &'a str,
}

/// Why no key was made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiKeyError {
    /// The name cannot be kept.
    Name,
    /// The permissions cannot be named.
    Permissions,
    /// The networks cannot be read.
    Networks,
    /// The rate cannot be read.
    Rate,
    /// The end is not possible.
    Expiry,
    /// There are as many keys as there may be.
    TooMany,
    /// It would do more than its owner.
    Beyond,
    /// The key has ended.
    Ended,
}
