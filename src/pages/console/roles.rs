//! Roles and scopes, as lists and as forms.

use serde::Serialize;

use super::ConsoleRefusal;

/// A role or a scope in a list.
#[derive(Clone, Debug, Serialize)]
pub struct NamedRow {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The first of the permissions it carries or requires.
    pub permissions: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// Whether its holders must prove a second factor.
    pub mfa: Option<&'static str>,
    /// Whether a declarative file keeps it.
    pub managed: bool,
}

/// The roles, or the scopes.
#[derive(Clone, Debug, Serialize)]
pub struct NamedList {
    /// `role` or `scope`.
    pub noun: &'static str,
    /// What was looked for.
    pub query: String,
    /// Those found.
    pub rows: Vec<NamedRow>,
    /// Where the list goes on.
    pub next: Option<String>,
    /// Where it begins, unless it is shown from there.
    pub first: Option<String>,
    /// Whether new ones may be made.
    pub may_write: bool,
}

/// The form of a role or scope.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NamedForm {
    /// `role` or `scope`.
    pub noun: &'static str,
    /// Whether it is made anew.
    pub new: bool,
    /// Its name, or what was typed.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The permissions that may be ticked: names, whether they are, and what they are for where that is known.
    pub permissions: Vec<PermissionBox>,
    /// Further permissions, one a line.
    pub others: String,
    /// Whether its holders must prove a second factor, as a policy's name.
    pub mfa: &'static str,
    /// The version that was shown.
    pub version: String,
    /// How many hold it.
    pub holders: Option<i64>,
    /// Whether it may be changed at all.
    pub may_write: bool,
    /// Whether a declarative file keeps it.
    pub managed: bool,
    /// Why it was not taken.
    pub refusal: Option<ConsoleRefusal>,
}

/// A permission that can be ticked.
#[derive(Clone, Debug, Serialize)]
pub struct PermissionBox {
    /// Its name.
    pub name: &'static str,
    /// Whether it is ticked.
    pub held: bool,
    /// Whether the one who looks may give it.
    pub may_give: bool,
}

/// Permissions of one role in a list.
const FEW: usize = 12;

impl NamedRow {
    /// The same with the first permissions only.
    #[must_use]
    pub fn cut(mut self) -> NamedRow {
        self.more = self.permissions.len().saturating_sub(FEW);
        self.permissions.truncate(FEW);
        self
    }
}
