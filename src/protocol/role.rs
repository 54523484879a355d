//! Roles, permissions and what scopes and resources require of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::permission;
use crate::scope::Scope;
use crate::session::MfaPolicy;

/// A named set of permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The name accounts hold it by.
    pub name: String,
    /// For administrators, in a sentence.
    #[serde(default)]
    pub description: String,
    /// The permissions it carries.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
    /// Whether its holders must prove a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<MfaPolicy>,
}

/// A scope that clients may ask for, and the permissions an account must hold to give it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeDefinition {
    /// The scope token.
    pub name: String,
    /// What it allows, in words for the consent page.
    #[serde(default)]
    pub description: String,
    /// The permissions the account must hold, all of them.
    #[serde(default)]
    pub requires: BTreeSet<String>,
}

/// A resource server that tokens can be made for (RFC 8707).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceServer {
    /// Its absolute URI, the `aud` of its tokens.
    pub identifier: String,
    /// The scopes that mean something to it.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// What an account holds at the moment of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Role names.
    pub roles: BTreeSet<String>,
    /// Permissions through roles, and custom ones.
    pub permissions: BTreeSet<String>,
    /// The strictest that the roles say about second factors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<MfaPolicy>,
}

impl Authority {
    /// Whether it covers a permission.
    pub fn holds(&self, permission: &str) -> bool {
        permission::covers(&self.permissions, permission)
    }

    /// Whether it covers each of these.
    pub fn holds_all<'a>(&self, permissions: impl IntoIterator<Item = &'a String>) -> bool {
        permission::covers_all(&self.permissions, permissions)
    }
}

/// Lets a client see its user's account through the account API.
pub const ACCOUNT_READ: &str = "account:read";
/// Lets a client change its user's account through the account API.
pub const ACCOUNT_WRITE: &str = "account:write";

/// Scopes of OpenID Connect and of the account API; each account may give them, so they require no permission.
pub const STANDARD_SCOPES: [&str; 8] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    ACCOUNT_READ,
    ACCOUNT_WRITE,
];

/// Whether a scope is known: a standard one, one of the server's own permissions, or a defined one.
pub fn is_known(token: &str, definitions: &[ScopeDefinition]) -> bool {
    STANDARD_SCOPES.contains(&token) || is_grantable(token, definitions)
}

/// Whether a scope means something without a person, to a client that acts for itself.
pub fn is_grantable(token: &str, definitions: &[ScopeDefinition]) -> bool {
    permission::is_own(token) || definitions.iter().any(|definition| definition.name == token)
}

/// Whether it depends on an account's authority which part of a scope it can give.
pub fn depends_on_authority(scope: &Scope, definitions: &[ScopeDefinition]) -> bool {
    let requires = |token: &str| {
        permission::is_own(token)
            || definitions
                .iter()
                .any(|definition| definition.name == token && !definition.requires.is_empty())
    };
    scope.iter().any(requires)
}

/// Narrows `asked` to what the client is registered for and the account's authority covers. A permission of the
/// server's own is a scope too, and requires itself.
pub fn narrow(
    asked: &Scope,
    registered: &Scope,
    definitions: &[ScopeDefinition],
    authority: &Authority,
) -> Scope {
    asked.retain(|token| {
        if !registered.contains(token) {
            return false;
        }
        if STANDARD_SCOPES.contains(&token) {
            return true;
        }
        if permission::is_own(token) {
            return authority.holds(token);
        }
        definitions
            .iter()
            .find(|definition| definition.name == token)
            .is_some_and(|definition| authority.holds_all(&definition.requires))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_scope_is_granted_only_with_registration_and_permission() {
        let definitions = [
            ScopeDefinition {
                name: "books:read".into(),
                ..Default::default()
            },
            ScopeDefinition {
                name: "books:write".into(),
                requires: BTreeSet::from(["books:write".into()]),
                ..Default::default()
            },
        ];
        let reader = Authority::default();
        let writer = Authority {
            permissions: BTreeSet::from(["books:write".into()]),
            ..Default::default()
        };
        let everything = Authority {
            permissions: BTreeSet::from([permission::ALL.into()]),
            ..Default::default()
        };
        for (asked, registered, authority, granted) in [
            ("openid books:write", "openid books:write", &reader, "openid"),
            (
                "openid books:write",
                "openid books:write",
                &writer,
                "openid books:write",
            ),
            ("books:write", "openid", &writer, ""),
            ("books:read", "books:read", &reader, "books:read"),
            ("undefined", "undefined", &writer, ""),
            ("accounts:read", "accounts:read", &writer, ""),
            (
                "accounts:read books:write",
                "accounts:read books:write",
                &everything,
                "accounts:read books:write",
            ),
        ] {
            assert_eq!(
                narrow(&scope(asked), &scope(registered), &definitions, authority),
                scope(granted),
                "{asked}"
            );
        }
    }
}
