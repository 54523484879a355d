//! What accounts may do at the moment of asking, from copies that any change ends at once.

use std::sync::Arc;

use protocol::access::Standing;
use protocol::id::AccountId;
use protocol::role::Authority;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::changes::ROLES;
use store::{Conn, StoreError};
use uuid::Uuid;

use crate::app::App;
use crate::copies::{Copied, Key};

/// An account as far as it matters for what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose.
    pub account: AccountId,
    /// Its user name.
    pub username: String,
    /// Whether it may not come in, whatever it holds.
    pub disabled: bool,
    /// What it holds.
    pub authority: Authority,
    /// The moment at which the first of it ends.
    until: Option<Timestamp>,
}

impl Copied for Held {
    const NAME: &'static str = "held";

    fn hangs_on(&self) -> [Uuid; 2] {
        [self.account.0, ROLES]
    }
}

/// How an account stands to a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    account: AccountId,
    thing: Uuid,
    /// As what it stands there.
    pub standing: Standing,
}

impl Copied for Stands {
    const NAME: &'static str = "standing";

    fn hangs_on(&self) -> [Uuid; 2] {
        [self.account.0, self.thing]
    }
}

fn key(kind: &[u8], name: &[u8]) -> Key {
    let mut hash = Sha256::new();
    hash.update(kind);
    hash.update([0]);
    hash.update(name);
    let (mut key, digest) = (Key::default(), hash.finalize());
    for (byte, value) in key.iter_mut().zip(digest) {
        *byte = value;
    }
    key
}

fn is_live(until: Option<Timestamp>, now: Timestamp) -> bool {
    until.is_none_or(|until| until > now)
}

/// By what an account is named.
#[derive(Clone)]
enum Named {
    Id(AccountId),
    Login(String),
}

impl Named {
    /// What looks like an identifier is one and nothing else: nobody is to take another's by choosing it as a name.
    fn of(text: &str) -> Named {
        let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        id.map_or_else(
            || Named::Login(text.to_lowercase()),
            |id| Named::Id(AccountId(id)),
        )
    }

    fn key(&self) -> Key {
        match self {
            Named::Id(id) => key(b"id", id.0.as_bytes()),
            Named::Login(login) => key(b"login", login.as_bytes()),
        }
    }
}

async fn read(db: &mut Conn, named: &Named, now: Timestamp) -> Result<Option<Held>, StoreError> {
    let account = match named {
        Named::Id(id) => store::accounts::find(db, *id).await?,
        Named::Login(login) => store::accounts::find_by_login(db, login).await?,
    };
    let Some(account) = account else { return Ok(None) };
    let assignments = store::roles::list_assignments(db, account.id).await?;
    let ends = assignments.iter().filter_map(|held| held.expires_at);
    Ok(Some(Held {
        account: account.id,
        username: account.username,
        disabled: account.disabled,
        authority: store::roles::authority(db, account.id, now).await?,
        until: ends.filter(|at| *at > now).min(),
    }))
}

impl App {
    /// What an account holds now; nothing when there is no such account.
    pub async fn authority(&self, id: AccountId) -> Result<Option<Arc<Held>>, StoreError> {
        self.held_by(Named::Id(id)).await
    }

    /// The same for an account named by its identifier, user name or e-mail address.
    pub async fn authority_of(&self, name: &str) -> Result<Option<Arc<Held>>, StoreError> {
        self.held_by(Named::of(name)).await
    }

    async fn held_by(&self, named: Named) -> Result<Option<Arc<Held>>, StoreError> {
        let (key, now) = (named.key(), self.now());
        let found = self.held.find(&self.store, &key).await;
        if let Some(held) = found.copy.as_ref().filter(|held| is_live(held.until, now)) {
            return Ok(Some(held.clone()));
        }
        let held = self
            .store
            .read(async move |db: &mut Conn| read(db, &named, now).await)
            .await?;
        // Of an account that is not there nothing would tell when it comes.
        let Some(held) = held.map(Arc::new) else {
            return Ok(None);
        };
        self.held.keep(&key, held.clone(), &found).await;
        Ok(Some(held))
    }

    /// How an account stands to a thing now.
    pub async fn standing(
        &self,
        account: AccountId,
        kind: &str,
        id: &str,
    ) -> Result<Arc<Stands>, StoreError> {
        let thing = protocol::access::fingerprint(kind, id);
        let (key, now) = (key(account.0.as_bytes(), thing.as_bytes()), self.now());
        let found = self.standings.find(&self.store, &key).await;
        if let Some(stands) = found
            .copy
            .as_ref()
            .filter(|copy| is_live(copy.standing.until, now))
        {
            return Ok(stands.clone());
        }
        let (kind, id) = (kind.to_owned(), id.to_owned());
        let standing = self
            .store
            .read(async move |db: &mut Conn| {
                store::resource_permissions::standing(db, account, &kind, &id, now).await
            })
            .await?;
        let stands = Arc::new(Stands {
            account,
            thing,
            standing,
        });
        self.standings.keep(&key, stands.clone(), &found).await;
        Ok(stands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_identifier_is_no_name() {
        let id = "0190d1a2-0000-7000-8000-000000000001";
        for (text, is_id) in [
            (id.to_owned(), true),
            (id.to_uppercase(), true),
            (id.replace('-', ""), false),
            ("alice".to_owned(), false),
            (format!("{{{id}}}"), false),
        ] {
            assert_eq!(matches!(Named::of(&text), Named::Id(_)), is_id, "{text}");
        }
        assert_eq!(Named::of("Alice").key(), Named::of("alice").key());
    }

    #[test]
    fn a_copy_ends_with_the_first_thing_in_it() {
        let now = Timestamp(10);
        assert!(is_live(None, now) && is_live(Some(Timestamp(11)), now));
        assert!(!is_live(Some(Timestamp(10)), now));
    }
}
