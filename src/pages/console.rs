//! What the pages of the console say, as plain data.

use std::collections::BTreeMap;

use protocol::permission;
use serde::Serialize;

use crate::administration::refusals::Explained;

pub mod chart;
mod clients;
mod connect;
mod diagnosis;
mod keys;
mod overview;
mod requests;
mod roles;
#[cfg(test)]
pub(super) mod samples;
mod trail;
mod users;

pub use clients::{ClientForm, ClientList, ClientPage, ClientRow, ClientSecretPage};
pub use connect::{ConnectView, Snippet};
pub use diagnosis::{DiagnosisPage, InspectedToken, UserDiagnosis};
pub use keys::{KeyList, KeyRow};
pub use overview::{OverviewView, Tally};
pub use requests::RequestList;
pub use roles::{NamedForm, NamedList, NamedRow, PermissionBox};
pub use trail::{AuditList, AuditRow, SessionList, SessionRow};
pub use users::{
    ApiKeyRow, GrantRow, HeldPermission, HeldRole, HeldWay, UserFactors, UserForm, UserList, UserPage,
    UserRow,
};

/// A page of the console.
#[derive(Clone, Debug, Serialize)]
pub struct ConsolePage<'a> {
    /// What is around it.
    pub frame: ConsoleFrame<'a>,
    /// What is in it.
    pub view: ConsoleView,
}

/// The frame around each page of the console.
#[derive(Clone, Debug, Serialize)]
pub struct ConsoleFrame<'a> {
    /// Who is signed in.
    pub username: &'a str,
    /// The part that is open.
    pub part: ConsolePart,
    /// The parts that may be opened.
    pub parts: &'a [ConsolePart],
    /// The token of every form inside.
    pub csrf: &'a str,
    /// What has just been done.
    pub notice: Option<ConsoleNotice>,
    /// Which of the server's own permissions are held, by names that templates can write.
    pub may: BTreeMap<String, bool>,
}

/// What is held of the server's own permissions: `accounts:read` is `accounts_read` in a template.
pub fn console_may(holds: impl Fn(&'static str) -> bool) -> BTreeMap<String, bool> {
    permission::OWN
        .iter()
        .map(|(name, _)| (name.replace([':', '-'], "_"), holds(name)))
        .collect()
}

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsolePart {
    /// Statistics.
    Overview,
    /// Accounts.
    Users,
    /// Clients.
    Clients,
    /// Roles.
    Roles,
    /// Scopes.
    Scopes,
    /// Sessions of everybody.
    Sessions,
    /// Signing keys.
    Keys,
    /// The audit trail.
    Audit,
    /// Refused requests.
    Requests,
    /// What does not work, and why.
    Diagnosis,
}

impl ConsolePart {
    /// All parts, as they are listed.
    pub const ALL: [ConsolePart; 10] = [
        ConsolePart::Overview,
        ConsolePart::Users,
        ConsolePart::Clients,
        ConsolePart::Roles,
        ConsolePart::Scopes,
        ConsolePart::Sessions,
        ConsolePart::Keys,
        ConsolePart::Audit,
        ConsolePart::Requests,
        ConsolePart::Diagnosis,
    ];

    /// What it takes to see it; the first page is for everybody who may see any other.
    pub const fn permission(self) -> Option<&'static str> {
        Some(match self {
            ConsolePart::Overview => return None,
            ConsolePart::Users => permission::ACCOUNTS_READ,
            ConsolePart::Clients => permission::CLIENTS_READ,
            ConsolePart::Roles | ConsolePart::Scopes => permission::ROLES_READ,
            ConsolePart::Sessions => permission::SESSIONS_READ,
            ConsolePart::Keys => permission::KEYS_READ,
            ConsolePart::Audit => permission::AUDIT_READ,
            ConsolePart::Requests => permission::REQUESTS_READ,
            ConsolePart::Diagnosis => permission::GRANTS_READ,
        })
    }
}

