//! What the pages about second factors say, as plain data.

use protocol::time::Timestamp;
use serde::Serialize;

/// What the script of the passkey pages is told.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PasskeyCard<'a> {
    /// Where it asks for options.
    pub options: &'a str,
    /// Where it brings the answer.
    pub finish: &'a str,
    /// The token it sends along.
    pub csrf: &'a str,
}

/// An authenticator app about to be added: what to scan or to type, and what comes back with the first code.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TotpCard<'a> {
    /// The draft; comes back hidden as `draft`.
    pub sealed: &'a str,
    /// The secret in groups of four.
    pub secret: &'a str,
    /// The modules on each side of the code.
    pub qr_size: usize,
    /// The dark ones, as the path of an SVG image.
    pub qr_path: &'a str,
    /// What was typed as name.
    pub name: &'a str,
}

/// Why a factor was not added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorError {
    /// The first code was wrong.
    Mismatch,
    /// The page was open for too long, or the form was sent before.
    Expired,
    /// There are as many as there may be.
    TooMany,
    /// The last factor must stay.
    Needed,
    /// It is the only way to sign in.
    OnlyWayIn,
}

/// A second factor of the account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FactorCard<'a> {
    /// Sent back as `factor`.
    pub id: &'a str,
    /// `totp` or `passkey`; sent back as `kind`.
    pub kind: &'a str,
    /// What its holder calls it.
    pub name: &'a str,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}
