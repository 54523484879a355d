//! API keys: made and rotated by their owners, listed and revoked by their owners and by administrators.

use std::collections::BTreeSet;

use protocol::api_key::ApiKey;
use protocol::id::{AccountId, ApiKeyId};
use protocol::permission;
use protocol::role::Authority;
use protocol::secret::{Secret, TokenHash};
use protocol::time::{Lifetime, Timestamp};
use serde_json::{Value, json};
use store::api_keys::Rotation;
use store::{Account, Conn, StoreError};
use zeroize::Zeroizing;

use super::{Actor, Outcome, Refused, Target, denied_about, settle};
use crate::api_keys;
use crate::app::App;
use crate::audit::Event;
use crate::error::Error;
use crate::mail::{Letter, Mail};
use crate::random;

mod list;
mod view;
mod wish;

pub(crate) use list::{list, list_own, show, show_own};
pub(crate) use view::{KeyState, KeyView};
pub(crate) use wish::Wish;

/// The longest that the old secret may go on opening after a rotation.
pub(crate) const MAX_OVERLAP: Lifetime = Lifetime::days(7);
/// The most keys of one account that are kept, ended ones among them: each new one is a mail as well.
const MOST_KEPT: i64 = 1000;

/// A key with its secret, which is never to be had again.
#[derive(Debug)]
pub(crate) struct Made {
    /// The secret.
    pub(crate) secret: Secret,
    /// The key.
    pub(crate) key: KeyView,
}

fn new_secret() -> Secret {
    let bytes = Zeroizing::new(random::bytes::<32>());
    api_keys::write(&bytes)
}

/// An event about a key of an account, done by its owner or by somebody else.
fn event(app: &App, kind: &str, actor: &Actor, owner: AccountId, detail: Value) -> Event {
    let event = Event::now(app, kind).account(owner).detail(detail);
    match (actor.account(), actor.address) {
        (Some(id), Some(address)) if id == owner => event.from(address),
        _ => event.by(actor),
    }
}

/// Refuses a key that would let an actor do more than they came with: through a client nobody gets a key for what the
/// client was not allowed.
fn may_have(actor: &Actor, named: &BTreeSet<String>) -> Result<(), Refused> {
    let Some(presented) = &actor.presented else {
        return Ok(());
    };
    match named.iter().find(|name| !presented.holds(name)) {
        Some(name) => Err(Refused::NotPresented(name.clone())),
        None => Ok(()),
    }
}

/// The same outcome, with a refusal to give more than somebody holds put on record.
async fn on_record<T>(
    app: &App,
    actor: &Actor,
    account: AccountId,
    kind: &str,
    outcome: Outcome<T>,
) -> Outcome<T> {
    if let Err(Error::Refused(refused)) = &outcome {
        let target = Target {
            account: Some(account),
            ..Target::default()
        };
        denied_about(app, actor, kind, refused, target).await?;
    }
    outcome
}

/// The account that is to get a key, and what it holds, when it may sign in.
async fn owner(
    db: &mut Conn,
    id: AccountId,
    now: Timestamp,
) -> Result<Option<(Account, Authority)>, StoreError> {
    let found = store::accounts::find_locked(db, id).await?;
    let Some(account) = found.filter(|account| !account.disabled) else {
        return Ok(None);
    };
    let authority = store::roles::authority(db, id, now).await?;
    Ok(Some((account, authority)))
}

/// A key that is about to be written.
struct Draft {
    key: ApiKey,
    secret: TokenHash,
    actor: Actor,
    most: usize,
    event: Event,
    letter: Option<Letter>,
}

