//! Permissions: what roles are made of. Those named here are the server's own; all others belong to resource servers.

use std::collections::BTreeSet;

/// Stands for each permission there is.
pub const ALL: &str = "*";

/// See resources, who owns them and who may do what with them.
pub const ACCESS_READ: &str = "access:read";
/// Change owners of resources and permissions on them.
pub const ACCESS_WRITE: &str = "access:write";
/// Ask whether somebody may do something (AuthZEN).
pub const ACCESS_EVALUATE: &str = "access:evaluate";
/// See accounts, their roles and their factors.
pub const ACCOUNTS_READ: &str = "accounts:read";
/// Make accounts and change their profiles.
pub const ACCOUNTS_WRITE: &str = "accounts:write";
/// Disable, enable and unlock accounts.
pub const ACCOUNTS_DISABLE: &str = "accounts:disable";
/// Start a new password and remove lost second factors.
pub const ACCOUNTS_RECOVER: &str = "accounts:recover";
/// Delete accounts.
pub const ACCOUNTS_DELETE: &str = "accounts:delete";
/// Give out all data of an account, and import accounts.
pub const ACCOUNTS_EXPORT: &str = "accounts:export";
/// See API keys.
pub const API_KEYS_READ: &str = "api-keys:read";
/// Revoke API keys.
pub const API_KEYS_REVOKE: &str = "api-keys:revoke";
/// Read the audit trail.
pub const AUDIT_READ: &str = "audit:read";
/// See registered clients.
pub const CLIENTS_READ: &str = "clients:read";
/// Register, change and remove clients.
pub const CLIENTS_WRITE: &str = "clients:write";
/// See what accounts allowed clients.
pub const GRANTS_READ: &str = "grants:read";
/// End what accounts allowed clients.
pub const GRANTS_REVOKE: &str = "grants:revoke";
/// Examine the installation.
pub const INSTALLATION_READ: &str = "installation:read";
/// See signing keys.
pub const KEYS_READ: &str = "keys:read";
/// Rotate signing keys.
pub const KEYS_ROTATE: &str = "keys:rotate";
/// Look up refused requests.
pub const REQUESTS_READ: &str = "requests:read";
/// See roles, scopes and resource servers.
pub const ROLES_READ: &str = "roles:read";
/// Change roles, scopes and resource servers.
pub const ROLES_WRITE: &str = "roles:write";
/// Give roles and permissions to accounts and take them away.
pub const ROLES_ASSIGN: &str = "roles:assign";
/// Provision accounts and groups (SCIM).
pub const SCIM_PROVISION: &str = "scim:provision";
/// See sessions.
pub const SESSIONS_READ: &str = "sessions:read";
/// End sessions.
pub const SESSIONS_END: &str = "sessions:end";
/// See statistics.
pub const STATISTICS_READ: &str = "statistics:read";
/// See the providers that people may sign in at.
pub const UPSTREAMS_READ: &str = "upstreams:read";
/// Register, change and remove providers that people may sign in at.
pub const UPSTREAMS_WRITE: &str = "upstreams:write";

/// The server's own permissions, each of which is also the scope that a client needs to use it, and what it is for.
pub const OWN: [(&str, &str); 29] = [
    (ACCESS_EVALUATE, "Ask who may do what"),
    (ACCESS_READ, "See resources and permissions on them"),
    (ACCESS_WRITE, "Change owners of resources and permissions on them"),
    (ACCOUNTS_DELETE, "Delete accounts"),
    (ACCOUNTS_DISABLE, "Disable, enable and unlock accounts"),
    (ACCOUNTS_EXPORT, "Export and import accounts"),
    (ACCOUNTS_READ, "See accounts"),
    (ACCOUNTS_RECOVER, "Start new passwords and remove second factors"),
    (ACCOUNTS_WRITE, "Make and change accounts"),
    (API_KEYS_READ, "See API keys"),
    (API_KEYS_REVOKE, "Revoke API keys"),
    (AUDIT_READ, "Read the audit trail"),
    (CLIENTS_READ, "See clients"),
    (CLIENTS_WRITE, "Register and change clients"),
    (GRANTS_READ, "See what accounts allowed clients"),
    (GRANTS_REVOKE, "End what accounts allowed clients"),
    (INSTALLATION_READ, "Examine the installation"),
    (KEYS_READ, "See signing keys"),
    (KEYS_ROTATE, "Rotate signing keys"),
    (REQUESTS_READ, "Look up refused requests"),
    (ROLES_ASSIGN, "Give roles and permissions to accounts"),
    (ROLES_READ, "See roles, scopes and resource servers"),
    (ROLES_WRITE, "Change roles, scopes and resource servers"),
    (SCIM_PROVISION, "Provision accounts and groups"),
    (SESSIONS_END, "End sessions"),
    (SESSIONS_READ, "See sessions"),
    (STATISTICS_READ, "See statistics"),
    (UPSTREAMS_READ, "See upstream providers"),
    (UPSTREAMS_WRITE, "Register and change upstream providers"),
];

/// Whether a permission is one of the server's own.
pub fn is_own(permission: &str) -> bool {
    OWN.iter().any(|(name, _)| *name == permission)
}

/// Whether what is held covers a permission.
pub fn covers(held: &BTreeSet<String>, permission: &str) -> bool {
    held.contains(permission) || held.contains(ALL)
}

/// Whether what is held covers each of these. Only [`ALL`] covers [`ALL`].
pub fn covers_all<'a>(held: &BTreeSet<String>, permissions: impl IntoIterator<Item = &'a String>) -> bool {
    held.contains(ALL)
        || permissions
            .into_iter()
            .all(|permission| held.contains(permission))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn everything_covers_everything_and_nothing_else_does() {
        for (held, wanted, covered) in [
            (set(&["a"]), set(&["a"]), true),
            (set(&["a"]), set(&["a", "b"]), false),
            (set(&["*"]), set(&["a", "b"]), true),
            (set(&["*"]), set(&["*"]), true),
            (set(&["a", "b"]), set(&["*"]), false),
            (set(&[]), set(&[]), true),
        ] {
            assert_eq!(covers_all(&held, &wanted), covered, "{held:?} {wanted:?}");
        }
        assert!(covers(&set(&["*"]), ACCOUNTS_READ) && !covers(&set(&[ACCOUNTS_READ]), ACCOUNTS_WRITE));
    }

    #[test]
    fn the_servers_own_permissions_are_sorted_and_named_once() {
        assert!(OWN.is_sorted_by(|(one, _), (next, _)| one < next));
        assert!(is_own(ROLES_ASSIGN) && !is_own("books:read"));
    }
}
