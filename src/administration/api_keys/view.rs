//! API keys as lists show them.

use std::collections::BTreeSet;

use protocol::api_key::ApiKey;
use protocol::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApiKeyState)]
pub(crate) enum KeyState {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key as lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyView {
    /// The identifier.
    pub(crate) id: Uuid,
    /// The account whose authority it carries.
    pub(crate) account_id: Uuid,
    /// The user name of that account.
    pub(crate) username: String,
    /// What its owner calls it.
    pub(crate) name: String,
    /// The first characters of its secret.
    pub(crate) prefix: String,
    /// The permissions it names; `*` stands for all that its owner holds at the time of use.
    pub(crate) permissions: BTreeSet<String>,
    /// The networks it may be used from; any when there are none.
    pub(crate) networks: Vec<String>,
    /// How often it may be used, where it has a rate of its own.
    pub(crate) rate: Option<String>,
    /// Whether it opens anything.
    pub(crate) state: KeyState,
    /// When it was made.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
    /// When it got the secret it has now.
    #[schema(value_type = Option<i64>)]
    pub(crate) rotated_at: Option<Timestamp>,
    /// Until when the secret before that opens too.
    #[schema(value_type = Option<i64>)]
    pub(crate) previous_expires_at: Option<Timestamp>,
    /// Its end.
    #[schema(value_type = Option<i64>)]
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<i64>)]
    pub(crate) revoked_at: Option<Timestamp>,
    /// When it was last used, within a minute.
    #[schema(value_type = Option<i64>)]
    pub(crate) last_used_at: Option<Timestamp>,
}

impl KeyView {
    pub(super) fn of(app: &App, key: ApiKey, username: String) -> KeyView {
        let now = app.now();
        KeyView {
            id: key.id.0,
            account_id: key.account_id.0,
            username,
            last_used_at: app.api_keys.last_used_at(&key),
            state: match key.revoked_at {
                Some(_) => KeyState::Revoked,
                None if key.is_live(now) => KeyState::Live,
                None => KeyState::Expired,
            },
            previous_expires_at: key.previous_expires_at.filter(|until| *until > now),
            name: key.name,
            prefix: key.prefix,
            permissions: key.permissions,
            networks: key.networks,
            rate: key.rate,
            created_at: key.created_at,
            rotated_at: key.rotated_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}