impl Draft {
    /// Writes it unless a rule says no; gives the user name of its owner.
    async fn write(&self, db: &mut Conn, now: Timestamp) -> Result<Result<String, Refused>, StoreError> {
        let Draft { key, most, .. } = self;
        let Some((owner, authority)) = owner(db, key.account_id, now).await? else {
            return Ok(Err(Refused::NotFound));
        };
        let mut named = key.permissions.iter().filter(|name| *name != permission::ALL);
        if !named.all(|name| authority.holds(name)) {
            return Ok(Err(Refused::Beyond));
        }
        if let Err(refused) = may_have(&self.actor, &key.permissions) {
            return Ok(Err(refused));
        }
        let live = store::api_keys::count_live(db, key.account_id, now).await?;
        let all = store::api_keys::count(db, key.account_id).await?;
        if usize::try_from(live).unwrap_or(usize::MAX) >= *most || all >= MOST_KEPT {
            return Ok(Err(too_many(*most)));
        }
        store::api_keys::insert(db, key, &self.secret).await?;
        self.event.record(db).await?;
        if let Some(letter) = &self.letter {
            letter.queue(db).await?;
        }
        Ok(Ok(owner.username))
    }
}

/// Makes a key for an account, by its owner or on the command line, and tells the owner by mail.
pub(crate) async fn create(app: &App, actor: &Actor, account: AccountId, wish: Wish) -> Outcome<Made> {
    let now = app.now();
    let wish = wish.check(&app.config.api_keys, now)?;
    let secret = new_secret();
    let key = ApiKey {
        id: ApiKeyId(random::uuid()),
        account_id: account,
        name: wish.name,
        prefix: api_keys::shown(&secret),
        permissions: wish.permissions,
        networks: wish.networks,
        rate: wish.rate,
        created_at: now,
        rotated_at: None,
        previous_expires_at: None,
        expires_at: wish.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let detail = json!({
        "api_key": key.id, "name": key.name, "permissions": key.permissions, "networks": key.networks,
        "expires_at": key.expires_at,
    });
    let draft = Draft {
        event: event(app, "api_key.created", actor, account, detail),
        letter: letter(app, account, &key.name).await?,
        key: key.clone(),
        secret: secret.hash(),
        actor: actor.clone(),
        most: app.config.api_keys.max_per_account,
    };
    let written = app
        .store
        .write(async move |db: &mut Conn| draft.write(db, now).await)
        .await;
    let username = on_record(app, actor, account, "api_key.created", settle(written)).await?;
    let key = KeyView::of(app, key, username);
    Ok(Made { secret, key })
}

fn too_many(most: usize) -> Refused {
    Refused::invalid(
        "keys",
        format!("there are {most} keys already, which is the most; revoke one first"),
    )
}

/// The mail that tells an owner of a new key, where there is an address.
async fn letter(app: &App, account: AccountId, name: &str) -> Result<Option<Letter>, StoreError> {
    let found = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find(db, account).await)
        .await?;
    let Some(account) = found else { return Ok(None) };
    let locale = account.claims.get("locale").and_then(Value::as_str);
    let locale = app.pages.locale(locale, None);
    let mail = Mail::ApiKeyMade { name };
    Ok(account.email.map(|to| Letter::write(app, &to, locale, &mail)))
}

/// Another secret that is about to be written.
struct Renewal {
    account: AccountId,
    id: ApiKeyId,
    secret: TokenHash,
    prefix: String,
    previous_expires_at: Option<Timestamp>,
    actor: Actor,
    event: Event,
}

impl Renewal {
    /// Writes it unless a rule says no; gives the key as it is then, with the user name of its owner.
    async fn write(
        self,
        db: &mut Conn,
        now: Timestamp,
    ) -> Result<Result<(ApiKey, String), Refused>, StoreError> {
        let Some((owner, _)) = owner(db, self.account, now).await? else {
            return Ok(Err(Refused::NotFound));
        };
        let found = store::api_keys::find(db, self.id).await?;
        let Some(key) = found.filter(|key| key.account_id == self.account) else {
            return Ok(Err(Refused::NotFound));
        };
        if !key.is_live(now) {
            return Ok(Err(Refused::invalid("id", "the key has ended; make another")));
        }
        // Whoever gets the new secret can use the key.
        if let Err(refused) = may_have(&self.actor, &key.permissions) {
            return Ok(Err(refused));
        }
        let rotation = Rotation {
            from_prefix: key.prefix,
            prefix: self.prefix,
            secret: self.secret,
            previous_expires_at: self.previous_expires_at,
        };
        if !store::api_keys::rotate(db, self.id, &rotation, now).await? {
            return Ok(Err(Refused::Stale));
        }
        if self.previous_expires_at.is_none() {
            store::api_keys::revoke_grants(db, self.id, now).await?;
        }
        self.event.record(db).await?;
        let rotated = store::api_keys::find(db, self.id).await?;
        Ok(rotated.map(|key| (key, owner.username)).ok_or(Refused::NotFound))
    }
}

