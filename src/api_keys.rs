//! API keys in use: found by the hash of their secret, checked at each use against their end, their owner, their
//! networks and their rate, and never worth more than their owner is at that moment.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use moka::sync::Cache;
use protocol::api_key::{self, ApiKey, Ended, KeySecret};
use protocol::id::{AccountId, ApiKeyId};
use protocol::role::Authority;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Conn, Store, StoreError};
use uuid::Uuid;

mod format;
mod presented;
mod uses;

pub use format::{PREFIX, is_well_formed, shown, write};
pub use presented::{KeyRefusal, authenticate, presented};
pub use uses::{flush, keep_uses};

use crate::app::App;
use crate::audit::Event;
use crate::authority::Held;
use crate::config::Rate;
use crate::copies::{Copied, Copies};
use crate::rate_limit::{self, Limit, RetryAfter};
use crate::seal::Sealer;
use crate::shared::Shared;
use crate::web::client_ip::ClientAddress;

/// How often the audit trail is told that one key was refused for one reason.
const TOLD: Duration = Duration::from_secs(60);

/// What this process knows about keys beside what is stored.
#[derive(Debug)]
pub struct ApiKeys {
    copies: Copies<Kept>,
    uses: uses::Uses,
    told: Cache<(ApiKeyId, &'static str), ()>,
}

impl ApiKeys {
    /// Copies of keys in the place that fits the database.
    pub fn new(store: &Store, shared: Option<&Shared>, sealer: &Arc<Sealer>) -> ApiKeys {
        ApiKeys {
            copies: Copies::new(store, shared, sealer),
            uses: uses::Uses::default(),
            told: Cache::builder().max_capacity(10_000).time_to_live(TOLD).build(),
        }
    }

    /// When a key was last used, by what is stored and by what is not written yet.
    pub fn last_used_at(&self, key: &ApiKey) -> Option<Timestamp> {
        key.last_used_at.max(self.uses.latest(key.id))
    }
}

/// A key that may be used right now.
#[derive(Clone, Debug)]
pub struct LiveKey {
    /// The identifier.
    pub id: ApiKeyId,
    /// Whose authority it carries.
    pub account: AccountId,
    /// The user name of that account.
    pub username: String,
    /// The permissions it names; `*` stands for all that its owner holds.
    pub named: BTreeSet<String>,
    /// What it carries: of the permissions it names those that its owner holds now, and no roles.
    pub authority: Authority,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends for whoever presented it.
    pub expires_at: Option<Timestamp>,
}

/// Why a key is of no use to whoever presents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// There is no such key.
    Unknown,
    /// It has ended.
    Ended(Ended),
    /// Its owner may not sign in.
    Owner,
    /// It may not be used from there.
    Address,
    /// It was used too often.
    TooMany(RetryAfter),
}

impl Unusable {
    /// The name in the audit trail; nothing for a key that does not exist.
    fn reason(self) -> Option<&'static str> {
        match self {
            Unusable::Unknown => None,
            Unusable::Ended(ended) => Some(ended.as_str()),
            Unusable::Owner => Some("owner_disabled"),
            Unusable::Address => Some("address"),
            Unusable::TooMany(_) => Some("rate"),
        }
    }
}

/// A key as one of its secrets leads to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    key: ApiKey,
    secret: KeySecret,
}

impl Copied for Kept {
    const NAME: &'static str = "api-key";

    fn hangs_on(&self) -> [Uuid; 2] {
        [self.key.id.0, self.key.account_id.0]
    }
}

/// The live key with this text, used from this address. It counts as a use, and a refusal of a key that exists is
/// put on record.
pub(crate) async fn verify(
    app: &App,
    text: &str,
    address: ClientAddress,
) -> Result<Result<LiveKey, Unusable>, StoreError> {
    if !is_well_formed(text) {
        return Ok(Err(Unusable::Unknown));
    }
    let Some(kept) = find(app, &TokenHash::of(text)).await? else {
        return Ok(Err(Unusable::Unknown));
    };
    // Whoever is gone takes the key along.
    let Some(owner) = app.authority(kept.key.account_id).await? else {
        return Ok(Err(Unusable::Unknown));
    };
    judge(app, &kept, &owner, address).await
}

/// The same for strangers: a network that sent too many wrong keys is not heard.
async fn verify_limited(
    app: &App,
    text: &str,
    address: ClientAddress,
) -> Result<Result<LiveKey, Unusable>, StoreError> {
    let network = rate_limit::network(address.0);
    let limit = Limit::ClientFailuresPerAddress;
    if let Err(wait) = app.limits.peek(limit, &network).allowed() {
        return Ok(Err(Unusable::TooMany(wait)));
    }
    let verdict = verify(app, text, address).await?;
    if matches!(verdict, Err(Unusable::Unknown)) {
        app.limits.take(limit, &network).await;
    }
    Ok(verdict)
}

