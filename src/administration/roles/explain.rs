//! Why an account may do what it may do.

use std::collections::BTreeMap;
use std::fmt;

use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde::Serialize;
use store::{Conn, StoreError, roles};
use utoipa::ToSchema;

/// A permission that an account has now, and each way by which it has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EffectivePermission {
    /// The permission.
    pub(crate) permission: String,
    /// The ways, of which one is enough.
    pub(crate) through: Vec<Way>,
}

/// One way to a permission: through a role, which may come from a group; without either it is the account's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Way {
    /// The role.
    pub(crate) role: Option<String>,
    /// The group whose members hold the role.
    pub(crate) group: Option<String>,
    /// When the role is not held any more.
    #[schema(value_type = Option<i64>)]
    pub(crate) expires_at: Option<Timestamp>,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.role, &self.group) {
            (Some(role), Some(group)) => write!(f, "through role {role} of group {group}"),
            (Some(role), None) => write!(f, "through role {role}"),
            (None, _) => f.write_str("of its own"),
        }
    }
}

/// The permissions that an account has at a moment, by name.
pub(crate) async fn explain(
    db: &mut Conn,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<EffectivePermission>, StoreError> {
    let mut ways: BTreeMap<String, Vec<Way>> = BTreeMap::new();
    for permission in roles::account_permissions(db, account).await? {
        let own = Way {
            role: None,
            group: None,
            expires_at: None,
        };
        ways.entry(permission).or_default().push(own);
    }
    for held in roles::list_held(db, account, now).await? {
        for permission in held.role.permissions {
            let way = Way {
                role: Some(held.role.name.clone()),
                group: held.group.clone(),
                expires_at: held.expires_at,
            };
            ways.entry(permission).or_default().push(way);
        }
    }
    let all = ways.into_iter();
    Ok(all
        .map(|(permission, through)| EffectivePermission { permission, through })
        .collect())
}
