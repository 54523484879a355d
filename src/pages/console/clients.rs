//! Apps, as a list, one by one, and as a form.

use protocol::time::Timestamp;
use serde::Serialize;

use super::ConsoleRefusal;

/// The registered apps.
#[derive(Clone, Debug, Serialize)]
pub struct ClientList {
    /// What their identifiers were to begin with.
    pub query: String,
    /// The state asked for.
    pub state: String,
    /// Those found.
    pub rows: Vec<ClientRow>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
}

/// An app in the list.
#[derive(Clone, Debug, Serialize)]
pub struct ClientRow {
    /// Its identifier.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// The grants it may use.
    pub grant_types: Vec<&'static str>,
    /// Whether it is shut out.
    pub disabled: bool,
    /// Whether a declarative file keeps it.
    pub managed: bool,
}

/// One app.
#[derive(Clone, Debug, Serialize)]
pub struct ClientPage {
    /// What the list shows of it.
    pub row: ClientRow,
    /// What is registered, by member, as far as a person reads it.
    pub facts: Vec<(&'static str, Vec<String>)>,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// How long the secret before this one is good.
    pub previous_secret_expires_at: Option<Timestamp>,
    /// Whether it may be changed by whoever looks.
    pub may_write: bool,
    /// The version that is shown.
    pub version: String,
}

/// A secret that is shown once.
#[derive(Clone, Serialize)]
pub struct ClientSecretPage {
    /// The app's identifier.
    pub client_id: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for ClientSecretPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSecretPage")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The form of an app, with what is registered or was typed. Lists have one entry a line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClientForm {
    /// Whether it is made anew.
    pub new: bool,
    /// Its identifier.
    pub client_id: String,
    /// Inputs of one line, by member.
    pub texts: Vec<(&'static str, String)>,
    /// Inputs of several lines, by member.
    pub areas: Vec<(&'static str, String)>,
    /// Choices, by member: what is chosen, and what can be.
    pub choices: Vec<(&'static str, String, Vec<&'static str>)>,
    /// The grants, and whether they are ticked.
    pub grant_types: Vec<(&'static str, bool)>,
    /// What is on or off, by member.
    pub switches: Vec<(&'static str, bool)>,
    /// The version that was shown.
    pub version: String,
    /// Why it was not taken.
    pub refusal: Option<ConsoleRefusal>,
}