async fn find(app: &App, hash: &TokenHash) -> Result<Option<Arc<Kept>>, StoreError> {
    let copies = &app.api_keys.copies;
    let found = copies.find(&app.store, &hash.0).await;
    if let Some(kept) = &found.copy {
        return Ok(Some(kept.clone()));
    }
    let secret = *hash;
    let read = app
        .store
        .read(async move |db: &mut Conn| store::api_keys::find_by_secret(db, &secret).await)
        .await?;
    let Some((key, secret)) = read else {
        return Ok(None);
    };
    let kept = Arc::new(Kept { key, secret });
    copies.keep(&hash.0, kept.clone(), &found).await;
    Ok(Some(kept))
}

async fn judge(
    app: &App,
    kept: &Kept,
    owner: &Held,
    address: ClientAddress,
) -> Result<Result<LiveKey, Unusable>, StoreError> {
    let (key, now) = (&kept.key, app.now());
    match check(app, kept, owner, address, now).await {
        Ok(expires_at) => {
            app.api_keys.uses.note(key.id, now);
            Ok(Ok(LiveKey {
                id: key.id,
                account: key.account_id,
                username: owner.username.clone(),
                authority: api_key::carried(&key.permissions, &owner.authority),
                named: key.permissions.clone(),
                created_at: key.created_at,
                expires_at,
            }))
        }
        Err(unusable) => {
            record(app, key, unusable, address).await?;
            Ok(Err(unusable))
        }
    }
}

async fn check(
    app: &App,
    kept: &Kept,
    owner: &Held,
    address: ClientAddress,
    now: Timestamp,
) -> Result<Option<Timestamp>, Unusable> {
    let key = &kept.key;
    let end = key.open_until(kept.secret, now).map_err(Unusable::Ended)?;
    if owner.disabled {
        return Err(Unusable::Owner);
    }
    if !allows(&key.networks, address.0) {
        return Err(Unusable::Address);
    }
    let own: Option<Rate> = key.rate.as_deref().and_then(|rate| rate.parse().ok());
    let limit = Limit::ApiKey(own.unwrap_or(app.config.api_keys.rate));
    let mut name = [0; uuid::fmt::Hyphenated::LENGTH];
    let verdict = app
        .limits
        .take(limit, key.id.0.hyphenated().encode_lower(&mut name))
        .await;
    verdict.allowed().map_err(Unusable::TooMany)?;
    Ok(end)
}

/// Whether a list of networks has an address; one without networks has each. What cannot be read allows nothing.
fn allows(networks: &[String], address: IpAddr) -> bool {
    let address = address.to_canonical();
    let has = |network: &String| {
        network
            .parse::<IpNet>()
            .is_ok_and(|network| network.contains(&address))
    };
    networks.is_empty() || networks.iter().any(has)
}

/// Puts the refusal of a key that exists on record: once a minute for each reason, so that nobody fills the trail.
async fn record(
    app: &App,
    key: &ApiKey,
    unusable: Unusable,
    address: ClientAddress,
) -> Result<(), StoreError> {
    let Some(reason) = unusable.reason() else {
        return Ok(());
    };
    let told = app.api_keys.told.entry((key.id, reason)).or_insert(());
    if !told.is_fresh() {
        return Ok(());
    }
    let event = Event::now(app, "api_key.refused")
        .account(key.account_id)
        .from(address)
        .detail(json!({ "api_key": key.id, "reason": reason }))
        .failed();
    app.store
        .write(async move |db: &mut Conn| event.record(db).await)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_allowed_however_it_is_written() {
        let networks = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (all, address, allowed) in [
            (networks(&[]), "192.0.2.1", true),
            (networks(&["192.0.2.0/24"]), "192.0.2.77", true),
            (networks(&["192.0.2.0/24"]), "::ffff:192.0.2.77", true),
            (networks(&["192.0.2.0/24"]), "192.0.3.1", false),
            (networks(&["192.0.2.0/24", "2001:db8::/32"]), "2001:db8::1", true),
            (networks(&["2001:db8::/32"]), "192.0.2.1", false),
            (networks(&["::/0"]), "192.0.2.1", false),
            (networks(&["junk"]), "192.0.2.1", false),
        ] {
            assert_eq!(
                allows(&all, address.parse().unwrap()),
                allowed,
                "{all:?} {address}"
            );
        }
    }
}
