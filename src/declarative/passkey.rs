//! Passkeys that an account had with another system, as a file gives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use store::StoredPasskey;

use super::FileError;
use super::entry::Entry;
use crate::factors::foreign;
use crate::random;

/// The most passkeys of one account.
const MOST: usize = 20;
const NAME_LENGTH: usize = 50;

/// A passkey to be had.
#[derive(Clone, Debug, PartialEq)]
pub struct PasskeyEntry {
    /// What its authenticator calls it.
    pub credential_id: Vec<u8>,
    /// What its holder calls it.
    pub name: String,
    /// The key and its counter, as they are stored.
    pub document: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    credential_id: String,
    public_key: String,
    #[serde(default)]
    counter: u32,
    #[serde(default)]
    name: Option<String>,
}

/// Base64 of either alphabet, padded or not.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    STANDARD_NO_PAD.decode(plain).ok()
}

/// Takes `passkeys` out of an entry.
pub(super) fn parse(entry: &mut Entry) -> Result<Vec<PasskeyEntry>, FileError> {
    let written: Vec<Written> = entry.take("passkeys")?.unwrap_or_default();
    if written.len() > MOST {
        return Err(entry.wrong("passkeys", format!("has more than {MOST}")));
    }
    let read = |written: Written| {
        let credential_id = decode(&written.credential_id);
        let key = decode(&written.public_key);
        let document = credential_id
            .as_deref()
            .zip(key.as_deref())
            .and_then(|(id, key)| foreign::document(id, key, written.counter));
        let name: String = written
            .name
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(NAME_LENGTH)
            .collect();
        match (credential_id, document) {
            (Some(credential_id), Some(document)) => Ok(PasskeyEntry {
                credential_id,
                name: match name.trim() {
                    "" => "Passkey".to_owned(),
                    name => name.to_owned(),
                },
                document,
            }),
            _ => Err(entry.wrong(
                "passkeys",
                "needs credential_id and public_key (a COSE key: ES256, ES384, EdDSA or RS256) in base64",
            )),
        }
    };
    written.into_iter().map(read).collect()
}

impl PasskeyEntry {
    /// The row it becomes.
    pub(crate) fn stored(&self, id: AccountId, now: Timestamp) -> StoredPasskey {
        StoredPasskey {
            id: random::uuid(),
            account_id: id,
            credential_id: self.credential_id.clone(),
            name: self.name.clone(),
            document: self.document.clone(),
            created_at: now,
            last_used_at: None,
        }
    }
}
