//! What the pages say to people who have no account yet, or cannot get into theirs.

use serde::Serialize;

use super::page::ClientCard;
use crate::passwords::Weakness;

/// Why nothing was sent or made. No case tells whether an e-mail address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignUpError {
    /// The user name is too short, too long or has characters it may not have.
    Username,
    /// The user name belongs to somebody or is reserved.
    UsernameTaken,
    /// The e-mail address is none.
    Email,
    /// The full name is too long.
    Name,
    /// The password was not taken.
    Weak(Weakness),
    /// The password is not the one that was chosen.
    Mismatch,
    /// Too much to do right now.
    Busy,
    /// Too many attempts; wait.
    TooMany,
}

/// The form of a new account: inputs `username`, `email` unless it is fixed, `name`, `password`; `invite` comes back
/// hidden.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the form")]
pub struct SignUpPage<'a> {
    pub client: Option<ClientCard<'a>>,
    pub action: &'a str,
    pub csrf: &'a str,
    pub invite: &'a str,
    pub email_is_fixed: bool,
    pub username: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub password_min_length: usize,
    pub error: Option<SignUpError>,
    pub sign_in: &'a str,
}

/// A button that makes the account of a mailed link; `token` comes back hidden as `t`. With `ask_password` there is an
/// input `password`.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the form")]
pub struct SignUpConfirmPage<'a> {
    pub action: &'a str,
    pub csrf: &'a str,
    pub token: &'a str,
    pub username: &'a str,
    pub ask_password: bool,
    pub error: Option<SignUpError>,
}

/// Asks whose password was forgotten: input `username`.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the form")]
pub struct ForgotPage<'a> {
    pub client: Option<ClientCard<'a>>,
    pub action: &'a str,
    pub csrf: &'a str,
    pub username: &'a str,
    pub too_many: bool,
    pub sign_in: &'a str,
}

/// Asks for a new password: input `password`; `token` comes back hidden as `t`.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are those of the form")]
pub struct ResetPage<'a> {
    pub action: &'a str,
    pub csrf: &'a str,
    pub token: &'a str,
    pub username: &'a str,
    pub password_min_length: usize,
    pub error: Option<SignUpError>,
}

/// What has been done, or cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A mail about the new account is on its way, whatever it says.
    SignUpMail,
    /// Only who was invited may register.
    SignUpInvite,
    /// The link to a new account is unknown, used or too old.
    SignUpLink,
    /// The user name was taken meanwhile.
    SignUpName,
    /// The address has an account by now.
    SignUpEmail,
    /// The account is made.
    SignUpDone,
    /// If there is such an account, a mail is on its way.
    ForgotMail,
    /// The link to a new password is unknown, used or too old.
    ResetLink,
    /// The password is changed.
    ResetDone,
    /// The account is gone.
    AccountDeleted,
    /// The account is shut and will be gone.
    AccountShut,
}

impl Notice {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Notice; 11] = [
        Notice::SignUpMail,
        Notice::SignUpInvite,
        Notice::SignUpLink,
        Notice::SignUpName,
        Notice::SignUpEmail,
        Notice::SignUpDone,
        Notice::ForgotMail,
        Notice::ResetLink,
        Notice::ResetDone,
        Notice::AccountDeleted,
        Notice::AccountShut,
    ];
}

/// A sentence or two, and where to go from here.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "both fields are what they are called")]
pub struct NoticePage<'a> {
    pub notice: Notice,
    pub link: &'a str,
}
