//! Access decisions (AuthZEN Authorization API 1.0): who asks for what on which thing, and the rule that answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::permission::{self, ALL};
use crate::role::Authority;
use crate::time::Timestamp;

pub mod request;

/// Characters of the type of a subject or thing. With those of an identifier and of a permission they fit into an index.
pub const TYPE_LENGTH: usize = 64;
/// Characters of an identifier.
pub const ID_LENGTH: usize = 400;
/// Characters of the name of an action or permission.
pub const NAME_LENGTH: usize = 200;

/// Somebody or something: a type, and an identifier within it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Entity {
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The identifier.
    pub id: String,
}

/// Whether this subject does this to this thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who.
    pub subject: Entity,
    /// What they do.
    pub action: String,
    /// To what.
    pub resource: Entity,
}

/// The types by which an account may be asked about.
pub fn is_account(kind: &str) -> bool {
    matches!(kind, "user" | "account")
}

/// The permission that an action on a thing needs: its own name when that is one, as in `books:write`, else
/// `TYPE:ACTION`.
pub fn permission_for(kind: &str, action: &str) -> String {
    if action == ALL || action.contains(':') {
        action.to_owned()
    } else {
        format!("{kind}:{action}")
    }
}

/// What whoever makes somebody the owner of a thing must hold, for an owner may do everything to it.
pub fn ownership(kind: &str) -> String {
    format!("{kind}:{ALL}")
}

/// What a permission is called as an action on things of a type: the other way round.
pub fn action_of<'a>(kind: &str, permission: &'a str) -> &'a str {
    permission
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(':'))
        .filter(|action| !action.is_empty() && !action.contains(':'))
        .unwrap_or(permission)
}

/// Stands for a thing where only an identifier of one size has room.
pub fn fingerprint(kind: &str, id: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    // Neither text holds a NUL.
    hash.update([0]);
    hash.update(id.as_bytes());
    let (mut bytes, digest) = ([0; 16], hash.finalize());
    for (byte, value) in bytes.iter_mut().zip(digest) {
        *byte = value;
    }
    Uuid::from_bytes(bytes)
}

/// How an account stands to one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it owns the thing.
    pub is_owner: bool,
    /// What it was given on this thing alone.
    pub permissions: BTreeSet<String>,
    /// The moment at which the first of them ends.
    pub until: Option<Timestamp>,
}

/// Why somebody may, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They own the thing.
    Owner,
    /// They were given the permission on this thing.
    Grant,
    /// They hold the permission everywhere.
    Role,
    /// Nothing says that they may.
    None,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether they may.
    pub decision: bool,
    /// Why.
    pub context: Because,
}

/// The context of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The reason.
    pub reason: Reason,
}

impl Decision {
    /// No: the same for who may not, who may not come in, and who is not known.
    pub const NO: Decision = Decision::because(Reason::None);

    /// The answer that a reason stands for.
    pub const fn because(reason: Reason) -> Decision {
        Decision {
            decision: !matches!(reason, Reason::None),
            context: Because { reason },
        }
    }
}

/// Decides for an account that may come in: owners may do everything, then what was given on the thing itself counts,
/// then what is held everywhere.
pub fn decide(permission: &str, standing: &Standing, authority: &Authority) -> Decision {
    Decision::because(if standing.is_owner {
        Reason::Owner
    } else if permission::covers(&standing.permissions, permission) {
        Reason::Grant
    } else if authority.holds(permission) {
        Reason::Role
    } else {
        Reason::None
    })
}

/// Whether a text can be a type, an identifier or a name: not empty, not too long, and without control characters.
pub fn is_text(text: &str, length: usize) -> bool {
    !text.is_empty() && text.chars().nth(length).is_none() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn owners_come_before_grants_and_grants_before_roles() {
        for (is_owner, given, held, permission, reason) in [
            (true, set(&[]), set(&[]), "docs:read", Reason::Owner),
            (true, set(&["docs:read"]), set(&["*"]), "docs:read", Reason::Owner),
            (
                false,
                set(&["docs:read"]),
                set(&["*"]),
                "docs:read",
                Reason::Grant,
            ),
            (false, set(&["*"]), set(&[]), "docs:shred", Reason::Grant),
            (false, set(&["docs:read"]), set(&[]), "docs:write", Reason::None),
            (false, set(&[]), set(&["docs:write"]), "docs:write", Reason::Role),
            (false, set(&[]), set(&["*"]), "docs:write", Reason::Role),
            (false, set(&[]), set(&["docs:writer"]), "docs:write", Reason::None),
            (false, set(&["docs:read"]), set(&["docs:read"]), "*", Reason::None),
        ] {
            let standing = Standing {
                is_owner,
                permissions: given,
                until: None,
            };
            let authority = Authority {
                permissions: held,
                ..Authority::default()
            };
            let decided = decide(permission, &standing, &authority);
            assert_eq!(
                decided,
                Decision::because(reason),
                "{permission} {standing:?} {authority:?}"
            );
            assert_eq!(decided.decision, reason != Reason::None);
        }
    }

    #[test]
    fn an_action_names_a_permission_of_the_type_or_is_one() {
        for (kind, action, permission, back) in [
            ("docs", "read", "docs:read", "read"),
            ("docs", "docs:read", "docs:read", "read"),
            ("docs", "books:read", "books:read", "books:read"),
            ("docs", "*", "*", "*"),
            ("docs", "docs:a:b", "docs:a:b", "docs:a:b"),
        ] {
            assert_eq!(permission_for(kind, action), permission);
            assert_eq!(action_of(kind, permission), back);
        }
        assert_eq!(ownership("docs"), "docs:*");
    }

    #[test]
    fn a_fingerprint_is_that_of_one_thing() {
        assert_eq!(fingerprint("docs", "1"), fingerprint("docs", "1"));
        assert_ne!(fingerprint("docs", "1"), fingerprint("docs1", ""));
        assert_ne!(fingerprint("docs", "1"), fingerprint("doc", "s1"));
    }

    #[test]
    fn an_answer_says_no_more_than_why() {
        let yes = serde_json::to_string(&Decision::because(Reason::Role)).unwrap();
        assert_eq!(yes, r#"{"decision":true,"context":{"reason":"role"}}"#);
        let no = serde_json::to_string(&Decision::NO).unwrap();
        assert_eq!(no, r#"{"decision":false,"context":{"reason":"none"}}"#);
    }
}
