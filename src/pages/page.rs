//! What a page says, as plain data.

use minijinja::value::Value;
use protocol::time::{Lifetime, Timestamp};
use serde::{Serialize, Serializer};

use super::account::{
    AccountFrame, AppCard, ConsentCard, DeletionError, EmailError, EmailLinkState, PasswordError,
    ProfileField, SessionCard,
};
use super::api_keys::{ApiKeyCard, ApiKeyError, ApiKeyForm, NewApiKey};
use super::console::ConsolePage;
use super::factors::{FactorCard, FactorError, PasskeyCard, TotpCard};
use super::sign_up::{ForgotPage, NoticePage, ResetPage, SignUpConfirmPage, SignUpPage};
use super::upstream::{IdentityCard, UpstreamCard};
use crate::passwords::Weakness;

/// How a client presents itself (RFC 7591 §2), as registered; the pages decide what is fit to show.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ClientCard<'a> {
    /// `client_name`, or the client id when there is none.
    pub name: &'a str,
    /// `logo_uri`
    pub logo_uri: Option<&'a str>,
    /// `policy_uri`
    pub policy_uri: Option<&'a str>,
    /// `tos_uri`
    pub tos_uri: Option<&'a str>,
    /// `client_uri`
    pub uri: Option<&'a str>,
    /// Whether an administrator registered it, rather than the client itself.
    pub verified: bool,
}

/// Why nobody was signed in. One answer for unknown account, wrong password and disabled account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInError {
    /// User name and password do not belong together.
    Mismatch,
    /// Too much to do right now.
    Busy,
    /// Too many attempts; wait.
    TooMany,
    /// The form was open for too long or was not ours.
    Expired,
}

/// Why the second factor was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactorError {
    /// Wrong, late or already used.
    Mismatch,
    /// Too much to do right now.
    Busy,
    /// Too many attempts; wait.
    TooMany,
    /// The form was open for too long or was not ours.
    Expired,
}

/// Why the first administrator was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetUpError {
    /// The link is unknown, used or too old.
    LinkInvalid,
    /// The user name is empty, too long or has characters it may not have.
    Username,
    /// The e-mail address is none.
    Email,
    /// The user name or e-mail address belongs to another account.
    Taken,
    /// The password was not taken.
    Weak(Weakness),
    /// Too much to do right now.
    Busy,
}

/// Why a user code was not accepted (RFC 8628 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceError {
    /// Unknown or too old.
    Mismatch,
    /// Too many attempts; wait.
    TooMany,
}

/// A sentence for the person in front of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message<'a> {
    /// The app that sent the person here is not registered.
    UnknownClient,
    /// The address to return to is not one the app registered.
    RedirectUri,
    /// The request is malformed.
    InvalidRequest,
    /// The request was open for too long, or its browser is another one.
    Expired,
    /// A form was not ours or not of this session.
    Forgery,
    /// The person may not do this.
    Forbidden,
    /// There is no such page.
    NotFound,
    /// Too many requests.
    TooMany,
    /// Too much to do right now.
    Busy,
    /// Our own fault.
    Internal,
    /// A request to sign out that cannot be trusted.
    LogoutRequest,
    /// The provider did not sign the person in.
    UpstreamRefused,
    /// What the provider said cannot be believed.
    UpstreamFailed,
    /// The provider does not answer.
    UpstreamAway,
    /// The account that the provider's word leads to may not sign in.
    UpstreamAccount,
    /// Another sentence, as it is.
    Plain(&'a str),
}

