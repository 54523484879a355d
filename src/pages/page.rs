//! What a page says, as plain data.

use minijinja::value::Value;
use protocol::time::{Lifetime, Timestamp};
use serde::{Serialize, Serializer};

pub(super) const TEMPLATES: [(&str, &str); 19] = [
    ("base.html", include_str!("templates/base.html")),
    ("client.html", include_str!("templates/client.html")),
    ("client-links.html", include_str!("templates/client-links.html")),
    ("scopes.html", include_str!("templates/scopes.html")),
    ("sign-in.html", include_str!("templates/sign-in.html")),
    ("second-factor.html", include_str!("templates/second-factor.html")),
    ("consent.html", include_str!("templates/consent.html")),
    (
        "select-account.html",
        include_str!("templates/select-account.html"),
    ),
    ("device-code.html", include_str!("templates/device-code.html")),
    (
        "device-confirm.html",
        include_str!("templates/device-confirm.html"),
    ),
    ("device-done.html", include_str!("templates/device-done.html")),
    ("error.html", include_str!("templates/error.html")),
    (
        "logout-confirm.html",
        include_str!("templates/logout-confirm.html"),
    ),
    ("logged-out.html", include_str!("templates/logged-out.html")),
    (
        "logout-message.html",
        include_str!("templates/logout-message.html"),
    ),
    ("form-post.html", include_str!("templates/form-post.html")),
    ("set-up.html", include_str!("templates/set-up.html")),
    ("account.html", include_str!("templates/account.html")),
    ("home.html", include_str!("templates/home.html")),
];

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
    /// The password is shorter than allowed.
    PasswordTooShort,
    /// The password is longer than allowed.
    PasswordTooLong,
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
    /// Another sentence, as it is.
    Plain(&'a str),
}

/// A signed-in browser of the account.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SessionCard<'a> {
    /// Sent back as `session` to end it.
    pub id: &'a str,
    /// The User-Agent header, as it came.
    pub user_agent: &'a str,
    /// The network address.
    pub address: &'a str,
    /// When the person signed in.
    pub signed_in_at: Timestamp,
    /// Whether it is the browser that asks.
    pub current: bool,
}

/// An app the account has allowed something.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AppCard<'a> {
    /// Sent back as `client_id` to withdraw it.
    pub client_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it may do: scope names with their descriptions, empty where there is none.
    pub scopes: &'a [(String, String)],
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
        error: Option<SecondFactorError>,
        form_targets: &'a [String],
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
    /// A refusal shown to the person, for want of a trusted address to send it to. Leads nowhere.
    Error {
        status: u16,
        code: &'a str,
        message: Message<'a>,
        request_id: &'a str,
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
    /// The account's own page. Sessions are ended at `end_session_action` (input `session`), apps
    /// withdrawn at `withdraw_action` (input `client_id`).
    Account {
        username: &'a str,
        email: Option<&'a str>,
        name: Option<&'a str>,
        sessions: &'a [SessionCard<'a>],
        apps: &'a [AppCard<'a>],
        csrf: &'a str,
        sign_out_action: &'a str,
        end_session_action: Option<&'a str>,
        withdraw_action: Option<&'a str>,
    },
    /// The front door.
    Home { signed_in: bool },
}

impl Page<'_> {
    pub(super) fn template(&self) -> &'static str {
        match self {
            Page::SignIn { .. } => "sign-in.html",
            Page::SecondFactor { .. } => "second-factor.html",
            Page::Consent { .. } => "consent.html",
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
            Page::Account { .. } => "account.html",
            Page::Home { .. } => "home.html",
        }
    }

    /// The client's logo, where the page shows one.
    pub(super) fn logo_uri(&self) -> Option<String> {
        let client = match self {
            Page::SignIn { client, .. }
            | Page::SecondFactor { client, .. }
            | Page::SelectAccount { client, .. } => client.as_ref()?,
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
            | Page::Consent { form_targets, .. }
            | Page::SelectAccount { form_targets, .. }
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
