//! Identifiers of what the server keeps, each a type of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// One person's record. Random, never reused; the public `sub` (OpenID Connect Core §8).
    AccountId
);
uuid_id!(
    /// What one authorization gave a client; codes and tokens hang on it.
    GrantId
);
uuid_id!(
    /// A browser session, shown to clients as `sid`.
    SessionId
);
uuid_id!(
    /// A group of accounts.
    GroupId
);
uuid_id!(
    /// An API key; its name in lists and logs, which is no secret.
    ApiKeyId
);

/// A client's identifier as it is registered (RFC 6749 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub String);

impl ClientId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ClientId {
    fn from(text: &str) -> Self {
        ClientId(text.to_owned())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