/// A page and what it says. Forms post to `action` and carry `csrf` as hidden input of that name.
/// `form_targets` are addresses (or origins) the answer to the form may redirect to.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[expect(
    missing_docs,
    reason = "the fields are explained once, above and in their types"
)]
pub enum Page<'a> {
    /// Inputs `username` and `password`.
    SignIn {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        login_hint: &'a str,
        sign_up: Option<&'a str>,
        forgot: &'a str,
        passkey: Option<PasskeyCard<'a>>,
        upstreams: &'a [UpstreamCard],
        error: Option<SignInError>,
        form_targets: &'a [String],
    },
    /// Input `code`. With `recovery` it asks for a recovery code; `recovery_action` is the link to the
    /// other way.
    SecondFactor {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        recovery_action: &'a str,
        recovery: bool,
        has_totp: bool,
        has_recovery: bool,
        passkey: Option<PasskeyCard<'a>>,
        error: Option<SecondFactorError>,
        form_targets: &'a [String],
    },
    /// A second factor for an account that must have one: inputs `code` and `name`; `draft` comes back hidden.
    Enrol {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        totp: TotpCard<'a>,
        passkey: Option<PasskeyCard<'a>>,
        error: Option<FactorError>,
        form_targets: &'a [String],
    },
    /// New recovery codes; `codes` comes back sealed for the file.
    RecoveryCodes {
        csrf: &'a str,
        codes: &'a [&'a str],
        sealed: &'a str,
        next: &'a str,
    },
    /// Buttons `decision` = `allow` | `deny`. A scope without a description has an empty one.
    Consent {
        client: ClientCard<'a>,
        action: &'a str,
        csrf: &'a str,
        redirect_host: &'a str,
        username: &'a str,
        scopes: &'a [(String, String)],
        offline: bool,
        #[serde(serialize_with = "seconds")]
        lifetime: Option<Lifetime>,
        form_targets: &'a [String],
    },
    /// Inputs `current_password` (where asked for) and `new_password`.
    ChangePassword {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        username: &'a str,
        ask_current: bool,
        password_min_length: usize,
        error: Option<PasswordError>,
        form_targets: &'a [String],
    },
    /// Buttons `choice` = `continue` | `other`.
    SelectAccount {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        username: &'a str,
        form_targets: &'a [String],
    },
    /// Input `user_code` (RFC 8628 §3.3).
    DeviceCode {
        action: &'a str,
        csrf: &'a str,
        user_code: &'a str,
        error: Option<DeviceError>,
    },
    /// Buttons `device_decision` = `allow` | `deny`; `user_code` comes back hidden.
    DeviceConfirm {
        client: ClientCard<'a>,
        action: &'a str,
        csrf: &'a str,
        user_code: &'a str,
        username: &'a str,
        scopes: &'a [(String, String)],
    },
    /// The device has its answer.
    DeviceDone { allowed: bool },
    /// A refusal shown to the person, for want of a trusted address to send it to. Leads nowhere but, where there
    /// is one to go back to, to the sign-in.
    Error {
        status: u16,
        code: &'a str,
        message: Message<'a>,
        request_id: &'a str,
        sign_in: Option<&'a str>,
    },
    /// Button `logout`.
    LogoutConfirm {
        client: Option<ClientCard<'a>>,
        action: &'a str,
        csrf: &'a str,
        username: &'a str,
        form_targets: &'a [String],
    },
    /// Signed out, with no place to return to.
    LoggedOut { client: Option<ClientCard<'a>> },
    /// A sign-out that is refused.
    LogoutMessage {
        code: &'a str,
        message: Message<'a>,
        request_id: &'a str,
    },
    /// The authorization response as a form (OAuth 2.0 Form Post Response Mode).
    FormPost {
        redirect_uri: &'a str,
        params: &'a [(String, String)],
    },
    /// The first administrator: inputs `username`, `email`, `password`; `token` comes back hidden.
    SetUp {
        action: &'a str,
        csrf: &'a str,
        token: &'a str,
        username: &'a str,
        email: &'a str,
        password_min_length: usize,
        error: Option<SetUpError>,
    },
    /// The first page of an account: what it is called, and a form with an input for each claim.
    AccountProfile {
        frame: AccountFrame<'a>,
        email: Option<&'a str>,
        email_verified: bool,
        has_password: bool,
        fields: &'a [ProfileField<'a>],
        wrong: bool,
    },
    /// Input `email`. With `both` the old mailbox must confirm too.
    AccountEmail {
        frame: AccountFrame<'a>,
        email: Option<&'a str>,
        both: bool,
        typed: &'a str,
        error: Option<EmailError>,
    },
    /// Inputs `current_password` (where asked for) and `new_password`.
    AccountPassword {
        frame: AccountFrame<'a>,
        ask_current: bool,
        password_min_length: usize,
        error: Option<PasswordError>,
    },
    /// Inputs `session`; buttons for all others, and for all.
    AccountSessions {
        frame: AccountFrame<'a>,
        sessions: &'a [SessionCard<'a>],
    },
    /// Inputs `kind` and `factor`, and `name` for another name.
    AccountSecurity {
        frame: AccountFrame<'a>,
        factors: &'a [FactorCard<'a>],
        recovery_codes: i64,
        recovery_codes_made_at: Option<Timestamp>,
        required: bool,
        passkey: Option<PasskeyCard<'a>>,
        error: Option<FactorError>,
    },
    /// Inputs `code` and `name`; `draft` comes back hidden.
    AccountTotp {
        frame: AccountFrame<'a>,
        totp: TotpCard<'a>,
        error: Option<FactorError>,
    },
    /// Inputs `client_id`.
    AccountApps {
        frame: AccountFrame<'a>,
        apps: &'a [AppCard<'a>],
        records: &'a [ConsentCard<'a>],
    },
    /// A button for a copy of all data, and input `username` to delete the account; `days` is how long it can be had
    /// back.
    AccountPrivacy {
        frame: AccountFrame<'a>,
        days: Option<i64>,
        has_email: bool,
        error: Option<DeletionError>,
    },
    /// Inputs `name`, `everything`, `may:…`, `days`, `networks` and `rate`; `key` names one of those that are.
    AccountApiKeys {
        frame: AccountFrame<'a>,
        new: Option<NewApiKey<'a>>,
        keys: &'a [ApiKeyCard<'a>],
        form: ApiKeyForm<'a>,
        error: Option<ApiKeyError>,
    },
    /// Where a link from a mail about an e-mail address leads; `token` comes back hidden as `t`.
    EmailLink {
        action: &'a str,
        csrf: &'a str,
        token: &'a str,
        email: &'a str,
        username: &'a str,
        state: EmailLinkState,
    },
    /// The form of a new account.
    SignUp(SignUpPage<'a>),
    /// The button that makes it.
    SignUpConfirm(SignUpConfirmPage<'a>),
    /// Whose password was forgotten.
    Forgot(ForgotPage<'a>),
    /// A new password in place of it.
    Reset(ResetPage<'a>),
    /// What has been done, or cannot be.
    Notice(NoticePage<'a>),
    /// Somebody whom a provider knows and we do not. Buttons `choice` = `connect` | `create`.
    UpstreamUnknown {
        action: &'a str,
        csrf: &'a str,
        upstream: &'a str,
        person: &'a str,
        may_create: bool,
        form_targets: &'a [String],
    },
    /// Buttons `choice` = `connect` | `skip`.
    UpstreamConfirm {
        action: &'a str,
        csrf: &'a str,
        upstream: &'a str,
        person: &'a str,
        username: &'a str,
        form_targets: &'a [String],
    },
    /// Inputs `identity`; buttons that lead to the providers that can be connected.
    AccountIdentities {
        frame: AccountFrame<'a>,
        identities: &'a [IdentityCard<'a>],
        upstreams: &'a [UpstreamCard],
    },
    /// A page for administrators.
    Console(ConsolePage<'a>),
    /// The front door.
    Home { signed_in: bool },
}

impl Page<'_> {
    pub(super) fn template(&self) -> &'static str {
        match self {
            Page::SignIn { .. } => "sign-in.html",
            Page::SecondFactor { .. } => "second-factor.html",
            Page::Enrol { .. } => "enrol.html",
            Page::RecoveryCodes { .. } => "recovery-codes.html",
            Page::AccountSecurity { .. } => "account-security.html",
            Page::AccountTotp { .. } => "account-totp.html",
            Page::Consent { .. } => "consent.html",
            Page::ChangePassword { .. } => "change-password.html",
            Page::SelectAccount { .. } => "select-account.html",
            Page::DeviceCode { .. } => "device-code.html",
            Page::DeviceConfirm { .. } => "device-confirm.html",
            Page::DeviceDone { .. } => "device-done.html",
            Page::Error { .. } => "error.html",
            Page::LogoutConfirm { .. } => "logout-confirm.html",
            Page::LoggedOut { .. } => "logged-out.html",
            Page::LogoutMessage { .. } => "logout-message.html",
            Page::FormPost { .. } => "form-post.html",
            Page::SetUp { .. } => "set-up.html",
            Page::AccountProfile { .. } => "account-profile.html",
            Page::AccountEmail { .. } => "account-email.html",
            Page::AccountPassword { .. } => "account-password.html",
            Page::AccountSessions { .. } => "account-sessions.html",
            Page::AccountApps { .. } => "account-apps.html",
            Page::AccountPrivacy { .. } => "account-privacy.html",
            Page::AccountApiKeys { .. } => "account-api-keys.html",
            Page::EmailLink { .. } => "email-link.html",
            Page::SignUp(_) => "sign-up.html",
            Page::SignUpConfirm(_) => "sign-up-confirm.html",
            Page::Forgot(_) => "forgot.html",
            Page::Reset(_) => "reset.html",
            Page::Notice(_) => "notice.html",
            Page::UpstreamUnknown { .. } => "upstream-unknown.html",
            Page::UpstreamConfirm { .. } => "upstream-confirm.html",
            Page::AccountIdentities { .. } => "account-identities.html",
            Page::Console(page) => page.view.template(),
            Page::Home { .. } => "home.html",
        }
    }

    /// The scripts the page may use, by the names of their assets; it works without them.
    pub(super) fn scripts(&self) -> &'static [&'static str] {
        match self {
            Page::SignIn { passkey: Some(_), .. } => &["password.js", "passkey.js"],
            Page::SecondFactor { passkey: Some(_), .. }
            | Page::Enrol { passkey: Some(_), .. }
            | Page::AccountSecurity { passkey: Some(_), .. } => &["passkey.js"],
            Page::SignIn { .. } | Page::SetUp { .. } | Page::AccountPassword { .. } => &["password.js"],
            Page::SignUp(_) | Page::SignUpConfirm(_) | Page::Reset(_) => &["password.js"],
            Page::ChangePassword { .. } => &["password.js"],
            _ => &[],
        }
    }

    /// The client's logo, where the page shows one.
    pub(super) fn logo_uri(&self) -> Option<String> {
        let client = match self {
            Page::SignIn { client, .. }
            | Page::SecondFactor { client, .. }
            | Page::Enrol { client, .. }
            | Page::SelectAccount { client, .. }
            | Page::ChangePassword { client, .. }
            | Page::SignUp(SignUpPage { client, .. })
            | Page::Forgot(ForgotPage { client, .. }) => client.as_ref()?,
            Page::Consent { client, .. } | Page::DeviceConfirm { client, .. } => client,
            _ => return None,
        };
        super::policy::logo(client.logo_uri)
    }

    /// Addresses the page's forms may lead to besides this server.
    pub(super) fn form_targets(&self) -> Vec<&str> {
        match self {
            Page::SignIn { form_targets, .. }
            | Page::SecondFactor { form_targets, .. }
            | Page::Enrol { form_targets, .. }
            | Page::Consent { form_targets, .. }
            | Page::SelectAccount { form_targets, .. }
            | Page::ChangePassword { form_targets, .. }
            | Page::UpstreamUnknown { form_targets, .. }
            | Page::UpstreamConfirm { form_targets, .. }
            | Page::LogoutConfirm { form_targets, .. } => form_targets.iter().map(String::as_str).collect(),
            Page::FormPost { redirect_uri, .. } => vec![redirect_uri],
            _ => Vec::new(),
        }
    }
}

fn seconds<S: Serializer>(lifetime: &Option<Lifetime>, serializer: S) -> Result<S::Ok, S::Error> {
    lifetime.map(Lifetime::as_secs).serialize(serializer)
}

/// Plain data as the template engine wants it.
pub(super) fn template_value(data: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match data {
        Json::Null => Value::from(()),
        Json::Bool(yes) => Value::from(yes),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::from(number.as_f64()), Value::from),
        Json::String(text) => Value::from(text),
        Json::Array(items) => items.into_iter().map(template_value).collect(),
        Json::Object(fields) => Value::from_pairs(
            fields
                .into_iter()
                .map(|(name, data)| (name, template_value(data))),
        ),
    }
}
