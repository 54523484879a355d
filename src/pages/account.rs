//! What the pages of an account say, as plain data.

use protocol::time::Timestamp;
use serde::Serialize;

use crate::passwords::Weakness;

/// Which part of the account is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountPart {
    /// Name, e-mail address and the like.
    Profile,
    /// Password and second factors.
    Security,
    /// Signed-in browsers.
    Sessions,
    /// Sign-ins elsewhere.
    Identities,
    /// Apps that may use the account.
    Apps,
    /// Keys with which programs act for the account.
    ApiKeys,
    /// A copy of all data, and the end of it.
    Privacy,
}

/// What has just been done, told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountNotice {
    /// The profile was kept.
    ProfileSaved,
    /// Mails with links are on their way.
    EmailAsked,
    /// The password is the new one.
    PasswordChanged,
    /// A session was ended.
    SessionEnded,
    /// All other sessions were ended.
    SessionsEnded,
    /// An app lost its access.
    AppEnded,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// A connection was taken away.
    IdentityEnded,
    /// A connection is the only way to sign in.
    IdentityLast,
    /// Somebody else is connected with it.
    IdentityTaken,
    /// There is one more second factor.
    FactorAdded,
    /// A second factor has another name.
    FactorRenamed,
    /// A second factor is gone.
    FactorRemoved,
}

impl AccountNotice {
    const ALL: [AccountNotice; 13] = [
        AccountNotice::ProfileSaved,
        AccountNotice::EmailAsked,
        AccountNotice::PasswordChanged,
        AccountNotice::SessionEnded,
        AccountNotice::SessionsEnded,
        AccountNotice::AppEnded,
        AccountNotice::ApiKeyRevoked,
        AccountNotice::IdentityEnded,
        AccountNotice::IdentityLast,
        AccountNotice::IdentityTaken,
        AccountNotice::FactorAdded,
        AccountNotice::FactorRenamed,
        AccountNotice::FactorRemoved,
    ];

    /// The name in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountNotice::ProfileSaved => "profile-saved",
            AccountNotice::EmailAsked => "email-asked",
            AccountNotice::PasswordChanged => "password-changed",
            AccountNotice::SessionEnded => "session-ended",
            AccountNotice::SessionsEnded => "sessions-ended",
            AccountNotice::AppEnded => "app-ended",
            AccountNotice::ApiKeyRevoked => "api-key-revoked",
            AccountNotice::IdentityEnded => "identity-ended",
            AccountNotice::IdentityLast => "identity-last",
            AccountNotice::IdentityTaken => "identity-taken",
            AccountNotice::FactorAdded => "factor-added",
            AccountNotice::FactorRenamed => "factor-renamed",
            AccountNotice::FactorRemoved => "factor-removed",
        }
    }

    /// The notice of that name.
    pub fn parse(text: &str) -> Option<AccountNotice> {
        AccountNotice::ALL
            .into_iter()
            .find(|notice| notice.as_str() == text)
    }
}

/// The frame around each page of an account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AccountFrame<'a> {
    /// Whose account it is.
    pub username: &'a str,
    /// The part that is open.
    pub part: AccountPart,
    /// The token of every form inside.
    pub csrf: &'a str,
    /// What has just been done.
    pub notice: Option<AccountNotice>,
}

/// One line of the profile form.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ProfileField<'a> {
    /// The claim, and the name of the input.
    pub name: &'static str,
    /// What it is now, or what was typed.
    pub value: &'a str,
    /// What browsers may fill in by themselves.
    pub autocomplete: &'static str,
    /// The most characters it may have.
    pub max_length: usize,
    /// Whether what was typed cannot be kept.
    pub wrong: bool,
}

/// Why no link was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmailError {
    /// It is no e-mail address.
    Invalid,
    /// It is the address the account has.
    Same,
    /// Too many links were sent; wait.
    TooMany,
}

/// What a link from a mail about an e-mail address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmailLinkState {
    /// A button that confirms the new address.
    Confirm,
    /// The address is changed.
    Changed,
    /// The link in the other mailbox is still to be followed.
    Waiting,
    /// A button that takes a change back.
    Undo,
    /// The change is taken back.
    Undone,
    /// A button that takes the deletion of the account back.
    Keep,
    /// The account is open again.
    Kept,
    /// The address belongs to another account by now.
    Taken,
    /// The link is unknown, used or too old.
    Invalid,
}

/// Why the account was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionError {
    /// What was typed is not the user name.
    Mismatch,
    /// Nobody would be left who may do everything.
    LastAdministrator,
    /// Something else stands in the way.
    Unknown,
}

/// One thing that the holder agreed to or took back.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ConsentCard<'a> {
    /// `given`, `withdrawn` or `terms`.
    pub kind: &'a str,
    /// The app it was about.
    pub client: &'a str,
    /// The scope it was about.
    pub scope: &'a str,
    /// The version of the terms at that time.
    pub version: &'a str,
    /// When it was.
    pub at: Timestamp,
}

/// Why the password was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordError {
    /// The new one was not taken.
    Weak(Weakness),
    /// The current password is another.
    Mismatch,
    /// Too many attempts; wait.
    TooMany,
    /// Too much to do right now.
    Busy,
}

/// A signed-in browser of the account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SessionCard<'a> {
    /// Sent back as `session` to end it.
    pub id: &'a str,
    /// The User-Agent header, as it came.
    pub user_agent: &'a str,
    /// The network it signed in from.
    pub network: &'a str,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// Whether two factors were proved.
    pub two_factors: bool,
    /// Whether it is the browser that asks.
    pub current: bool,
}

/// An app that may use the account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AppCard<'a> {
    /// Sent back as `client_id` to end its access.
    pub client_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it may do: scope names with their descriptions, empty where there is none.
    pub scopes: &'a [(String, String)],
    /// Since when.
    pub since: Timestamp,
    /// When it last took tokens.
    pub last_used_at: Option<Timestamp>,
}
