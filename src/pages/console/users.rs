//! Accounts, as a list, one by one, and as a form.

use protocol::time::Timestamp;
use serde::Serialize;

use super::ConsoleRefusal;
use super::trail::{AuditRow, SessionRow};

/// The accounts.
#[derive(Clone, Debug, Serialize)]
pub struct UserList {
    /// What their names or addresses were to begin with.
    pub query: String,
    /// The state asked for.
    pub state: String,
    /// The role asked for.
    pub role: String,
    /// What they are sorted by.
    pub sort: &'static str,
    /// Those found.
    pub rows: Vec<UserRow>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
}

/// An account in the list.
#[derive(Clone, Debug, Serialize)]
pub struct UserRow {
    /// Its identifier.
    pub id: String,
    /// The name to sign in with.
    pub username: String,
    /// The name of the person.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the address is known to be the holder's.
    pub email_verified: bool,
    /// `active`, `disabled` or `pending_erasure`.
    pub state: &'static str,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether a declarative file keeps it.
    pub managed: bool,
}

/// One account.
#[derive(Clone, Debug, Serialize)]
pub struct UserPage {
    /// What the list shows of it.
    pub row: UserRow,
    /// Whether it is the account of whoever looks.
    pub oneself: bool,
    /// When it is to be erased.
    pub erase_at: Option<Timestamp>,
    /// Claims.
    pub claims: Vec<(String, String)>,
    /// Whether it must choose a new password.
    pub must_change_password: bool,
    /// What it states about second factors.
    pub mfa: &'static str,
    /// The roles it holds.
    pub roles: Vec<HeldRole>,
    /// The permissions it has of its own.
    pub permissions: Vec<String>,
    /// What it may do, and why.
    pub effective: Vec<HeldPermission>,
    /// How much more it may do.
    pub more: usize,
    /// Roles that can be given, as far as they are known.
    pub known_roles: Vec<String>,
    /// How it signs in.
    pub factors: UserFactors,
    /// Its sessions; nothing where they may not be seen.
    pub sessions: Option<Vec<SessionRow>>,
    /// What it allowed apps.
    pub grants: Option<Vec<GrantRow>>,
    /// Its API keys.
    pub api_keys: Option<Vec<ApiKeyRow>>,
    /// What happened to it lately.
    pub events: Option<Vec<AuditRow>>,
    /// The version that is shown.
    pub version: String,
}

/// A role that an account holds.
#[derive(Clone, Debug, Serialize)]
pub struct HeldRole {
    /// The role.
    pub role: String,
    /// The group it comes from.
    pub group: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A permission that an account has, and each way to it.
#[derive(Clone, Debug, Serialize)]
pub struct HeldPermission {
    /// The permission.
    pub permission: String,
    /// Through what; a way without a role is the account's own.
    pub through: Vec<HeldWay>,
}

/// A way to a permission.
#[derive(Clone, Debug, Serialize)]
pub struct HeldWay {
    /// The role.
    pub role: Option<String>,
    /// The group the role comes from.
    pub group: Option<String>,
}

/// How an account signs in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UserFactors {
    /// Whether it has a password.
    pub password: bool,
    /// Authenticator apps.
    pub totp: usize,
    /// Passkeys.
    pub passkeys: usize,
    /// Recovery codes left.
    pub recovery_codes: usize,
    /// Wrong second factors in a row.
    pub failures: i64,
}

/// What an account allowed an app.
#[derive(Clone, Debug, Serialize)]
pub struct GrantRow {
    /// Its identifier.
    pub id: String,
    /// The app.
    pub client_id: String,
    /// What is allowed.
    pub scope: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// An API key of an account.
#[derive(Clone, Debug, Serialize)]
pub struct ApiKeyRow {
    /// Its identifier.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// How its secret begins.
    pub prefix: String,
    /// The permissions it names.
    pub permissions: Vec<String>,
    /// `live`, `expired` or `revoked`.
    pub state: &'static str,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// The form of an account, with what is known or was typed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UserForm {
    /// Whether it is made anew.
    pub new: bool,
    /// Its identifier.
    pub id: String,
    /// The name to sign in with.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is known to be the holder's.
    pub email_verified: bool,
    /// Whether it must choose a new password.
    pub must_change_password: bool,
    /// What it states about second factors.
    pub mfa: String,
    /// Claims: name, value, longest value.
    pub claims: Vec<(&'static str, String, usize)>,
    /// The version that was shown.
    pub version: String,
    /// Whether only the profile can be changed, as of one's own account.
    pub oneself: bool,
    /// Why it was not taken.
    pub refusal: Option<ConsoleRefusal>,
}
