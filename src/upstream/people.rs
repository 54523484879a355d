//! From a person at an upstream to an account here. Each change is one write with its event and its mail.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::time::Timestamp;
use protocol::upstream::{LinkingFacts, Local, Person, Upstream, Verdict, decide, username_candidate};
use serde_json::{Map, Value, json};
use store::{Account, Conn, StoreError, accounts, replay, roles, upstream_identities as identities};

use super::Pending;
use crate::app::App;
use crate::audit::Event;
use crate::mail::{Letter, Mail};
use crate::pages::Locale;
use crate::random;
use crate::web::client_ip::ClientAddress;

/// How often a write is tried again after somebody else was faster.
const ATTEMPTS: usize = 5;

/// What came of somebody who came from an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// They are this account.
    Is(AccountId),
    /// They must say more.
    Ask,
    /// They may not come in.
    Refused,
}

/// What was found about a person.
struct Found {
    known: Option<Account>,
    local: Option<Account>,
    facts: LinkingFacts,
}

async fn look_up(app: &App, upstream: &Upstream, person: &Person) -> Result<Found, StoreError> {
    let vouched = person.email_verified
        && person
            .email
            .as_deref()
            .is_some_and(|email| upstream.vouches_for(email));
    let (who, create_accounts) = (person.clone(), upstream.create_accounts);
    app.store
        .read(async move |db: &mut Conn| {
            let known = match identities::find(db, &who.issuer, &who.subject).await? {
                Some(identity) => accounts::find(db, identity.account_id).await?,
                None => None,
            };
            let email = who.email.as_deref().filter(|_| vouched);
            let local = match email {
                Some(email) => accounts::find_by_login(db, email).await?,
                None => None,
            };
            let has_identity_there = match &local {
                Some(local) => identities::list(db, local.id)
                    .await?
                    .iter()
                    .any(|identity| identity.issuer == who.issuer),
                None => false,
            };
            let facts = LinkingFacts {
                known_disabled: known.as_ref().map(|account| account.disabled),
                vouched,
                local: local.as_ref().map(|local| Local {
                    email_verified: has_proved(local, email),
                    disabled: local.disabled,
                    has_identity_there,
                }),
                create_accounts,
            };
            Ok(Found { known, local, facts })
        })
        .await
}

/// Whether a person is connected with an account.
pub(crate) async fn is_known(app: &App, person: &Person) -> Result<bool, StoreError> {
    let who = person.clone();
    let found = app
        .store
        .read(async move |db: &mut Conn| identities::find(db, &who.issuer, &who.subject).await)
        .await?;
    Ok(found.is_some())
}

/// Whether the account's holder proved this very address; a user name that looks like it is no address.
fn has_proved(account: &Account, email: Option<&str>) -> bool {
    let key = |text: &str| text.to_lowercase();
    account.email_verified && account.email.as_deref().map(key) == email.map(key)
}

/// Finds the account of a person, connecting or making it where that needs no question.
pub(crate) async fn find_account(
    app: &App,
    upstream: &Upstream,
    person: &Person,
    locale: Locale,
    address: ClientAddress,
) -> Result<Outcome, StoreError> {
    for _ in 0..ATTEMPTS {
        let found = look_up(app, upstream, person).await?;
        let settled = match (decide(&found.facts), found.known, found.local) {
            (Verdict::SignIn, Some(account), _) => used(app, person, account.id).await?,
            (Verdict::Link, _, Some(account)) => {
                let written = Link {
                    app,
                    upstream,
                    person,
                    locale,
                    address,
                };
                written.silently(&account).await?.then_some(account.id)
            }
            (Verdict::Create, ..) => make(app, upstream, person, true, None, address).await?,
            (Verdict::Ask { .. }, ..) => return Ok(Outcome::Ask),
            _ => return Ok(Outcome::Refused),
        };
        // Else somebody was faster, and what was found is no longer so.
        if let Some(id) = settled {
            return Ok(Outcome::Is(id));
        }
    }
    Err(StoreError::Busy)
}

async fn used(app: &App, person: &Person, id: AccountId) -> Result<Option<AccountId>, StoreError> {
    let (who, now) = (person.clone(), app.now());
    let kept = app
        .store
        .write(async move |db: &mut Conn| {
            identities::record_use(db, &who.issuer, &who.subject, id, now).await
        })
        .await?;
    Ok(kept.then_some(id))
}

/// A connection about to be made.
struct Link<'a> {
    app: &'a App,
    upstream: &'a Upstream,
    person: &'a Person,
    locale: Locale,
    address: ClientAddress,
}

impl Link<'_> {
    fn event(&self, id: AccountId) -> Event {
        event(self.app, "identity.connected", id, &self.upstream.issuer).from(self.address)
    }

    fn letter(&self, account: &Account) -> Option<Letter> {
        let name = self.upstream.display_name();
        let mail = Mail::UpstreamLinked { name };
        let to = account.email.as_deref()?;
        Some(Letter::write(self.app, to, self.locale, &mail))
    }

    /// Connects by the address that both sides have verified, if that still holds.
    async fn silently(&self, account: &Account) -> Result<bool, StoreError> {
        let (who, id, now) = (self.person.clone(), account.id, self.app.now());
        let (event, letter) = (self.event(id), self.letter(account));
        self.app
            .store
            .write(async move |db: &mut Conn| {
                let still = accounts::find(db, id).await?;
                if !still.is_some_and(|still| !still.disabled && has_proved(&still, who.email.as_deref())) {
                    return Ok(false);
                }
                link(db, &who, id, &event, letter.as_ref(), now).await
            })
            .await
    }
}

