//! API keys: what the server keeps of them, when they open, and what of their owner's authority they carry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ApiKeyId};
use crate::permission;
use crate::role::{Authority, STANDARD_SCOPES, ScopeDefinition};
use crate::scope::Scope;
use crate::time::Timestamp;

/// A key as the store keeps it, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The identifier.
    pub id: ApiKeyId,
    /// Whose authority it carries.
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// The first characters of the secret, by which its owner recognises it.
    pub prefix: String,
    /// What it may carry of its owner's permissions; `*` stands for all of them.
    pub permissions: BTreeSet<String>,
    /// The networks it may be used from; any when there are none.
    pub networks: Vec<String>,
    /// How often it may be used, where it has a rate of its own.
    pub rate: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got the secret it has now.
    pub rotated_at: Option<Timestamp>,
    /// Until when the secret before that opens too.
    pub previous_expires_at: Option<Timestamp>,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, within a minute.
    pub last_used_at: Option<Timestamp>,
}

/// Which secret of a key was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySecret {
    /// The one it has now.
    Current,
    /// The one before the last rotation.
    Previous,
}

/// Why a key opens nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was revoked.
    Revoked,
    /// Its time is over.
    Expired,
    /// Its secret was replaced, and the time of the old one is over.
    Rotated,
}

impl Ended {
    /// The name in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ended::Revoked => "revoked",
            Ended::Expired => "expired",
            Ended::Rotated => "rotated",
        }
    }
}

impl ApiKey {
    /// When the key will end for whoever holds this secret, or why it has.
    pub fn open_until(&self, secret: KeySecret, now: Timestamp) -> Result<Option<Timestamp>, Ended> {
        if self.revoked_at.is_some() {
            return Err(Ended::Revoked);
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Ended::Expired);
        }
        match secret {
            KeySecret::Current => Ok(self.expires_at),
            KeySecret::Previous => match self.previous_expires_at.filter(|until| *until > now) {
                Some(until) => Ok(Some(self.expires_at.map_or(until, |end| end.min(until)))),
                None => Err(Ended::Rotated),
            },
        }
    }

    /// Whether its secret opens anything.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.open_until(KeySecret::Current, now).is_ok()
    }
}

/// What a key that names `named` carries of what its owner holds now. It names no roles: what these bring counts
/// only as far as the key names it.
pub fn carried(named: &BTreeSet<String>, owner: &Authority) -> Authority {
    let held = &owner.permissions;
    let permissions = if named.contains(permission::ALL) {
        held.clone()
    } else if held.contains(permission::ALL) {
        named.clone()
    } else {
        named.intersection(held).cloned().collect()
    };
    Authority {
        permissions,
        ..Authority::default()
    }
}

/// The part of a scope that a key can stand for, given what it names and carries. Scopes of OpenID Connect and of the
/// account API speak of a person who signed in, and a key that carries nothing opens nothing.
pub fn narrow(
    asked: &Scope,
    named: &BTreeSet<String>,
    carried: &Authority,
    definitions: &[ScopeDefinition],
) -> Scope {
    let empty = carried.permissions.is_empty() && !named.contains(permission::ALL);
    asked.retain(|token| {
        if empty || STANDARD_SCOPES.contains(&token) {
            return false;
        }
        if permission::is_own(token) {
            return carried.holds(token);
        }
        let definition = definitions.iter().find(|definition| definition.name == token);
        definition.is_some_and(|definition| carried.holds_all(&definition.requires))
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId(Uuid::from_u128(1)),
            account_id: AccountId(Uuid::from_u128(2)),
            name: "backup".into(),
            prefix: "chk_abcdefgh".into(),
            permissions: BTreeSet::new(),
            networks: Vec::new(),
            rate: None,
            created_at: Timestamp(0),
            rotated_at: None,
            previous_expires_at: None,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn holder(names: &[&str]) -> Authority {
        Authority {
            roles: set(&["editor"]),
            permissions: set(names),
            mfa: None,
        }
    }

    #[test]
    fn a_key_opens_until_its_first_end() {
        use KeySecret::{Current, Previous};
        let at = |time: i64| Some(Timestamp(time));
        // Expiry, revocation, end of the old secret; which secret; what comes of it at 100.
        for (expires, revoked, until, secret, outcome) in [
            (None, None, None, Current, Ok(None)),
            (at(200), None, None, Current, Ok(at(200))),
            (at(100), None, None, Current, Err(Ended::Expired)),
            (at(200), at(50), at(150), Current, Err(Ended::Revoked)),
            (None, None, at(150), Current, Ok(None)),
            (None, None, at(150), Previous, Ok(at(150))),
            (at(120), None, at(150), Previous, Ok(at(120))),
            (None, None, at(100), Previous, Err(Ended::Rotated)),
            (None, None, None, Previous, Err(Ended::Rotated)),
        ] {
            let key = ApiKey {
                expires_at: expires,
                revoked_at: revoked,
                previous_expires_at: until,
                ..key()
            };
            assert_eq!(key.open_until(secret, Timestamp(100)), outcome, "{key:?}");
        }
    }

    #[test]
    fn a_key_carries_what_it_names_and_its_owner_holds() {
        for (named, held, carries) in [
            (set(&["a", "b"]), holder(&["b", "c"]), set(&["b"])),
            (set(&["*"]), holder(&["b", "c"]), set(&["b", "c"])),
            (set(&["a"]), holder(&["*"]), set(&["a"])),
            (set(&["*"]), holder(&["*"]), set(&["*"])),
            (set(&[]), holder(&["*"]), set(&[])),
        ] {
            let carried = carried(&named, &held);
            assert_eq!(carried.permissions, carries, "{named:?} {held:?}");
            assert!(carried.roles.is_empty());
        }
    }

    #[test]
    fn a_key_stands_for_no_sign_in_and_for_nothing_it_does_not_carry() {
        let definitions = [
            ScopeDefinition {
                name: "books:write".into(),
                requires: set(&["books:write"]),
                ..Default::default()
            },
            ScopeDefinition {
                name: "books:read".into(),
                ..Default::default()
            },
        ];
        let asked: Scope =
            "openid account:write offline_access accounts:read books:read books:write undefined"
                .parse()
                .unwrap();
        for (named, held, scope) in [
            (
                set(&["*"]),
                holder(&["*"]),
                "accounts:read books:read books:write",
            ),
            (set(&["*"]), holder(&[]), "books:read"),
            (
                set(&["books:write"]),
                holder(&["books:write"]),
                "books:read books:write",
            ),
            (
                set(&["accounts:read"]),
                holder(&["*"]),
                "accounts:read books:read",
            ),
            (set(&["books:write"]), holder(&[]), ""),
            (set(&[]), holder(&["*"]), ""),
        ] {
            let carried = carried(&named, &held);
            let narrowed = narrow(&asked, &named, &carried, &definitions);
            assert_eq!(narrowed, scope.parse().unwrap_or_default(), "{named:?} {held:?}");
        }
    }
}
