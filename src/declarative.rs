//! The declarative file: what `plan` compares, `apply` writes and `export` gives back.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use protocol::client::Client;
use protocol::role::{ResourceServer, Role, ScopeDefinition};
use protocol::secret::Secret;
use serde_json::{Map, Value};

mod apply;
mod diff;
mod entry;
mod export;
mod lay;
mod parse;
mod passkey;
mod prepare;
mod upstream;

pub(crate) use apply::event;
pub use apply::{Applied, ApplyError, Tools, apply, apply_text, plan};
pub(crate) use diff::blank as blank_account;
pub use diff::{Action, Change, Plan};
pub(crate) use export::all_accounts;
pub use export::export;
pub(crate) use parse::{
    account_entries, account_entry, check_client_secret, check_scope_name, is_name, totp_bytes,
};
pub use passkey::PasskeyEntry;
pub(crate) use prepare::{check_clear_password, configured_factor};
pub use upstream::UpstreamEntry;
pub(crate) use upstream::check_secret as check_upstream_secret;

/// The mark on rows that an `apply` made, and that `--prune` may remove.
pub const MANAGED_BY: &str = "file";

/// A whole file, checked in itself but not yet against what is stored.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `[[role]]`
    pub roles: Vec<At<Role>>,
    /// `[[scope]]`
    pub scopes: Vec<At<ScopeDefinition>>,
    /// `[[resource]]`
    pub resources: Vec<At<ResourceServer>>,
    /// `[[client]]`
    pub clients: Vec<At<ClientEntry>>,
    /// `[[account]]`
    pub accounts: Vec<At<AccountEntry>>,
    /// `[[upstream]]`
    pub upstreams: Vec<At<UpstreamEntry>>,
    /// The folder that the names of secret files are relative to.
    pub folder: PathBuf,
}

/// An entry and the line it begins on.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The line, counted from 1.
    pub line: usize,
    /// What stands there, with defaults for what is left out.
    pub entry: T,
    /// The keys as they are written.
    written: entry::Entry,
}

/// One `[[client]]`.
#[derive(Clone, Debug)]
pub struct ClientEntry {
    /// The registered metadata, with defaults for what is left out.
    pub client: Client,
    /// Its secret; kept or generated when absent.
    pub secret: Option<SecretSource>,
    /// Whether it is shut out.
    pub disabled: bool,
}

/// One `[[account]]`. What is absent is left as it is.
#[derive(Clone, Debug)]
pub struct AccountEntry {
    /// The name to sign in with.
    pub username: String,
    /// The mail address.
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    pub email_verified: Option<bool>,
    /// The password, in clear or hashed.
    pub password: Option<PasswordSource>,
    /// The roles held, all of them.
    pub roles: Option<BTreeSet<String>>,
    /// Permissions beyond the roles, all of them.
    pub permissions: Option<BTreeSet<String>>,
    /// A TOTP secret in base32.
    pub totp: Option<SecretSource>,
    /// Passkeys of another system. Those that the account has besides stay.
    pub passkeys: Vec<PasskeyEntry>,
    /// Standard claims (OpenID Connect Core §5.1).
    pub claims: Option<Map<String, Value>>,
    /// Whether the password in this file is to be changed at the next sign-in.
    pub must_change_password: Option<bool>,
    /// Whether sign-in is refused.
    pub disabled: Option<bool>,
    /// Whether a second factor must be proved.
    pub mfa: Option<protocol::session::MfaPolicy>,
}

/// Where a secret stands.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In the file itself.
    Text(Secret),
    /// In a file of its own.
    File(PathBuf),
}

/// A password as it can be given.
#[derive(Clone, Debug)]
pub enum PasswordSource {
    /// In clear, to be hashed.
    Clear(SecretSource),
    /// A hash, of Argon2id or of another system.
    Hash(String),
}

/// Why a file is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The line, where one is to blame.
    pub line: Option<usize>,
    /// The key, what is wrong with it and what would be right.
    pub problem: String,
}

impl FileError {
    pub(crate) fn at(line: usize, problem: impl Into<String>) -> FileError {
        FileError {
            line: Some(line),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for FileError {}

impl File {
    /// Reads and parses a file; secrets that it names are looked for beside it.
    pub fn read(path: &Path) -> Result<File, FileError> {
        let text = std::fs::read_to_string(path).map_err(|e| FileError {
            line: None,
            problem: format!("{} cannot be read: {e}", path.display()),
        })?;
        let mut file = File::parse(&text)?;
        file.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(file)
    }
}

impl SecretSource {
    /// The secret, without the line break an editor leaves at the end of a file.
    pub(crate) fn load(&self, folder: &Path, line: usize) -> Result<Secret, FileError> {
        match self {
            SecretSource::Text(secret) => Ok(secret.clone()),
            SecretSource::File(path) => {
                let path = folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| FileError::at(line, format!("{} cannot be read: {e}", path.display())))?;
                Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
            }
        }
    }
}