/// Gives a key of an account another secret; the old one opens for `overlap` longer. By its owner or on the command
/// line.
pub(crate) async fn rotate(
    app: &App,
    actor: &Actor,
    account: AccountId,
    id: ApiKeyId,
    overlap: Lifetime,
) -> Outcome<Made> {
    if overlap > MAX_OVERLAP {
        let problem = format!("the old secret may stay good for {MAX_OVERLAP} at most");
        return Err(Refused::invalid("overlap", problem).into());
    }
    let now = app.now();
    let secret = new_secret();
    let previous_expires_at = (overlap.as_secs() > 0).then(|| now + overlap);
    let detail = json!({ "api_key": id, "previous_expires_at": previous_expires_at });
    let renewal = Renewal {
        account,
        id,
        secret: secret.hash(),
        prefix: api_keys::shown(&secret),
        previous_expires_at,
        actor: actor.clone(),
        event: event(app, "api_key.rotated", actor, account, detail),
    };
    let written = app
        .store
        .write(async move |db: &mut Conn| renewal.write(db, now).await)
        .await;
    let settled = settle(written);
    let (key, username) = on_record(app, actor, account, "api_key.rotated", settled).await?;
    let key = KeyView::of(app, key, username);
    Ok(Made { secret, key })
}

/// Revokes a key of the actor's own account.
pub(crate) async fn revoke_own(app: &App, actor: &Actor, account: AccountId, id: ApiKeyId) -> Outcome<()> {
    end(app, actor, id, Some(account)).await
}

/// Revokes a key of anybody who holds no more than the actor.
pub(crate) async fn revoke(app: &App, actor: &Actor, id: ApiKeyId) -> Outcome<()> {
    actor.require(permission::API_KEYS_REVOKE)?;
    end(app, actor, id, None).await
}

async fn end(app: &App, actor: &Actor, id: ApiKeyId, of: Option<AccountId>) -> Outcome<()> {
    let now = app.now();
    let found = app
        .store
        .read(async move |db: &mut Conn| store::api_keys::find(db, id).await)
        .await?;
    let found = found.filter(|key| of.is_none_or(|account| key.account_id == account));
    let account = found.ok_or(Refused::NotFound)?.account_id;
    let event = event(app, "api_key.revoked", actor, account, json!({ "api_key": id }));
    let actor = actor.clone();
    let written = app
        .store
        .write(async move |db: &mut Conn| {
            if of.is_none() {
                let authority = store::roles::authority(db, account, now).await?;
                if let Err(refused) = actor.may_manage(&authority) {
                    return Ok(Err(refused));
                }
            }
            if store::api_keys::revoke(db, id, now).await? {
                store::api_keys::revoke_grants(db, id, now).await?;
                event.record(db).await?;
            }
            Ok(Ok(()))
        })
        .await;
    settle(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_client_gets_no_key_for_more_than_it_came_with() {
        for (presented, named, allowed) in [
            (&["accounts:read"][..], &["accounts:read"][..], true),
            (&["accounts:read"], &["accounts:read", "books:write"], false),
            (&["accounts:read"], &["*"], false),
            (&[], &["accounts:read"], false),
            (&[], &["books:write"], false),
            (&[], &["*"], false),
            (&[], &[], true),
        ] {
            let mut actor = Actor::command_line();
            actor.presented = Some(Authority {
                permissions: set(presented),
                ..Authority::default()
            });
            let verdict = may_have(&actor, &set(named));
            assert_eq!(verdict.is_ok(), allowed, "{presented:?} {named:?}");
            actor.presented = None;
            assert_eq!(may_have(&actor, &set(named)), Ok(()), "{named:?}");
        }
    }
}