/// What has just been done, told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConsoleNotice(&'static str);

impl ConsoleNotice {
    /// All that can be told.
    pub const ALL: [&'static str; 27] = [
        "account-changed",
        "account-created",
        "account-deleted",
        "account-disabled",
        "account-enabled",
        "account-unlocked",
        "api-key-revoked",
        "client-changed",
        "client-deleted",
        "client-disabled",
        "client-enabled",
        "factors-reset",
        "grant-revoked",
        "key-rotated",
        "permission-given",
        "permission-taken",
        "reset-started",
        "role-changed",
        "role-created",
        "role-deleted",
        "role-given",
        "role-taken",
        "scope-changed",
        "scope-created",
        "scope-deleted",
        "session-ended",
        "sessions-ended",
    ];

    /// The notice of that name, as an address holds it.
    pub fn parse(text: &str) -> Option<ConsoleNotice> {
        let known = ConsoleNotice::ALL.into_iter().find(|name| *name == text);
        known.map(ConsoleNotice)
    }
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsoleRefusal {
    /// The kind of reason, which has a text.
    pub kind: &'static str,
    /// What the text does not say.
    pub detail: String,
}

/// What a page of the console holds.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ConsoleView {
    /// Something was not done, or may not be seen.
    Refused(ConsoleRefusal),
    /// Statistics.
    Overview(Box<OverviewView>),
    /// The roles, or the scopes.
    NamedList(NamedList),
    /// The form of a role or scope.
    NamedForm(NamedForm),
    /// The registered apps.
    ClientList(ClientList),
    /// One app.
    ClientPage(ClientPage),
    /// The form of an app.
    ClientForm(ClientForm),
    /// A secret that is shown once.
    ClientSecret(ClientSecretPage),
    /// How an app is connected.
    Connect(ConnectView),
    /// Signing keys.
    KeyList(KeyList),
    /// Sessions of everybody.
    SessionList(SessionList),
    /// The audit trail.
    AuditList(AuditList),
    /// The accounts.
    UserList(UserList),
    /// One account.
    UserPage(Box<UserPage>),
    /// The form of an account.
    UserForm(UserForm),
    /// Why somebody cannot sign in.
    UserDiagnosis(UserDiagnosis),
    /// What a token is, and whether the installation is sound.
    Diagnosis(Box<DiagnosisPage>),
    /// The latest refused requests.
    RequestList(RequestList),
    /// One refused request.
    RefusedRequest(Box<Explained>),
}

impl ConsoleView {
    pub(super) fn template(&self) -> &'static str {
        match self {
            ConsoleView::Refused(_) => "console-refused.html",
            ConsoleView::Overview(_) => "console-overview.html",
            ConsoleView::NamedList(_) => "console-named-list.html",
            ConsoleView::NamedForm(_) => "console-named-form.html",
            ConsoleView::ClientList(_) => "console-clients.html",
            ConsoleView::ClientPage(_) => "console-client.html",
            ConsoleView::ClientForm(_) => "console-client-form.html",
            ConsoleView::ClientSecret(_) => "console-client-secret.html",
            ConsoleView::Connect(_) => "console-connect.html",
            ConsoleView::KeyList(_) => "console-keys.html",
            ConsoleView::SessionList(_) => "console-sessions.html",
            ConsoleView::AuditList(_) => "console-audit.html",
            ConsoleView::UserList(_) => "console-users.html",
            ConsoleView::UserPage(_) => "console-user.html",
            ConsoleView::UserForm(_) => "console-user-form.html",
            ConsoleView::UserDiagnosis(_) => "console-user-diagnosis.html",
            ConsoleView::Diagnosis(_) => "console-diagnosis.html",
            ConsoleView::RequestList(_) => "console-requests.html",
            ConsoleView::RefusedRequest(_) => "console-request.html",
        }
    }
}
