//! How an app is connected.

use serde::Serialize;

/// How an app is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectView {
    /// The client's identifier.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// How it proves who it is.
    pub auth_method: &'static str,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// What it may ask for.
    pub scope: String,
    /// Where it gets its answers.
    pub redirect_uris: Vec<String>,
    /// The issuer identifier.
    pub issuer: String,
    /// Addresses, by the names of the metadata document.
    pub endpoints: Vec<(&'static str, String)>,
    /// Programs to begin with.
    pub snippets: Vec<Snippet>,
}

/// A program to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// A short name, also that of a text.
    pub name: &'static str,
    /// What it is written for.
    pub title: &'static str,
    /// The program.
    pub code: String,
}