async fn link(
    db: &mut Conn,
    who: &Person,
    id: AccountId,
    event: &Event,
    letter: Option<&Letter>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !identities::insert(db, &who.issuer, &who.subject, id, now).await? {
        return Ok(false);
    }
    identities::record_use(db, &who.issuer, &who.subject, id, now).await?;
    event.record(db).await?;
    if let Some(letter) = letter {
        letter.queue(db).await?;
    }
    Ok(true)
}

/// What an event says of a connection: never who somebody is elsewhere.
pub(super) fn event(app: &App, kind: &str, id: AccountId, issuer: &str) -> Event {
    Event::now(app, kind)
        .account(id)
        .detail(json!({ "issuer": issuer }))
}

/// Connects a person with the account that its holder has just proved. False when either is settled already.
pub(crate) async fn connect(
    app: &App,
    upstream: &Upstream,
    pending: &Pending,
    account: &Account,
    locale: Locale,
    address: ClientAddress,
) -> Result<bool, StoreError> {
    let written = Link {
        app,
        upstream,
        person: &pending.person,
        locale,
        address,
    };
    let (event, letter) = (written.event(account.id), written.letter(account));
    let (who, id, now) = (pending.person.clone(), account.id, app.now());
    let (once, until) = (pending.once(), pending.interaction.expires_at);
    app.store
        .write(async move |db: &mut Conn| {
            if !replay::record(db, &once, until).await? {
                return Ok(false);
            }
            link(db, &who, id, &event, letter.as_ref(), now).await
        })
        .await
}

/// Makes an account for somebody who asked for one. None when that was settled already.
pub(crate) async fn create(
    app: &App,
    upstream: &Upstream,
    pending: &Pending,
    address: ClientAddress,
) -> Result<Option<AccountId>, StoreError> {
    let found = look_up(app, upstream, &pending.person).await?;
    if found.facts.known_disabled.is_some() || !upstream.create_accounts {
        return Ok(None);
    }
    // An address that nobody vouched for is not kept: whether it is free would tell who has an account.
    let keep_email = found.facts.vouched && found.local.is_none();
    make(app, upstream, &pending.person, keep_email, Some(pending), address).await
}

/// Makes an account and connects it. None when the person or the request was settled meanwhile.
async fn make(
    app: &App,
    upstream: &Upstream,
    person: &Person,
    keep_email: bool,
    pending: Option<&Pending>,
    address: ClientAddress,
) -> Result<Option<AccountId>, StoreError> {
    let likes = username_candidate(person, &app.config.accounts.reserved_usernames);
    for attempt in 0..ATTEMPTS {
        let account = new_account(person, username(likes.as_deref(), attempt), keep_email, app.now());
        let id = account.id;
        let events = [
            event(app, "account.created", id, &upstream.issuer).from(address),
            event(app, "identity.connected", id, &upstream.issuer).from(address),
        ];
        let once = pending.map(|pending| (pending.once(), pending.interaction.expires_at));
        let (who, now, wanted) = (
            person.clone(),
            app.now(),
            app.config.accounts.default_roles.clone(),
        );
        let written = app.store.write(async move |db: &mut Conn| {
            if let Some((once, until)) = once
                && !replay::record(db, &once, until).await?
            {
                return Ok(None);
            }
            if identities::find(db, &who.issuer, &who.subject).await?.is_some() {
                return Ok(None);
            }
            accounts::insert(db, &account, now).await?;
            let known = roles::list_roles(db).await?;
            let held: BTreeSet<String> = wanted
                .into_iter()
                .filter(|name| known.iter().any(|role| role.name == *name))
                .collect();
            roles::set_account_roles(db, id, &held, now).await?;
            let [created, connected] = &events;
            created.record(db).await?;
            link(db, &who, id, connected, None, now).await?;
            Ok(Some(id))
        });
        match written.await {
            // The name is taken, or since a moment ago the address.
            Err(StoreError::Conflict { .. }) if attempt + 1 < ATTEMPTS => {}
            written => return written,
        }
    }
    Err(StoreError::Busy)
}

/// The name somebody likes, with a random tail where that is taken.
fn username(likes: Option<&str>, attempt: usize) -> String {
    let tail = random::uuid().simple().to_string();
    let tail: String = tail.chars().take(8).collect();
    match likes {
        Some(name) if attempt == 0 => name.to_owned(),
        Some(name) => format!("{name}-{tail}"),
        None => format!("user-{tail}"),
    }
}

fn new_account(person: &Person, username: String, keep_email: bool, now: Timestamp) -> Account {
    let named = [
        ("name", &person.name),
        ("given_name", &person.given_name),
        ("family_name", &person.family_name),
    ];
    let claims: Map<String, Value> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())))
        .collect();
    Account {
        email: person.email.clone().filter(|_| keep_email),
        email_verified: keep_email && person.email.is_some(),
        claims,
        managed_by: None,
        ..crate::declarative::blank_account(&username, now)
    }
}
