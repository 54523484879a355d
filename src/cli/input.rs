//! Secrets come from a file, standard input or the environment, never from an argument.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use protocol::secret::Secret;

use super::Failure;

/// The most that is read of a secret.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a password is read from.
#[derive(Debug, Default, clap::Args)]
pub(super) struct PasswordFrom {
    /// Read the password from a file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordFrom {
    /// The password, if any way was chosen; `CHANCERY_PASSWORD` is the last.
    pub(super) fn read(&self) -> Result<Option<Secret>, Failure> {
        secret(
            self.password_file.as_deref(),
            self.password_stdin,
            "CHANCERY_PASSWORD",
        )
    }
}

/// Where a client secret is read from.
#[derive(Debug, Default, clap::Args)]
pub(super) struct SecretFrom {
    /// Read the client secret from a file [default: make one]
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Read the client secret from standard input
    #[arg(long)]
    secret_stdin: bool,
}

impl SecretFrom {
    /// The secret, if any way was chosen; `CHANCERY_CLIENT_SECRET` is the last.
    pub(super) fn read(&self) -> Result<Option<Secret>, Failure> {
        secret(
            self.secret_file.as_deref(),
            self.secret_stdin,
            "CHANCERY_CLIENT_SECRET",
        )
    }
}

pub(super) fn secret(file: Option<&Path>, stdin: bool, variable: &str) -> Result<Option<Secret>, Failure> {
    if file.is_some() || stdin {
        return text(file).map(Some);
    }
    Ok(std::env::var(variable)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new))
}

/// A file's text, or that of standard input, without the line break at its end.
pub(super) fn text(file: Option<&Path>) -> Result<Secret, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let (name, read) = match file {
        Some(path) => (
            path.display().to_string(),
            std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text)),
        ),
        None => (
            "standard input".to_owned(),
            std::io::stdin().take(MAX_BYTES).read_to_string(&mut text),
        ),
    };
    read.map_err(|e| Failure(format!("{name} cannot be read: {e}")))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
